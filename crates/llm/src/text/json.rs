//! JSON as models write it: strict first, then one tolerant reader of bounded depth that says why and where it stopped.

use serde_json::{Map, Number, Value};

const DEEPEST: usize = 64;
const LARGEST: usize = 4 << 20;

/// Why a text is no JSON value, and at which byte that showed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    #[error("the text ends inside a value (byte {at})")]
    Truncated { at: usize },
    #[error("no JSON at byte {at}: {what}")]
    Broken { at: usize, what: &'static str },
}

/// The one value that the whole text is.
pub fn lenient(text: &str) -> Result<Value, Why> {
    let (value, end) = read(text, 0)?;
    let rest = text[end..].trim_start_matches(|c: char| c.is_whitespace() || c == '}' || c == ']');
    if rest.is_empty() {
        return Ok(value);
    }
    Err(Why::Broken { at: text.len() - rest.len(), what: "text after the value" })
}

/// The value that begins at `at`, and where it ends.
pub fn read(text: &str, at: usize) -> Result<(Value, usize), Why> {
    if text.len() - at > LARGEST {
        return Err(Why::Broken { at, what: "too large" });
    }
    let mut strict = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
    if let Some(Ok(value)) = strict.next() {
        return Ok((value, at + strict.byte_offset()));
    }
    let mut reader = Reader { text, at, depth: 0, closed: false };
    reader.space();
    let value = reader.value()?;
    Ok((value, reader.at))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    /// a closing tag was reached: what is open may be closed
    closed: bool,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn broken<T>(&self, what: &'static str) -> Result<T, Why> {
        match self.peek() {
            None => Err(Why::Truncated { at: self.at }),
            Some(_) => Err(Why::Broken { at: self.at, what }),
        }
    }

    fn space(&mut self) {
        loop {
            let start = self.at;
            self.at += self.rest().len() - self.rest().trim_start().len();
            if self.eat("\\n") || self.eat("\\t") || self.eat("\\r") {
                continue;
            }
            if self.rest().starts_with("//") || self.rest().starts_with('#') {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            } else if self.rest().starts_with("/*") {
                self.at += self.rest().find("*/").map_or(self.rest().len(), |end| end + 2);
            }
            if self.at == start {
                return;
            }
        }
    }

    fn value(&mut self) -> Result<Value, Why> {
        if let Some(text) = self.quoted()? {
            return Ok(Value::String(text));
        }
        match self.peek() {
            Some('{') => self.nested(Self::object),
            Some('[') => self.nested(Self::array),
            Some(_) => self.bare(),
            None => Err(Why::Truncated { at: self.at }),
        }
    }

    fn nested(&mut self, read: fn(&mut Self) -> Result<Value, Why>) -> Result<Value, Why> {
        if self.depth == DEEPEST {
            return self.broken("nested too deeply");
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    /// After a member or an element: is there another one?
    fn more(&mut self, end: char) -> Result<bool, Why> {
        self.space();
        if self.closed || self.closing_tag() {
            self.closed = true;
            return Ok(false);
        }
        let comma = self.eat(",") || self.eat("，");
        self.space();
        match self.peek() {
            Some(found) if found == end => {
                self.at += end.len_utf8();
                Ok(false)
            }
            Some('-') if end == '}' => Ok(true),
            _ if comma => Ok(true),
            _ => self.broken("a comma or the end was expected"),
        }
    }

    /// A tag that ends a call proves that the reply was not cut; only then is a missing brace added.
    fn closing_tag(&self) -> bool {
        self.rest().starts_with('<')
            && super::markers::marker(self.text, self.at)
                .is_some_and(|mark| matches!(mark.role, super::markers::Role::Close))
    }

    fn object(&mut self) -> Result<Value, Why> {
        self.at += 1;
        let doubled = self.eat("{");
        let mut map = Map::new();
        self.space();
        if !self.eat("}") {
            loop {
                let key = self.key()?;
                self.space();
                let value = self.value()?;
                map.insert(key, value);
                if !self.more('}')? {
                    break;
                }
            }
        }
        if doubled && !self.closed {
            self.eat("}");
        }
        Ok(Value::Object(map))
    }

    fn array(&mut self) -> Result<Value, Why> {
        self.at += 1;
        let mut list = Vec::new();
        self.space();
        if self.eat("]") {
            return Ok(Value::Array(list));
        }
        loop {
            list.push(self.value()?);
            if !self.more(']')? {
                return Ok(Value::Array(list));
            }
        }
    }

    fn key(&mut self) -> Result<String, Why> {
        let option = self.eat("--");
        let key = match self.quoted()? {
            Some(key) => key,
            None => self.word().to_owned(),
        };
        if key.is_empty() && self.peek().is_none_or(|found| found != ':') {
            return self.broken("a key was expected");
        }
        self.space();
        if option || self.eat(":") || self.eat("：") || self.eat("=>") {
            return Ok(key);
        }
        self.broken("a colon was expected")
    }

    fn word(&mut self) -> &str {
        let start = self.at;
        let more = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '$' | '+');
        self.at += self.rest().find(|c| !more(c)).unwrap_or(self.rest().len());
        &self.text[start..self.at]
    }

    fn bare(&mut self) -> Result<Value, Why> {
        let start = self.at;
        let value = match self.word() {
            "true" | "True" => Value::Bool(true),
            "false" | "False" => Value::Bool(false),
            "null" | "None" => Value::Null,
            word => match word.parse::<Number>() {
                Ok(number) => Value::Number(number),
                Err(_) => {
                    let end = self.peek().is_none();
                    self.at = if end { self.text.len() } else { start };
                    return self.broken("a value was expected");
                }
            },
        };
        // "12" at the end of a cut reply may have been the beginning of "120"
        if self.peek().is_none() && self.depth > 0 {
            return Err(Why::Truncated { at: self.at });
        }
        Ok(value)
    }

    fn quoted(&mut self) -> Result<Option<String>, Why> {
        for mark in ["<|\"|>", "<escape>"] {
            if self.eat(mark) {
                let Some(end) = self.rest().find(mark) else { return Err(Why::Truncated { at: self.text.len() }) };
                let text = self.rest()[..end].to_owned();
                self.at += end + mark.len();
                return Ok(Some(text));
            }
        }
        let ends: &[char] = match self.peek() {
            Some('"') => &['"'],
            Some('\'') => &['\''],
            Some('“' | '”') => &['”', '“'],
            _ => return Ok(None),
        };
        self.at += self.peek().map_or(0, char::len_utf8);
        let mut text = String::new();
        loop {
            let Some(c) = self.peek() else { return Err(Why::Truncated { at: self.at }) };
            self.at += c.len_utf8();
            if ends.contains(&c) {
                return Ok(Some(text));
            }
            if c == '\\' { self.escape(&mut text)? } else { text.push(c) }
        }
    }

    fn escape(&mut self, text: &mut String) -> Result<(), Why> {
        let Some(c) = self.peek() else { return Err(Why::Truncated { at: self.at }) };
        self.at += c.len_utf8();
        match c {
            'n' => text.push('\n'),
            't' => text.push('\t'),
            'r' => text.push('\r'),
            'b' => text.push('\u{8}'),
            'f' => text.push('\u{c}'),
            '"' | '\'' | '\\' | '/' | '“' | '”' => text.push(c),
            'u' => match self.unicode() {
                Some(c) => text.push(c),
                None => text.push_str("\\u"),
            },
            other => text.extend(['\\', other]),
        }
        Ok(())
    }

    fn unicode(&mut self) -> Option<char> {
        let unit = |text: &str| u32::from_str_radix(text.get(..4)?, 16).ok();
        let high = unit(self.rest())?;
        if let Some(c) = char::from_u32(high) {
            self.at += 4;
            return Some(c);
        }
        let low = unit(self.rest().get(4..)?.strip_prefix("\\u")?)?;
        if !(0xD800..0xDC00).contains(&high) || !(0xDC00..0xE000).contains(&low) {
            return None;
        }
        self.at += 10;
        char::from_u32(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
    }
}
