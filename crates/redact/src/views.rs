//! The same text in another dress: with the line breaks of a string of JSON undone, without what a logger puts in front of
//! each line. What the rules find there is marked where it stands.

use memchr::memmem;

use crate::{Span, scan};

/// Strings inside strings inside strings.
const LAYERS: usize = 3;
pub fn mark(text: &str, spans: &mut Vec<Span>) {
    escaped(text, LAYERS, spans);
    prefixed(text, spans);
}

/// Lines that hold escaped line breaks or quotes, unescaped.
fn escaped(text: &str, layers: usize, spans: &mut Vec<Span>) {
    let mut done = 0;
    for found in memchr::memchr_iter(b'\\', text.as_bytes()) {
        if found < done || !matches!(text.as_bytes().get(found + 1), Some(b'n' | b'"')) {
            continue;
        }
        let start = text[done..found].rfind('\n').map_or(done, |at| done + at + 1);
        let end = found + text[found..].find('\n').unwrap_or(text.len() - found);
        let (inner, places) = unescaped(&text[start..end]);
        let mut inside = scan::find(&inner);
        if layers > 1 {
            escaped(&inner, layers - 1, &mut inside);
        }
        let place = |at: usize| start + places.get(at).copied().unwrap_or(end - start);
        spans.extend(inside.into_iter().map(|span| Span { start: place(span.start), end: place(span.end), ..span }));
        done = end;
    }
}

/// One layer of escapes undone, and where each byte stands in the text.
fn unescaped(text: &str) -> (String, Vec<usize>) {
    let mut inner = String::with_capacity(text.len());
    let mut places = Vec::with_capacity(text.len());
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next).filter(|_| c == '\\');
        let meant = match next {
            Some('n') => Some('\n'),
            Some('r') => Some('\r'),
            Some('t') => Some('\t'),
            Some(other @ ('"' | '\\' | '/' | '\'')) => Some(other),
            // A string is a text of its own; what stands around it has been looked at.
            None if c == '"' => Some('\n'),
            Some(_) | None => None,
        };
        if next.is_some() && meant.is_some() {
            characters.next();
        }
        let meant = meant.unwrap_or(c);
        inner.push(meant);
        places.extend(std::iter::repeat_n(at, meant.len_utf8()));
    }
    (inner, places)
}

/// What can only be read with lines in place: manifests and key files.
const NEEDS_LINES: [&str; 6] = ["stringData:", "kind: Secret", "PRIVATE KEY-----", "value:", "\"value\"", "Args:"];

/// Lines with a time or a container's name in front, without it, where such a word is in one of them.
fn prefixed(text: &str, spans: &mut Vec<Span>) {
    let mut found: Vec<usize> =
        NEEDS_LINES.iter().flat_map(|word| memmem::find_iter(text.as_bytes(), word.as_bytes())).collect();
    found.sort_unstable();
    let mut done = 0;
    for at in found {
        if at < done {
            continue;
        }
        let mut start = line_start(text, at);
        if prefix(&text[start..]) == 0 {
            done = at + text[at..].find('\n').unwrap_or(text.len() - at);
            continue;
        }
        while start > done {
            let above = line_start(text, start - 1);
            if prefix(&text[above..start]) == 0 {
                break;
            }
            start = above;
        }
        let mut inner = String::new();
        // Where each line starts in `inner`, and where what it holds starts in the text.
        let mut lines = Vec::new();
        done = start;
        for line in text[start..].split_inclusive('\n') {
            let lead = prefix(line);
            if lead == 0 && !line.trim().is_empty() {
                break;
            }
            lines.push((inner.len(), done + lead));
            inner.push_str(&line[lead..]);
            done += line.len();
        }
        for span in scan::find(&inner) {
            pieces(&inner, &lines, span, spans);
        }
    }
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// A span that goes over several lines is one for each of them.
fn pieces(inner: &str, lines: &[(usize, usize)], span: Span, spans: &mut Vec<Span>) {
    let first = lines.partition_point(|(start, _)| *start <= span.start).saturating_sub(1);
    for (index, (start, place)) in lines.iter().enumerate().skip(first) {
        if *start >= span.end {
            break;
        }
        let line_end = lines.get(index + 1).map_or(inner.len(), |(next, _)| *next);
        let (from, to) = (span.start.max(*start), span.end.min(line_end));
        let shown = inner[from..to].trim_end();
        spans.push(Span { start: place + from - start, end: place + from - start + shown.len(), ..span });
    }
}

/// How much of a line a logger has written: `2026-11-25T03:00:00Z `, also with the stream behind it, `web-1  | `,
/// `[pod/web-0/main] `, `> `.
fn prefix(line: &str) -> usize {
    let bytes = line.as_bytes();
    let name = bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte)).count();
    if bytes.len() > 20 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-' && bytes[10] == b'T' {
        let time = line[..line.floor_char_boundary(40)].find([' ', '\n']).map_or(0, |at| at + 1);
        let streams = ["stdout F ", "stderr F ", "stdout P ", "stderr P "];
        return time
            + streams.iter().find(|stream| line[time..].starts_with(**stream)).map_or(0, |stream| stream.len());
    }
    if line.starts_with("[pod/") {
        return line.split('\n').next().and_then(|line| line.find("] ")).map_or(0, |at| at + 2);
    }
    if line.starts_with("> ") {
        return 2;
    }
    let gap = line[name..].bytes().take_while(|byte| *byte == b' ').count();
    let bar = name > 0 && gap > 0 && line[name + gap..].starts_with("| ");
    if bar { name + gap + 2 } else { 0 }
}
