//! Private keys: whole files, with escaped line breaks, cut off at the end or at the beginning, and bodies alone.

use crate::{Class, Span};

/// The largest key file: 16384 bits of RSA, indented and with a log's prefix on each line.
const LONGEST: usize = 64 * 1024;
/// A line of a key file has 64 or 76 letters; the first one that is left may be cut.
const SHORTEST_LINE: usize = 16;

/// `-----BEGIN ... PRIVATE KEY-----` and everything up to its end, wherever that is.
pub fn begin(text: &str, start: usize) -> Option<Span> {
    let label = &text[start..text.floor_char_boundary(start + 64)];
    let key = label.find("PRIVATE KEY").or_else(|| label.find("Static key V"))?;
    if label[11..key].contains("-----") {
        return None;
    }
    let body = start + key + "PRIVATE KEY".len();
    let body = body + text[body..].bytes().take(12).take_while(|byte| b" BLOCK-".contains(byte)).count();
    let window = &text[body..text.floor_char_boundary(body + LONGEST)];
    let window = window.find("-----BEGIN ").map_or(window, |next| &window[..next]);
    let end = window.find("-----END ").map(|at| {
        let close = &window[at + 9..];
        at + 9 + close.find("-----").filter(|close| *close < 48).map_or(0, |close| close + 5)
    });
    let end = end.unwrap_or_else(|| headers(window) + body_length(&window[headers(window)..]));
    Some(Span { start, end: body + end, class: Class::PrivateKey })
}

/// `Proc-Type: 4,ENCRYPTED` and what else stands between the first line and the body.
fn headers(text: &str) -> usize {
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        let line_end = line.trim();
        let header = ["Proc-Type:", "DEK-Info:", "Version:", "Comment:"].iter().any(|name| line_end.starts_with(name));
        if !line_end.is_empty() && !header {
            break;
        }
        end += line.len();
    }
    end
}

/// How far lines of base64 go, also with escaped line breaks, quotes and the marks of joined strings between them.
fn body_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut at, mut end) = (0, 0);
    loop {
        at += gap(&bytes[at..]);
        let run = bytes[at..].iter().take_while(|byte| base64(**byte)).count();
        let escape = bytes.get(at + run) == Some(&b'\\');
        let last = escape || bytes.get(at + run).is_none_or(|byte| b"\n\r\"'.".contains(byte));
        if run < SHORTEST_LINE && (run == 0 || !last || end == 0 || word(&bytes[at..at + run])) {
            return end;
        }
        at += run;
        end = at;
        if run < SHORTEST_LINE {
            return end;
        }
    }
}

/// A short line at the end of a body has no form of its own; `exit` and `Done` are no part of it.
fn word(run: &[u8]) -> bool {
    run.iter().all(|byte| byte.is_ascii_lowercase()) || run[1..].iter().all(|byte| byte.is_ascii_lowercase())
}

fn gap(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b'"' | b'\'' | b',' | b'|' | b'>' => at += 1,
            b'\\' => {
                let slashes = bytes[at..].iter().take_while(|byte| **byte == b'\\').count();
                match bytes.get(at + slashes) {
                    Some(b'n' | b'r' | b't') => at += slashes + 1,
                    _ => return at,
                }
            }
            _ => return at,
        }
    }
    at
}

/// The private members of a key in JSON, around its `"kty"`.
/// Says up to where it has looked.
pub fn jwk(text: &str, at: usize, spans: &mut Vec<Span>) -> usize {
    const PRIVATE: [&str; 7] = ["d", "p", "q", "dp", "dq", "qi", "k"];
    let floor = text.ceil_char_boundary(at.saturating_sub(JWK));
    let open = text[floor..at].rfind('{').map_or(floor, |open| floor + open);
    let object = text[open..text.floor_char_boundary(at + JWK)].split('}').next().unwrap_or_default();
    let mut start = open;
    let mut name = "";
    for part in object.split_inclusive('"') {
        let inner = part.trim_end_matches('"').trim_end_matches('\\');
        if PRIVATE.contains(&name) && inner.len() >= SHORTEST_LINE && inner.bytes().all(url) {
            spans.push(Span { start, end: start + inner.len(), class: Class::PrivateKey });
        }
        if !inner.trim_end_matches('\\').trim().is_empty() && inner.trim() != ":" {
            name = inner;
        }
        start += part.len();
    }
    start
}

/// A key of 8192 bits, as far as it goes on either side.
const JWK: usize = 8 * 1024;

fn url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_".contains(&byte)
}

fn base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=".contains(&byte)
}

/// `-----END ... PRIVATE KEY-----` whose first line is not in the text: the lines of base64 above it.
pub fn end(text: &str, start: usize) -> Option<Span> {
    let label = &text[start..text.floor_char_boundary(start + 64)];
    let key = label.find("PRIVATE KEY")?;
    if label[9..key].contains("-----") {
        return None;
    }
    let bytes = text.as_bytes();
    let floor = start.saturating_sub(LONGEST);
    let mut from = start;
    let mut at = start;
    loop {
        let blank = bytes[floor..at].iter().rev().take_while(|byte| b" \t\n\r\"',+|>\\".contains(byte)).count();
        at -= blank;
        let run = bytes[floor..at].iter().rev().take_while(|byte| base64(**byte)).count();
        let mut begins = at - run;
        // The letter of an escaped line break looks like one of the body.
        if begins > floor && bytes[begins - 1] == b'\\' && matches!(bytes[begins], b'n' | b'r' | b't') {
            begins += 1;
        }
        let escape_only = begins == at && run > 0;
        let first = from == start;
        let long = at - begins >= SHORTEST_LINE;
        let inside = escape_only || long || (first && begins < at);
        if !inside {
            break;
        }
        if escape_only {
            at -= run;
            continue;
        }
        from = begins;
        at = begins;
        if !long && bytes[floor..at].last().is_some_and(|byte| !b"\n\\ \t\"".contains(byte)) {
            break;
        }
    }
    (from < start).then_some(Span { start: from, end: start, class: Class::PrivateKey })
}

/// A key's body without its first and last line, told by how the bytes of a key begin.
pub fn body(text: &str, start: usize, end: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    if start > 0 && (base64(bytes[start - 1]) && bytes[start - 1] != b'=') {
        let escaped = start > 1 && bytes[start - 2] == b'\\' && b"nrt".contains(&bytes[start - 1]);
        if !escaped {
            return None;
        }
    }
    let rest = &text[start..];
    if rest.starts_with("Private-Lines:") {
        // PuTTY.
        let body = end + text[end..].find('\n')?;
        let length = body_length(&text[body..]);
        return (length > 0).then_some(Span { start: body, end: body + length, class: Class::PrivateKey });
    }
    let rest = rest.as_bytes();
    let version_0 = |at: usize| {
        // A sequence that begins with the number 0 or 1 and then the number or algorithm of a key.
        rest.get(at..at + 4).is_some_and(|four| matches!(four, [b'I', b'B', b'A', b'A' | b'D' | b'T']))
    };
    let known = match rest {
        [b'M', b'I', b'I', ..] => version_0(6),
        [b'M', b'I', b'G', ..] => rest.get(4..7) == Some(b"AgE".as_slice()) && rest.get(3) != Some(&b'f'),
        [b'M', b'H', ..] | [b'M', b'C', ..] | [b'b', b'3', b'B', ..] => true,
        _ => false,
    };
    let length = if known { body_length(&text[start..]) } else { 0 };
    (length >= 40).then_some(Span { start, end: start + length, class: Class::PrivateKey })
}
