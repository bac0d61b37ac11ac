//! Calls as elements: Qwen3-Coder, DSML, MiniMax, `invoke`, Seed, GLM's pairs. Values are raw text, typed by the schema.

use serde_json::{Map, Value};

use super::block::{self, Body, space};
use super::json;
use super::markers::{Mark, Role, marker};
use super::tag;
use super::tools::{Raw, Tools};

/// The call whose element begins at `at`.
pub fn read(text: &str, at: usize, tools: &Tools) -> Body {
    let Some(mark) = marker(text, at) else { return Body::Nothing };
    let Some(name) = mark.tag.as_ref().and_then(|tag| tag.attribute("name")).filter(|name| !name.is_empty()) else {
        return Body::Broken(mark.end, "a call without a name".to_owned());
    };
    let name = name.to_owned();
    let body = skip(text, mark.end);
    if text[body..].starts_with('{') {
        return block::arguments(text, body, tools, &name, true);
    }
    parameters(text, body, tools, &name)
}

/// White space and tokens without meaning.
fn skip(text: &str, at: usize) -> usize {
    let mut at = space(text, at);
    while let Some(mark) = marker(text, at).filter(|mark| mark.role == Role::Noise) {
        at = space(text, mark.end);
    }
    at
}

pub fn parameters(text: &str, at: usize, tools: &Tools, name: &str) -> Body {
    let name = tools.spelled(name);
    let mut arguments = Map::new();
    let mut at = at;
    loop {
        at = skip(text, at);
        if at == text.len() {
            // every parameter is closed: only the wrapper's end is missing
            return if arguments.is_empty() { Body::Cut } else { done(name, arguments, at) };
        }
        let Some(mark) = marker(text, at) else {
            match element(text, at, FARTHEST) {
                Some((key, value, end)) => {
                    arguments.insert(key.clone(), tools.typed(&name, &key, trimmed(&value)));
                    at = end;
                }
                None => match unreadable(text, at) {
                    Some(next) => at = next,
                    None if ends_in_tag(&text[at..], &arguments) => return Body::Cut,
                    None => return done(name, arguments, at),
                },
            }
            continue;
        };
        match mark.role {
            Role::Parameter => {
                let Some((key, value, end)) = parameter(text, &mark, tools, &name) else { return Body::Cut };
                arguments.insert(key, value);
                at = end;
            }
            Role::CloseParameter | Role::CloseKey | Role::Noise => at = mark.end,
            Role::Close => return done(name, arguments, mark.end),
            Role::Key => {
                return match pairs(text, at, tools, &name) {
                    Body::Calls(calls, end) => Body::Calls(calls, end),
                    other => other,
                };
            }
            Role::Call if mark.tag.as_ref().is_some_and(|tag| tag.attribute("name").is_none()) => {
                return done(name, arguments, mark.end);
            }
            Role::Open | Role::Soft | Role::Call | Role::Item | Role::Infix => return done(name, arguments, at),
            Role::Think | Role::CloseThink | Role::Frame | Role::Channel => return done(name, arguments, at),
        }
    }
}

/// The reply ends inside a tag that may begin a further argument.
fn ends_in_tag(rest: &str, arguments: &Map<String, Value>) -> bool {
    let closes = rest.starts_with("</") && !arguments.is_empty();
    rest.starts_with('<') && !rest.contains('>') && !closes
}

fn done(name: String, arguments: Map<String, Value>, end: usize) -> Body {
    Body::Calls(vec![Raw { name, arguments }], end)
}

/// An opener without its `>`: it is skipped together with its value.
fn unreadable(text: &str, at: usize) -> Option<usize> {
    let head = tag::head(text, at)?;
    let word = text.get(head.at..)?;
    if !word.starts_with("param") && !word.starts_with("function") {
        return None;
    }
    let mut next = head.at;
    loop {
        next += text[next..].find('<')?;
        let Some(mark) = marker(text, next) else {
            next += 1;
            continue;
        };
        match mark.role {
            Role::CloseParameter => return Some(mark.end),
            Role::Parameter | Role::Close | Role::Call => return Some(next),
            _ => next = mark.end,
        }
    }
}

fn parameter(text: &str, mark: &Mark<'_>, tools: &Tools, name: &str) -> Option<(String, Value, usize)> {
    let tag = mark.tag.as_ref()?;
    let key = tag.attribute("name").or_else(|| tag.attribute("key"))?.to_owned();
    let (value, end) = value(text, mark.end)?;
    let raw = trimmed(value);
    let typed = match tag.attribute("string") {
        Some("true") => Value::String(raw.to_owned()),
        Some("false") => json::lenient(raw.trim()).unwrap_or_else(|_| Value::String(raw.to_owned())),
        Some(_) | None => tools.typed(name, &key, raw),
    };
    Some((key, typed, end))
}

