//! JSON web tokens: whole, with the signature cut off, and wrapped by YAML or a terminal.

use base64::Engine;

use crate::encoded::LENIENT;
use crate::{Class, Span};

/// The least a wrapped line holds.
const SHORTEST_LINE: usize = 20;

fn letter(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-".contains(&byte)
}

pub fn at(text: &str, start: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    if !text[start..].starts_with("eyJ") {
        return None;
    }
    if let Some(before) = start.checked_sub(1).map(|at| bytes[at])
        && (letter(before) || before == b'.')
    {
        // The letter of an escape, and two digits behind a percent sign, are no part of the word.
        let escape = start > 1 && bytes[start - 2] == b'\\' && b"nrt".contains(&before);
        let percent = start > 2 && bytes[start - 3] == b'%';
        let middle = before == b'.' || !(escape || percent);
        if middle {
            return None;
        }
    }
    let mut end = start;
    let mut dots = 0;
    let mut line = 0;
    loop {
        let run = bytes[end..].iter().take_while(|byte| letter(**byte) || **byte == b'.').count();
        dots += bytes[end..end + run].iter().filter(|byte| **byte == b'.').count();
        end += run;
        // Only what is one for certain goes on below.
        let certain = line > 0 || header(text[start..end].split('.').next().unwrap_or_default());
        let Some(next) = wrapped(bytes, end, run, line, dots).filter(|_| certain) else {
            break;
        };
        line = line.max(run);
        end = next;
    }
    let token = text[start..end].trim_end_matches(['.', '-']);
    let head = token.split(['.', '\n', '\\']).next().unwrap_or_default();
    let dotted = dots > 0 && token.contains('.') && token.len() >= 24;
    (dotted || header(head)).then_some(Span { start, end: start + token.len(), class: Class::Token })
}

/// Where the token goes on after a line break: the lines before are full, or parts are still missing.
fn wrapped(bytes: &[u8], at: usize, run: usize, longest: usize, dots: usize) -> Option<usize> {
    if run < SHORTEST_LINE || run < longest {
        return None;
    }
    let rest = &bytes[at..];
    let line_break = match rest {
        [b'\r', b'\n', ..] | [b'\\', b'n', ..] => 2,
        [b'\n', ..] => 1,
        _ => return None,
    };
    let blank = rest[line_break..].iter().take_while(|byte| b" \t".contains(byte)).count();
    let from = at + line_break + blank;
    let next = bytes[from..].iter().take_while(|byte| letter(**byte) || **byte == b'.').count();
    let ends_line = bytes.get(from + next).is_none_or(|byte| b"\r\n\\\"'".contains(byte));
    // A word below a token of three parts is a word.
    let full = next >= SHORTEST_LINE && ends_line && (dots < 2 || longest > 0);
    let last = next > 0 && ends_line && longest > 0 && blank > 0;
    let signature = next >= SHORTEST_LINE && ends_line && blank > 0;
    (full || last || signature).then_some(from)
}

/// Whether a first part alone says that it is one.
fn header(head: &str) -> bool {
    let whole = head.len() - usize::from(head.len() % 4 == 1);
    let whole = whole.min(64);
    let whole = whole - usize::from(whole % 4 == 1);
    let decoded = LENIENT.decode(head[..whole].replace('-', "+").replace('_', "/")).unwrap_or_default();
    let decoded = String::from_utf8_lossy(&decoded);
    head.len() >= 16
        && ["{\"alg\"", "{\"typ\"", "{\"kid\"", "{\"enc\"", "{\"x5t\"", "{\"jku\""]
            .iter()
            .any(|start| decoded.starts_with(start))
}
