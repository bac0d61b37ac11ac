//! Secrets in YAML, as they stand in a file, a list, a release or the output of kubectl.

use super::{base64_text, push};
use crate::Span;

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
    // A difference has a sign in front of what is new and what is old.
    let difference = text.starts_with("@@ ") || text.contains("\n@@ ") || text.starts_with('+') || text.contains("\n+");
    for raw in text.split_inclusive('\n') {
        let line = raw.trim_end();
        let signed = line.strip_prefix(['+', '-']).filter(|_| difference);
        let bare = signed.unwrap_or(line).trim_start_matches(' ');
        let content = bare.trim_start_matches("- ").trim_start();
        let column = line.len() - content.len();
        lines.push(Line { start: start + column, content, column, dash: bare.len() != content.len() });
        start += raw.len();
    }
    lines
}

/// A mapping that is open at this line.
struct Mapping {
    column: usize,
    secret: Option<bool>,
    /// Its lines that say `data:` or `stringData:`.
    data: Vec<usize>,
}

pub fn mark(text: &str, spans: &mut Vec<Span>) {
    let finder = memchr::memmem::find_iter(text.as_bytes(), "ata:");
    let mut starts = finder.filter(|at| text[..*at].ends_with(['d', 'D']));
    if starts.next().is_none() {
        return;
    }
    let lines = lines(text);
    let mut open: Vec<Mapping> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if line.content.is_empty() || line.content.starts_with('#') {
            continue;
        }
        if line.content.contains("{") && line.content.contains("ata: {") {
            one_line(text, line, spans);
        }
        let document = line.content == "---";
        while let Some(last) =
            open.pop_if(|last| document || last.column > line.column || (line.dash && last.column == line.column))
        {
            close(text, &lines, &last, spans);
        }
        let Some((key, rest)) = line.content.split_once(':') else {
            continue;
        };
        if open.last().is_none_or(|last| last.column < line.column) {
            open.push(Mapping { column: line.column, secret: None, data: Vec::new() });
        }
        let Some(mapping) = open.last_mut() else {
            continue;
        };
        match key {
            "data" | "stringData" | "binaryData" => mapping.data.push(at),
            "kind" => mapping.secret = Some(bare(rest) == "Secret"),
            "type" if secret_type(bare(rest)) => {
                mapping.secret.get_or_insert(true);
            }
            _ => {}
        }
    }
    while let Some(last) = open.pop() {
        close(text, &lines, &last, spans);
    }
}

fn bare(value: &str) -> &str {
    value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\''])
}

fn secret_type(value: &str) -> bool {
    const TYPES: [&str; 4] = ["Opaque", "kubernetes.io/", "bootstrap.kubernetes.io/token", "helm.sh/release"];
    TYPES.iter().any(|known| value.starts_with(known))
}

fn close(text: &str, lines: &[Line<'_>], mapping: &Mapping, spans: &mut Vec<Span>) {
    for at in &mapping.data {
        let line = &lines[*at];
        let Some((key, rest)) = line.content.split_once(':') else {
            continue;
        };
        let secret = key == "stringData" || mapping.secret == Some(true);
        let rest = rest.split(" #").next().unwrap_or_default().trim();
        if rest.starts_with('{') && rest.len() > 2 && secret {
            let start = line.start + line.content.find('{').unwrap_or_default();
            flow(text, start, line.start + line.content.len(), spans);
        } else if rest.is_empty() && (secret || (mapping.secret.is_none() && all_base64(lines, *at))) {
            inside(text, lines, *at, spans);
        }
    }
}

/// Every value below the key on this line.
fn inside(text: &str, lines: &[Line<'_>], at: usize, spans: &mut Vec<Span>) {
    let mut key_column = None;
    let mut value: Option<(usize, usize)> = None;
    for next in children(lines, at) {
        let column = *key_column.get_or_insert(next.column);
        let end = next.start + next.content.len();
        if next.column > column || next.dash {
            // A value of several lines.
            value = Some((value.map_or(next.start, |(start, _)| start), end));
            continue;
        }
        if let Some((start, end)) = value.take() {
            push(text, start, end, spans);
        }
        value = after_key(next.content).map(|offset| (next.start + offset, end));
    }
    if let Some((start, end)) = value {
        push(text, start, end, spans);
    }
}

fn children<'a, 'b>(lines: &'b [Line<'a>], at: usize) -> impl Iterator<Item = &'b Line<'a>> {
    let column = lines[at].column;
    let inside = lines[at + 1..].iter().take_while(move |next| next.content.is_empty() || next.column > column);
    inside.filter(|next| !next.content.is_empty() && !next.content.starts_with('#'))
}

/// Where the value of `key: value` starts, if one is on this line.
fn after_key(content: &str) -> Option<usize> {
    let colon = content.find(": ").or_else(|| content.ends_with(':').then(|| content.len() - 1))?;
    let value = content[colon + 1..].trim_start();
    let value = value.strip_prefix("!!binary").or_else(|| value.strip_prefix("!!str")).map_or(value, str::trim_start);
    let block = value.starts_with(['|', '>']) && value.len() <= 3;
    (!value.is_empty() && !block).then_some(content.len() - value.len())
}

/// `{kind: Secret, data: {a: YWJj}}`
fn one_line(text: &str, line: &Line<'_>, spans: &mut Vec<Span>) {
    let secret = line.content.contains("kind: Secret,") || line.content.contains("kind: Secret}");
    let mut done = 0;
    for (at, _) in line.content.match_indices("ata: {") {
        if at < done {
            continue;
        }
        let strings = line.content[..at].ends_with("stringD");
        // Not that of `metadata`.
        let data = line.content[..at].strip_suffix('d').is_some_and(|before| before.ends_with([' ', '{', ',']));
        if strings || (secret && data) {
            let open = line.start + at + 5;
            let length = text[open..line.start + line.content.len()].find('}').unwrap_or(line.content.len() - at - 5);
            flow(text, open, open + length, spans);
            done = at + length;
        }
    }
}

/// `data: {user: YWJj, password: ZGVm}` on one line.
fn flow(text: &str, start: usize, end: usize, spans: &mut Vec<Span>) {
    let mut at = start + 1;
    for pair in text[start + 1..end].trim_end_matches('}').split(',') {
        if let Some(colon) = pair.find(':') {
            let rest = &pair[colon + 1..];
            let value = rest.trim();
            let from = at + pair.len() - rest.trim_start().len();
            push(text, from, from + value.len(), spans);
        }
        at += pair.len() + 1;
    }
}

/// Without a kind in sight: values that are all base64 of text are those of a Secret.
fn all_base64(lines: &[Line<'_>], at: usize) -> bool {
    let mut values = children(lines, at).peekable();
    let value = |line: &Line<'_>| after_key(line.content).map(|offset| base64_text(bare(&line.content[offset..])));
    values.peek().is_some() && values.all(|line| value(line).unwrap_or_default())
}