/// The raw text of a value and where the reading goes on; `None` if the reply ends inside it.
fn value(text: &str, at: usize) -> Option<(&str, usize)> {
    if let Some(data) = text[at..].trim_start().strip_prefix("<![CDATA[") {
        let start = text.len() - data.len();
        let end = start + data.find("]]>")?;
        return Some((&text[start..end], end + 3));
    }
    let mut early = None;
    let mut next = at;
    while let Some(found) = text[next..].find(['<', ']']) {
        let here = next + found;
        let Some(mark) = marker(text, here) else {
            next = here + 1;
            continue;
        };
        next = mark.end;
        match mark.role {
            Role::CloseParameter => return Some((&text[at..before_noise(text, at, here)], mark.end)),
            Role::Parameter | Role::Key | Role::Call => {
                let end = early.unwrap_or(here);
                return Some((&text[at..end], end));
            }
            Role::Close | Role::Open => early = early.or(Some(here)),
            Role::Frame => {
                let end = early.unwrap_or(here);
                return Some((&text[at..end], end));
            }
            Role::Soft | Role::Item | Role::Infix | Role::CloseKey | Role::Think => {}
            Role::CloseThink | Role::Channel | Role::Noise => {}
        }
    }
    early.map(|end| (&text[at..end], end))
}

/// MiniMax M3 sets its marker before the closing tag as well.
fn before_noise(text: &str, at: usize, end: usize) -> usize {
    text[at..end].strip_suffix("]<]minimax[>[").map_or(end, |value| at + value.len())
}

/// One newline at each end belongs to the layout, nothing more.
fn trimmed(value: &str) -> &str {
    let value = value.strip_prefix("\r\n").or_else(|| value.strip_prefix('\n')).unwrap_or(value);
    value.strip_suffix("\r\n").or_else(|| value.strip_suffix('\n')).unwrap_or(value)
}

/// `<k>v</k>`: an argument that is an element of its own name.
pub fn element(text: &str, at: usize, farthest: usize) -> Option<(String, String, usize)> {
    let tag = tag::read(text, at).filter(|tag| !tag.close && !tag.token && tag.rest.trim().is_empty())?;
    let inner = text[at + 1..tag.end - 1].trim();
    let key = inner.rsplit_once(':').map_or(inner, |found| found.1);
    let (close, more) = (format!("</{inner}>"), "]<]minimax[>[");
    let end = tag.end + within(&text[tag.end..], farthest).find(&close)?;
    let value = &text[tag.end..end];
    let value = value.strip_suffix(more).unwrap_or(value);
    Some((key.to_owned(), value.to_owned(), end + close.len()))
}

/// How far the end of an argument's own element is looked for.
const FARTHEST: usize = 16 << 10;

/// The text's beginning, cut between characters.
fn within(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

/// `<arg_key>k</arg_key><arg_value>v</arg_value>` repeated.
pub fn pairs(text: &str, at: usize, tools: &Tools, name: &str) -> Body {
    let name = tools.spelled(name);
    let mut arguments = Map::new();
    let mut at = at;
    loop {
        at = skip(text, at);
        let Some(mark) = marker(text, at) else {
            let cut = at == text.len() && arguments.is_empty() || ends_in_tag(&text[at..], &arguments);
            return if cut { Body::Cut } else { done(name, arguments, at) };
        };
        match mark.role {
            Role::Key => {
                let Some(length) = text[mark.end..].find('<') else { return Body::Cut };
                let key = text[mark.end..mark.end + length].trim();
                let mut from = skip(text, mark.end + length);
                let mut opened = false;
                while let Some(mark) = marker(text, from) {
                    match mark.role {
                        Role::CloseKey => from = skip(text, mark.end),
                        Role::Item if !opened => {
                            (from, opened) = (mark.end, true);
                            break;
                        }
                        _ => break,
                    }
                }
                if !opened {
                    return if from == text.len() {
                        Body::Cut
                    } else {
                        Body::Broken(from, format!("{key} has no value"))
                    };
                }
                let Some((value, end)) = value(text, from) else { return Body::Cut };
                arguments.insert(key.to_owned(), tools.typed(&name, key, trimmed(value)));
                at = end;
            }
            Role::CloseParameter | Role::CloseKey | Role::Noise => at = mark.end,
            Role::Close => return done(name, arguments, mark.end),
            _ => return done(name, arguments, at),
        }
    }
}
