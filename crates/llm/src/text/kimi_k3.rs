//! Kimi K3: channels of `<|open|>word<|sep|>` and `<|close|>word<|sep|>`; a value that runs into the next word is not trusted.

use serde_json::{Map, Value};

use super::markers::{Role, marker};
use super::tag::Tag;
use super::tools::{Raw, Tools};

/// One token of the frame: open or close, the words up to `<|sep|>`, the text after it up to the next token.
struct Step<'a> {
    close: bool,
    words: &'a str,
    text: &'a str,
}

pub struct Read {
    pub calls: Vec<Raw>,
    pub visible: String,
    pub reasoning: String,
    pub truncated: bool,
    pub invalid: Vec<String>,
}

fn steps(text: &str) -> Vec<Step<'_>> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(found) = text[at..].find('<') {
        at += found;
        match marker(text, at) {
            Some(mark) if mark.role == Role::Channel => {
                tokens.push((at, mark.end, mark.tag.map_or(String::new(), |tag| tag.name)));
                at = mark.end;
            }
            _ => at += 1,
        }
    }
    let mut steps = Vec::new();
    for (i, (_, end, name)) in tokens.iter().enumerate() {
        let next = tokens.get(i + 1);
        let words = &text[*end..next.map_or(text.len(), |next| next.0)];
        match (name.as_str(), next) {
            ("open" | "close", Some((_, after, sep))) if sep == "sep" => {
                let until = tokens.get(i + 2).map_or(text.len(), |token| token.0);
                steps.push(Step { close: name == "close", words, text: &text[*after..until] });
            }
            ("open" | "close", _) => steps.push(Step { close: name == "close", words, text: "" }),
            _ => {}
        }
    }
    steps
}

fn attribute<'a>(words: &'a str, name: &str) -> Option<&'a str> {
    Tag { end: 0, close: false, token: true, name: String::new(), rest: words }.attribute(name).map(|value| {
        let start = words.find(value).unwrap_or(0);
        &words[start..start + value.len()]
    })
}

/// The rest of the reply, from the first such token on.
pub fn read(text: &str, tools: &Tools) -> Read {
    let mut read = Read {
        calls: Vec::new(),
        visible: String::new(),
        reasoning: String::new(),
        truncated: false,
        invalid: Vec::new(),
    };
    let mut call: Option<(String, Map<String, Value>)> = None;
    let mut open_argument: Option<(String, &str, &str)> = None;
    for step in steps(text) {
        let word = step.words.split_whitespace().next().unwrap_or("");
        match (step.close, word) {
            (false, "call") => {
                let name = attribute(step.words, "tool").or_else(|| attribute(step.words, "name"));
                call = name.map(|name| (tools.spelled(name), Map::new()));
            }
            (false, "argument") => {
                let key = attribute(step.words, "key").unwrap_or("").to_owned();
                open_argument = Some((key, attribute(step.words, "type").unwrap_or(""), step.text));
            }
            (true, "argument") => {
                if let (Some((key, kind, text)), Some((name, map))) = (open_argument.take(), call.as_mut()) {
                    map.insert(key.clone(), typed(tools, name, &key, kind, text));
                }
            }
            (true, "call") => {
                let whole = open_argument.take().is_none();
                match call.take().filter(|_| whole) {
                    Some((name, arguments)) => read.calls.push(Raw { name, arguments }),
                    None => read.invalid.push("a call whose tokens were mangled".to_owned()),
                }
            }
            (false, "response" | "final" | "message") => read.visible.push_str(step.text),
            (false, "think" | "thinking" | "reasoning") => read.reasoning.push_str(step.text),
            (false, "tools") | (true, _) => {}
            (false, _) => read.invalid.push("a channel whose tokens were mangled".to_owned()),
        }
    }
    if let Some((name, arguments)) = call {
        // every argument is closed: only the wrapper's end is missing
        if open_argument.is_none() && !arguments.is_empty() {
            read.calls.push(Raw { name, arguments });
        } else {
            read.truncated = true;
        }
    }
    read
}

fn typed(tools: &Tools, name: &str, key: &str, kind: &str, text: &str) -> Value {
    match kind {
        "string" => Value::String(text.to_owned()),
        "number" | "integer" | "boolean" | "array" | "object" | "null" | "json" => {
            super::json::lenient(text.trim()).unwrap_or_else(|_| tools.typed(name, key, text))
        }
        _ => tools.typed(name, key, text),
    }
}
