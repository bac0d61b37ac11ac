//! Manifests of Secrets in a text, YAML or JSON: every value below `data` and `stringData`, whatever its key is called.

use std::sync::LazyLock;

use regex::Regex;

use crate::{Class, Span, shapes::pattern, values};

/// How many lines around `data:` are looked at for `kind: Secret`.
const NEIGHBOURS: usize = 400;

pub fn mark(text: &str, spans: &mut Vec<Span>) {
    yaml(text, spans);
    json(text, spans);
}

struct Line<'a> {
    start: usize,
    /// Without indentation and the dash of a list.
    content: &'a str,
    /// Where the content stands, as YAML counts it.
    column: usize,
    dash: bool,
}

fn lines(text: &str) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut start = 0;
    for raw in text.split_inclusive('\n') {
        let line = raw.trim_end();
        let bare = line.trim_start_matches(' ');
        let content = bare.trim_start_matches("- ").trim_start();
        let column = line.len() - content.len();
        lines.push(Line { start: start + column, content, column, dash: bare.len() != content.len() });
        start += raw.len();
    }
    lines
}

fn yaml(text: &str, spans: &mut Vec<Span>) {
    let strings = text.contains("stringData:");
    let possible = strings || (text.contains("Secret") && text.contains("data:"));
    if !possible {
        return;
    }
    let lines = lines(text);
    for (at, line) in lines.iter().enumerate() {
        let holds = line.content == "stringData:" || (line.content == "data:" && is_secret(&lines, at));
        if !holds {
            continue;
        }
        let inside = lines[at + 1..].iter().take_while(|next| next.content.is_empty() || next.column > line.column);
        let mut key_column = None;
        for next in inside.filter(|next| !next.content.is_empty()) {
            let column = *key_column.get_or_insert(next.column);
            let value = if next.column == column { after_key(next.content) } else { Some(0) };
            let Some(offset) = value else {
                continue;
            };
            push(text, next.start + offset, next.start + next.content.len(), spans);
        }
    }
}

/// Where the value of `key: value` starts, if one is on this line.
fn after_key(content: &str) -> Option<usize> {
    let colon = content.find(':')?;
    let value = content[colon + 1..].trim_start();
    let block = value.starts_with(['|', '>']) && value.len() <= 3;
    (!value.is_empty() && !block).then_some(content.len() - value.len())
}

/// Whether the object that this `data:` belongs to says that it is a Secret.
fn is_secret(lines: &[Line<'_>], at: usize) -> bool {
    let column = lines[at].column;
    let says = |line: &Line<'_>| {
        line.column == column && matches!(line.content, "kind: Secret" | "kind: \"Secret\"" | "kind: 'Secret'")
    };
    let outside = |line: &Line<'_>| (line.column < column && !line.content.is_empty()) || line.content == "---";
    let first = lines[..=at].iter().rev().take(NEIGHBOURS);
    for line in first {
        if outside(line) {
            break;
        }
        if says(line) {
            return true;
        }
        if line.dash && line.column == column {
            break;
        }
    }
    let after = lines[at + 1..].iter().take(NEIGHBOURS);
    let next_item = |line: &Line<'_>| line.dash && line.column == column;
    after.take_while(|line| !outside(line) && !next_item(line)).any(says)
}

/// Quotes stay, and so does what only stands for a value.
fn push(text: &str, start: usize, end: usize, spans: &mut Vec<Span>) {
    let value = &text[start..end];
    let bare = value.trim_matches(['"', '\'']);
    let lead = value.len() - value.trim_start_matches(['"', '\'']).len();
    if !values::harmless(bare) {
        spans.push(Span { start: start + lead, end: start + lead + bare.len(), class: Class::Secret });
    }
}

static DATA: LazyLock<Regex> =
    LazyLock::new(|| pattern(r#"\\*"(?P<field>data|stringData)\\*"\s*:\s*\{(?P<map>[^{}]*)\}"#));
static KIND: LazyLock<Regex> = LazyLock::new(|| pattern(r#"\\*"kind\\*"\s*:\s*\\*"(?P<kind>[A-Za-z]+)\\*""#));
static FOLLOWS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(r#"^\s*,\s*(?:\\*"immutable\\*"\s*:\s*\w+\s*,\s*)?\\*"kind\\*"\s*:\s*\\*"(?P<kind>[A-Za-z]+)"#)
});
static VALUE: LazyLock<Regex> = LazyLock::new(|| pattern(r#":\s*\\*"(?P<s>[^"\\]*(?:\\+[^"\\][^"\\]*)*)\\*""#));

/// Keys are sorted by kubectl, so `kind` follows `data`; elsewhere the last one before it counts.
fn json(text: &str, spans: &mut Vec<Span>) {
    if !text.contains("Secret") && !text.contains("stringData") {
        return;
    }
    let kinds: Vec<(usize, &str)> = KIND
        .captures_iter(text)
        .filter_map(|found| Some((found.get(0)?.start(), found.name("kind")?.as_str())))
        .collect();
    for found in DATA.captures_iter(text) {
        let (Some(whole), Some(map)) = (found.get(0), found.name("map")) else {
            continue;
        };
        let follows = FOLLOWS.captures(&text[whole.end()..]).and_then(|next| next.name("kind"));
        let before = || kinds[..kinds.partition_point(|(at, _)| *at < whole.start())].last().map(|(_, kind)| *kind);
        let kind = follows.map(|kind| kind.as_str()).or_else(before);
        if kind != Some("Secret") && &found["field"] != "stringData" {
            continue;
        }
        for value in VALUE.captures_iter(map.as_str()).filter_map(|value| value.name("s")) {
            push(text, map.start() + value.start(), map.start() + value.end(), spans);
        }
    }
}
