//! Calls out of the pieces in which they come: which call a piece belongs to, and what its arguments are at the end.

use serde_json::{Map, Value};

use crate::reply::ToolCall;
use crate::text::json::lenient;

/// The most calls of one answer. A model that asks for more has lost its way, and each is looked for among all.
const MOST: usize = 1024;

const NO_OBJECT: &str = "they are no JSON object";

/// What one event says of one call. What it does not say is `None`.
#[derive(Debug, Default)]
pub struct Piece<'a> {
    pub id: Option<&'a str>,
    pub index: Option<u64>,
    pub name: Option<&'a str>,
    /// text to append, or a whole value
    pub arguments: Option<&'a Value>,
    pub extra: Option<Value>,
}

#[derive(Debug, Default)]
struct Partial {
    id: Option<String>,
    index: Option<u64>,
    name: String,
    arguments: String,
    extra: Option<Value>,
}

/// The calls of one answer while they arrive.
#[derive(Debug, Default)]
pub struct Calls {
    list: Vec<Partial>,
    current: usize,
}

/// The calls at the end of the answer.
#[derive(Debug, Default)]
pub struct Finished {
    pub calls: Vec<ToolCall>,
    /// some call was left out: its arguments are cut or no object
    pub cut: bool,
    /// why, in words for the model
    pub invalid: Vec<String>,
}

impl Calls {
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Take a piece. The name comes back when a call gets it.
    pub fn add(&mut self, mut piece: Piece<'_>, known: &dyn Fn(&str) -> bool) -> Option<String> {
        piece.id = piece.id.filter(|id| !id.is_empty());
        piece.name = piece.name.filter(|name| !name.is_empty());
        self.current = match self.place(&piece, known) {
            Some(at) => at,
            None if self.list.len() >= MOST => return None,
            None => {
                self.list.push(Partial { index: piece.index, ..Partial::default() });
                self.list.len() - 1
            }
        };
        let call = &mut self.list[self.current];
        if call.id.is_none() {
            call.id = piece.id.map(str::to_owned);
        }
        call.extra = piece.extra.or_else(|| call.extra.take());
        let named = piece.name.is_some_and(|name| call.take_name(name, known));
        if let Some(arguments) = piece.arguments {
            call.append(arguments);
        }
        named.then(|| call.name.clone())
    }

    /// Which call a piece belongs to; a new one without an answer.
    fn place(&self, piece: &Piece<'_>, known: &dyn Fn(&str) -> bool) -> Option<usize> {
        let last = self.list.len().checked_sub(1)?;
        // the last of an index: some servers give every call the same one
        let of_index = piece.index.and_then(|index| self.list.iter().rposition(|call| call.index == Some(index)));
        let at = match piece.id {
            Some(id) => match self.list.iter().rposition(|call| call.id.as_deref() == Some(id)) {
                Some(seen) => seen,
                None if piece.name.is_some() => of_index.filter(|&at| self.list[at].name.is_empty())?,
                // an id that follows its name, or one made up for every piece
                None if piece.index.is_none() => self.current,
                None if piece.says_nothing() => of_index?,
                None => of_index.unwrap_or(last),
            },
            None if piece.index.is_none() => self.current,
            None if piece.name.is_some() => of_index?,
            None => of_index.unwrap_or(last),
        };
        self.list[at].goes_on(piece, known).then_some(at)
    }

    /// The calls as they stand, `made` giving an id to those without one of their own.
    pub fn finish(self, mut made: impl FnMut() -> String) -> Finished {
        let mut finished = Finished::default();
        for partial in self.list {
            let all = match objects(&partial.arguments) {
                Ok(all) if !partial.name.is_empty() => all,
                Ok(_) => {
                    finished.leave_out("a call without a name".to_owned());
                    continue;
                }
                Err(why) => {
                    finished.leave_out(format!("the arguments of {}: {why}", partial.name));
                    continue;
                }
            };
            let mut id = partial.id.filter(|id| finished.calls.iter().all(|call| call.id != *id));
            let mut extra = partial.extra;
            for arguments in all {
                let id = id.take().unwrap_or_else(&mut made);
                finished.calls.push(ToolCall { id, name: partial.name.clone(), arguments, extra: extra.take() });
            }
        }
        finished.calls.truncate(MOST);
        finished
    }
}

