//! What stands after a strong marker: JSON, a name and its arguments, elements, pairs, a Python list; any number of calls.

use serde_json::{Map, Value};

use super::json::{self, Why};
use super::markers::{Role, marker};
use super::tools::{Raw, Tools};
use super::{python, quotes, xml};

/// What one place of the text is.
pub enum Body {
    Calls(Vec<Raw>, usize),
    /// no call begins here
    Nothing,
    /// the reply ends inside a call
    Cut,
    /// a call begins here and cannot be read; where that showed, and why
    Broken(usize, String),
}

impl Body {
    pub fn why(why: Why) -> Self {
        match why {
            Why::Truncated { .. } => Self::Cut,
            Why::Broken { at, .. } => Self::Broken(at, why.to_string()),
        }
    }
}

pub fn space(text: &str, at: usize) -> usize {
    let mut rest = &text[at..];
    loop {
        let before = rest.len();
        rest = rest.trim_start();
        rest = rest.strip_prefix("\\n").unwrap_or(rest);
        if rest.len() == before {
            return text.len() - rest.len();
        }
    }
}

/// How many markers may stand between an opener and its call: a reply of nothing but openers is read once, not once each.
const IDLE: usize = 8;

/// The calls that begin at `at`. What cannot be read after a whole call is left to the caller.
pub fn read(text: &str, at: usize, tools: &Tools) -> Body {
    let mut calls: Vec<Raw> = Vec::new();
    let (mut at, mut whole, mut closed) = (at, at, false);
    let mut idle = 0;
    while idle < IDLE {
        idle += 1;
        at = space(text, at);
        if !calls.is_empty() {
            at += text[at..].len() - text[at..].trim_start_matches([';', ',', '}', ']', ' ', '\n']).len();
        }
        let found = match marker(text, at) {
            Some(mark) => match mark.role {
                Role::Open => {
                    (at, closed) = (mark.end, false);
                    continue;
                }
                Role::Noise | Role::Infix | Role::Soft | Role::Parameter | Role::Key | Role::Item => {
                    at = mark.end;
                    continue;
                }
                Role::Call => xml::read(text, at, tools),
                Role::Close | Role::CloseParameter | Role::CloseKey if !calls.is_empty() => {
                    (at, whole, closed, idle) = (mark.end, mark.end, true, 0);
                    continue;
                }
                Role::Close | Role::CloseParameter | Role::CloseKey => break,
                Role::Think | Role::CloseThink | Role::Frame | Role::Channel => break,
            },
            // behind a closing tag only another marker opens a call
            None if closed => break,
            None => one(text, at, tools, calls.is_empty()),
        };
        match found {
            // what follows a call with no marker between may be an invented result: only known names are calls there
            Body::Calls(more, _) if !calls.is_empty() && !more.iter().all(|call| tools.known(&call.name).is_some()) => {
                break;
            }
            Body::Calls(more, end) => {
                calls.extend(more);
                (at, whole, idle) = (end, end, 0);
            }
            Body::Nothing => break,
            Body::Cut => return Body::Cut,
            bad @ Body::Broken(..) if calls.is_empty() => return bad,
            Body::Broken(..) => break,
        }
    }
    if calls.is_empty() { Body::Nothing } else { Body::Calls(calls, whole) }
}

fn one(text: &str, at: usize, tools: &Tools, first: bool) -> Body {
    let rest = &text[at..];
    if rest.starts_with('[') && python::begins(&rest[1..]) {
        return python::list(text, at, tools);
    }
    if rest.starts_with(['{', '[']) {
        return json_calls(text, at, tools);
    }
    if let Some(call) = rest.strip_prefix("call:") {
        return named(text, text.len() - call.len(), tools, first);
    }
    if let Some(inner) = rest.strip_prefix("```") {
        let line = inner.find('\n').map_or(text.len(), |line| text.len() - inner.len() + line);
        return if text[line..].trim_start().starts_with(['{', '[']) { read(text, line, tools) } else { Body::Nothing };
    }
    named(text, at, tools, first)
}

fn json_calls(text: &str, at: usize, tools: &Tools) -> Body {
    let (value, end) = match json::read(text, at) {
        Ok(read) => read,
        Err(why) => return quotes::repaired(text, at, tools).unwrap_or_else(|| cut_or_broken(text, why)),
    };
    match tools.calls(&value, false) {
        Ok(calls) if calls.is_empty() => Body::Nothing,
        Ok(calls) => Body::Calls(calls, end),
        Err(why) => Body::Broken(end, why.to_owned()),
    }
}

