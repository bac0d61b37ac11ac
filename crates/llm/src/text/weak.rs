//! Shapes that ordinary text has too: fences, bare JSON, `N` above JSON, a tool's name as a tag. The name must be known.

use serde_json::Map;

use super::block::{self, Body};
use super::json;
use super::tools::{Raw, Tools};
use super::{python, react, xml};

#[derive(Debug, Default)]
pub struct Found {
    pub calls: Vec<Raw>,
    pub visible: String,
    pub truncated: bool,
    pub invalid: Vec<String>,
}

impl Found {
    fn whole(calls: Vec<Raw>) -> Self {
        Self { calls, ..Self::default() }
    }
}

/// What the text without markers says.
pub fn read(text: &str, tools: &Tools) -> Found {
    let text = text.trim();
    if let Some(found) = react::read(text, tools) {
        return found;
    }
    if let Some(calls) = label(text, tools) {
        return Found::whole(calls);
    }
    if let Some(found) = fences(text, tools) {
        return found;
    }
    match whole(text, tools) {
        Some(Ok(calls)) => return Found::whole(calls),
        Some(Err(why)) => return Found { visible: text.to_owned(), invalid: vec![why], ..Found::default() },
        None => {}
    }
    last(text, tools).unwrap_or_else(|| Found { visible: text.to_owned(), ..Found::default() })
}

/// The calls that a whole text is, if it is nothing but calls.
pub fn whole(text: &str, tools: &Tools) -> Option<Result<Vec<Raw>, String>> {
    let text = text.trim();
    if let Some(calls) = python::whole(text, tools) {
        return match calls {
            Ok(calls) if calls.is_empty() || !calls.iter().all(|call| tools.known(&call.name).is_some()) => None,
            other => Some(other),
        };
    }
    if text.starts_with(['{', '[']) {
        return objects(text, tools);
    }
    if text.starts_with('<') {
        return elements(text, tools).map(Ok);
    }
    label(text, tools).map(Ok)
}

/// Objects or arrays one after another.
fn objects(text: &str, tools: &Tools) -> Option<Result<Vec<Raw>, String>> {
    let mut calls = Vec::new();
    let mut at = 0;
    loop {
        let (value, end) = json::read(text, at).ok()?;
        match tools.calls(&value, true) {
            Ok(more) => calls.extend(more),
            Err(why) if why.contains("schema") => return Some(Err(why.to_owned())),
            Err(_) => return None,
        }
        let rest = text[end..].trim_start_matches([' ', '\n', '\r', '\t', ';', ',', '}', ']']);
        if rest.is_empty() {
            return (!calls.is_empty()).then_some(Ok(calls));
        }
        if !rest.starts_with(['{', '[']) {
            return None;
        }
        at = text.len() - rest.len();
    }
}

/// `N␤J`, `[N]␤J`, `>>>N␤J`, `functionN␤J`, each repeated.
fn label(text: &str, tools: &Tools) -> Option<Vec<Raw>> {
    let mut calls = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = match rest.find(['\n', '{']) {
            Some(end) => rest.split_at(end),
            None => return None,
        };
        let name = line.trim().trim_start_matches(">>>");
        let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        let name = name.trim_end_matches([':', '：']);
        let name = tools.known(name).or_else(|| tools.known(name.strip_prefix("function")?))?;
        match block::arguments(text, text.len() - after.len(), tools, name, false) {
            Body::Calls(more, end) => {
                calls.extend(more);
                rest = text[end..].trim_start();
            }
            Body::Nothing | Body::Cut | Body::Broken(..) => return None,
        }
    }
    (!calls.is_empty()).then_some(calls)
}

/// `<N><k>v</k></N>` of Cline and Roo.
fn elements(text: &str, tools: &Tools) -> Option<Vec<Raw>> {
    let mut calls = Vec::new();
    let mut at = 0;
    while at < text.len() {
        let (name, body, end) = xml::element(text, at, usize::MAX)?;
        let name = tools.known(&name)?.to_owned();
        let mut arguments = Map::new();
        if let Ok(value) = json::lenient(body.trim()) {
            arguments = tools.arguments(&name, &value).ok()?;
        } else {
            let mut inner = block::space(&body, 0);
            while inner < body.len() {
                let (key, value, end) = xml::element(&body, inner, usize::MAX)?;
                let value = value.strip_prefix('\n').unwrap_or(&value);
                let value = value.strip_suffix('\n').unwrap_or(value);
                arguments.insert(key.clone(), tools.typed(&name, &key, value));
                inner = block::space(&body, end);
            }
        }
        calls.push(Raw { name, arguments });
        at = block::space(text, end);
    }
    (!calls.is_empty()).then_some(calls)
}