impl Finished {
    fn leave_out(&mut self, why: String) {
        self.cut = true;
        self.invalid.push(why);
    }
}

impl Piece<'_> {
    fn says_nothing(&self) -> bool {
        self.arguments.is_none_or(|value| value.is_null() || value.as_str() == Some(""))
    }
}

impl Partial {
    /// Whether a piece can be more of this call: another name after whole arguments is another call.
    fn goes_on(&self, piece: &Piece<'_>, known: &dyn Fn(&str) -> bool) -> bool {
        let Some(name) = piece.name.filter(|name| !self.name.is_empty() && *name != self.name) else { return true };
        if self.longer(name, known).is_some() {
            return true;
        }
        let whole = if self.arguments.trim().is_empty() {
            known(&self.name) && known(name)
        } else {
            objects(&self.arguments).is_ok()
        };
        !whole
    }

    /// The name that this one becomes with a further piece of it, if that is a name at all.
    fn longer(&self, piece: &str, known: &dyn Fn(&str) -> bool) -> Option<String> {
        if !self.arguments.is_empty() {
            return None;
        }
        if piece.starts_with(&self.name) && known(piece) {
            return Some(piece.to_owned());
        }
        let joined = format!("{}{piece}", self.name);
        known(&joined).then_some(joined)
    }

    /// Whether the call has a name that it did not have before.
    fn take_name(&mut self, piece: &str, known: &dyn Fn(&str) -> bool) -> bool {
        if self.name == piece {
            return false;
        }
        let name = if self.name.is_empty() { Some(piece.to_owned()) } else { self.longer(piece, known) };
        name.map(|name| self.name = name).is_some()
    }

    fn append(&mut self, value: &Value) {
        let piece = match value {
            Value::Null => return,
            Value::String(text) => text.clone(),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
        };
        if !self.repeats(&piece) {
            self.arguments.push_str(&piece);
        }
    }

    /// Whether a piece is the whole of what is there already.
    fn repeats(&self, piece: &str) -> bool {
        // the lengths are compared first so that a long text is not read again for every short piece
        let near = self.arguments.len() <= piece.len().saturating_mul(4);
        let object = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
        near && object(piece).is_some_and(|whole| object(&self.arguments) == Some(whole))
    }
}

/// The objects that stand in a call's arguments, one as a rule.
fn objects(text: &str) -> Result<Vec<Map<String, Value>>, String> {
    if text.trim().is_empty() {
        return Ok(vec![Map::new()]);
    }
    let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    let mut all = Vec::new();
    for value in values.or_else(|_| lenient(text).map(|value| vec![value])).map_err(|why| why.to_string())? {
        let object = object(value)?;
        if all.last() != Some(&object) {
            all.push(object);
        }
    }
    // an empty object before the arguments is a server's first guess
    if all.iter().any(|object| !object.is_empty()) {
        all.retain(|object| !object.is_empty());
    }
    Ok(all)
}

fn object(value: Value) -> Result<Map<String, Value>, String> {
    match value {
        Value::Object(object) => Ok(object),
        Value::Null => Ok(Map::new()),
        Value::String(inner) if inner.trim().is_empty() => Ok(Map::new()),
        // encoded twice, and not more often
        Value::String(inner) => match lenient(&inner).map_err(|why| why.to_string())? {
            Value::Object(object) => Ok(object),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(NO_OBJECT.to_owned())
            }
        },
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err(NO_OBJECT.to_owned()),
    }
}