fn cut_or_broken(text: &str, why: Why) -> Body {
    match Body::why(why) {
        Body::Broken(at, why) => {
            let near: String = text[at..].chars().take(80).collect();
            Body::Broken(at, format!("{why}: {near}"))
        }
        other => other,
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':' | '/' | '`')
}

/// `N` and then its arguments in any of the shapes.
pub fn named(text: &str, at: usize, tools: &Tools, first: bool) -> Body {
    let rest = &text[at..];
    let length = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
    let name = &rest[..length];
    let mut at = at + length;
    if length == 0 || length > 128 {
        return Body::Nothing;
    }
    let mut infix = false;
    loop {
        at = space(text, at);
        let Some(mark) = marker(text, at) else { break };
        match mark.role {
            Role::Infix if name == "function" && !infix => return read(text, mark.end, tools),
            Role::Infix => {
                infix = true;
                at = mark.end;
                let id = &text[at..];
                let id = id.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(id.len());
                if text[at + id..].starts_with("[ARGS]") {
                    at += id;
                }
            }
            Role::Noise | Role::Frame => {
                infix = true;
                at = mark.end;
                let format = text[at..].trim_start();
                at = text.len() - format.strip_prefix("json").unwrap_or(format).len();
            }
            Role::Key => return xml::pairs(text, at, tools, name),
            Role::Parameter => return xml::parameters(text, at, tools, name),
            Role::Close if first => {
                return Body::Calls(vec![Raw { name: tools.spelled(name), arguments: Map::new() }], at);
            }
            Role::Open | Role::Soft | Role::Call | Role::Item | Role::Close => return Body::Nothing,
            Role::CloseParameter | Role::CloseKey => at = mark.end,
            Role::Think | Role::CloseThink | Role::Channel => return Body::Nothing,
        }
    }
    arguments(text, at, tools, name, infix)
}

/// The arguments of `name` from here: JSON, fenced JSON or a Python call.
pub fn arguments(text: &str, at: usize, tools: &Tools, name: &str, certain: bool) -> Body {
    let mut at = space(text, at);
    let mut fenced = false;
    if let Some(inner) = text[at..].strip_prefix("```") {
        let line = inner.find(['\n', '{']).unwrap_or(inner.len());
        at = space(text, text.len() - inner.len() + line);
        fenced = true;
    }
    let rest = &text[at..];
    if rest.is_empty() {
        return if certain || fenced { Body::Cut } else { Body::Nothing };
    }
    if rest.starts_with('(') {
        return python::call(text, at, tools, name.strip_suffix(".call").unwrap_or(name));
    }
    if rest.starts_with("tool_call(") {
        return python::call(text, at + "tool_call".len(), tools, name);
    }
    if !(rest.starts_with(['{', '"']) || certain && rest.starts_with("null")) {
        return Body::Nothing;
    }
    let spelled = tools.spelled(name);
    let (value, end) = match json::read(text, at) {
        Ok(read) => read,
        Err(why) => return quotes::arguments(text, at, tools, &spelled).unwrap_or_else(|| cut_or_broken(text, why)),
    };
    let arguments = match tools.arguments(&spelled, &value) {
        Ok(arguments) => arguments,
        Err(why) => return Body::Broken(end, why.to_owned()),
    };
    let end = if fenced {
        text[end..].trim_start().strip_prefix("```").map_or(end, |rest| text.len() - rest.len())
    } else {
        end
    };
    nameless(spelled, arguments, tools)
        .map_or_else(|| Body::Broken(end, "the name of the tool was lost".into()), |call| Body::Calls(vec![call], end))
}

/// Some servers print only the counter of a call: then one tool alone may fit.
fn nameless(name: String, arguments: Map<String, Value>, tools: &Tools) -> Option<Raw> {
    let counter = name.trim_start_matches(':').bytes().all(|b| b.is_ascii_digit()) || name == "functions";
    if !counter {
        return Some(Raw { name, arguments });
    }
    let name = tools.fitting(&arguments)?.to_owned();
    Some(Raw { name, arguments })
}