const LANGUAGES: [&str; 12] = [
    "",
    "json",
    "jsonc",
    "json5",
    "tool_call",
    "tool_calls",
    "tool_code",
    "tool",
    "python",
    "xml",
    "function_call",
    "javascript",
];

pub fn language(word: &str) -> bool {
    LANGUAGES.contains(&word.trim().to_ascii_lowercase().as_str())
}

/// Fenced calls; what is beside them stays.
fn fences(text: &str, tools: &Tools) -> Option<Found> {
    let mut found = Found::default();
    let mut rest = text;
    while let Some(open) = rest.find("```") {
        let (before, fence) = rest.split_at(open);
        let inner = &fence[3..];
        let end = closing(inner);
        let fenced_text = &inner[..end.0];
        let (word, body) = fenced_text.split_at(fenced_text.find(['\n', '{', '[']).unwrap_or(end.0));
        let calls = language(word).then(|| fenced(before, body, tools)).flatten();
        match calls {
            Some((Ok(calls), kept)) => {
                found.calls.extend(calls);
                found.visible.push_str(kept);
            }
            Some((Err(why), kept)) => {
                found.invalid.push(why);
                found.visible.push_str(kept);
            }
            None => found.visible.push_str(&rest[..open + 3 + end.1]),
        }
        rest = &inner[end.1..];
    }
    found.visible.push_str(rest);
    found.visible = found.visible.trim().to_owned();
    (!found.calls.is_empty() || !found.invalid.is_empty()).then_some(found)
}

/// Where the fence's body ends and where the text goes on: a fence closes on a line of its own or after JSON.
fn closing(inner: &str) -> (usize, usize) {
    let mut at = 0;
    while let Some(found) = inner[at..].find("```") {
        let end = at + found;
        let before = inner[..end].trim_end_matches(' ');
        if before.ends_with(['\n', '}', ']', ')', '>']) || before.is_empty() {
            return (end, end + 3);
        }
        at = end + 3;
    }
    (inner.len(), inner.len())
}

/// The calls of one fence, and the text before it without a name that belongs to it.
fn fenced<'a>(before: &'a str, body: &str, tools: &Tools) -> Option<(Result<Vec<Raw>, String>, &'a str)> {
    if let Some(calls) = whole(body, tools) {
        return Some((calls, before));
    }
    let head = before.trim_end();
    let line = head.rfind('\n').map_or(0, |at| at + 1);
    let name = head[line..].trim().trim_end_matches([':', '：']);
    let name = tools.known(name).or_else(|| tools.known(name.strip_prefix("function")?))?;
    let body = body.trim();
    match block::arguments(body, 0, tools, name, false) {
        Body::Calls(calls, end) if body[end..].trim().is_empty() => Some((Ok(calls), &before[..line])),
        Body::Calls(..) | Body::Nothing | Body::Cut | Body::Broken(..) => None,
    }
}

/// How many places are tried from the end: a reply ends with a few calls, not with thousands of braces.
const TRIES: usize = 32;

/// A call at the very end of prose: on a line of its own, or after a sentence that no colon makes a quotation.
fn last(text: &str, tools: &Tools) -> Option<Found> {
    if !text.ends_with(['}', ']', '>']) {
        return None;
    }
    let from = text.len().saturating_sub(64 << 10);
    let starts: Vec<usize> =
        text.match_indices(['{', '[']).map(|found| found.0).filter(|at| *at > from).take(TRIES).collect();
    for at in starts {
        let before = text[..at].trim_end_matches(' ');
        let own_line = before.ends_with('\n');
        if !own_line
            && (before.ends_with([':', '：', '`', '"', '=', '(']) || !text[..at].ends_with([' ', '.', '。', '！', '!']))
        {
            continue;
        }
        if let Some(Ok(calls)) = objects(&text[at..], tools) {
            return Some(Found { calls, visible: before.trim_end().to_owned(), ..Found::default() });
        }
    }
    let lines = text.char_indices().filter(|(_, c)| *c == '\n').map(|(at, _)| at + 1);
    for at in lines.filter(|at| *at > from).take(TRIES) {
        let found = if text[at..].starts_with('<') { elements(&text[at..], tools) } else { label(&text[at..], tools) };
        if let Some(calls) = found {
            return Some(Found { calls, visible: text[..at].trim_end().to_owned(), ..Found::default() });
        }
    }
    None
}
