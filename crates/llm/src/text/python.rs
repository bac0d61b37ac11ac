//! Calls written as Python: literals only, nothing is ever evaluated.

use serde_json::{Map, Value};

use super::block::{Body, space};
use super::json;
use super::tools::{Raw, Tools};

fn name(text: &str) -> &str {
    &text[..text.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.' | '-')).unwrap_or(text.len())]
}

/// Does `N(` stand here?
pub fn begins(text: &str) -> bool {
    let text = text.trim_start();
    let name = name(text);
    !name.is_empty() && text[name.len()..].starts_with('(')
}

/// `[N(k="v"), M()]`
pub fn list(text: &str, at: usize, tools: &Tools) -> Body {
    let mut at = at + 1;
    let mut calls = Vec::new();
    loop {
        at = space(text, at);
        if let Some(rest) = text[at..].strip_prefix(']') {
            return Body::Calls(calls, text.len() - rest.len());
        }
        if at == text.len() {
            return Body::Cut;
        }
        let called = name(&text[at..]);
        if called.is_empty() || !text[at + called.len()..].starts_with('(') {
            return Body::Broken(at, "no call of a tool".to_owned());
        }
        match call(text, at + called.len(), tools, called) {
            Body::Calls(more, end) => {
                calls.extend(more);
                at = space(text, end);
                at = text[at..].strip_prefix([',', ';']).map_or(at, |rest| text.len() - rest.len());
            }
            other => return other,
        }
    }
}

/// The arguments in parentheses from `at` on.
pub fn call(text: &str, at: usize, tools: &Tools, called: &str) -> Body {
    let name_known = tools.spelled(called);
    let mut arguments = Map::new();
    let mut at = at + 1;
    loop {
        at = space(text, at);
        if let Some(rest) = text[at..].strip_prefix(')') {
            return Body::Calls(vec![Raw { name: name_known, arguments }], text.len() - rest.len());
        }
        let key = name(&text[at..]);
        let after = space(text, at + key.len());
        let keyed = !key.is_empty() && text[after..].starts_with('=') && !text[after..].starts_with("==");
        let key = if keyed {
            at = space(text, after + 1);
            key.to_owned()
        } else if at == text.len() {
            return Body::Cut;
        } else if text[at..].starts_with("**") {
            at += 2;
            String::new()
        } else if let Some(only) = tools.only_text(&name_known).filter(|_| arguments.is_empty()) {
            only.to_owned()
        } else if text[at..].starts_with('{') {
            String::new()
        } else {
            return Body::Broken(at, "a value without a name".to_owned());
        };
        let (value, end) = match json::read(text, at) {
            Ok(read) => read,
            Err(why) => return Body::why(why),
        };
        match value {
            Value::Object(map) if !keyed => arguments.extend(map),
            value => {
                arguments.insert(key, value);
            }
        }
        at = space(text, end);
        match text[at..].chars().next() {
            Some(',') => at += 1,
            Some(')') => {}
            None => return Body::Cut,
            Some(_) => return Body::Broken(at, "only literals may stand in a call".to_owned()),
        }
    }
}

/// The calls that the whole text is: one a line or after `;`, with `print(` and a list's brackets taken off.
pub fn whole(text: &str, tools: &Tools) -> Option<Result<Vec<Raw>, String>> {
    let text = text.trim();
    if text.starts_with('[') && begins(&text[1..]) {
        return match list(text, 0, tools) {
            Body::Calls(calls, end) if text[end..].trim().is_empty() => Some(Ok(calls)),
            Body::Broken(_, why) => Some(Err(why)),
            Body::Calls(..) | Body::Nothing | Body::Cut => None,
        };
    }
    let mut at = 0;
    let mut calls = Vec::new();
    while at < text.len() {
        let rest = &text[at..];
        let rest = rest.strip_prefix("await ").unwrap_or(rest);
        let printed = rest.strip_prefix("print(");
        let rest = printed.unwrap_or(rest);
        let called = name(rest);
        if called.is_empty() || !rest[called.len()..].starts_with('(') || tools.known(called).is_none() {
            return None;
        }
        match call(text, text.len() - rest.len() + called.len(), tools, called) {
            Body::Calls(more, end) => {
                calls.extend(more);
                let after = text[end..].trim_start_matches(' ');
                let after = if printed.is_some() { after.strip_prefix(')')? } else { after };
                let next = after.trim_start_matches([' ', ';', ',', '\n', '\r']);
                if next.len() == after.len() && !next.is_empty() {
                    return None;
                }
                at = text.len() - next.len();
            }
            Body::Broken(_, why) => return Some(Err(why)),
            Body::Nothing | Body::Cut => return None,
        }
    }
    Some(Ok(calls))
}
