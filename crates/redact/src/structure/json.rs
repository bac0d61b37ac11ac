//! Secrets in JSON, also inside strings of JSON (as in `last-applied-configuration`) and cut off at either end.

use super::{base64_text, push};
use crate::Span;

/// Deeper objects are not followed.
const DEEPEST: usize = 128;

/// An object or list that is open.
#[derive(Default)]
struct Open {
    /// It is the `data` of the one around it, or a part of that.
    data: bool,
    strings: bool,
    /// It is the list of `items`, whose kind may only stand beside it.
    items: bool,
    secret: Option<bool>,
    /// Values below `data`, until the kind is known.
    values: Vec<(usize, usize)>,
}

/// Reads all of the text that looks like JSON, at the depth of escaping that it has.
pub fn mark(text: &str, spans: &mut Vec<Span>) {
    let mut reader = Reader { text, spans, open: Vec::new(), too_deep: 0, nested: Vec::new(), key: None };
    let mut at = 0;
    while at < text.len() {
        at = reader.step(at);
    }
    while !reader.open.is_empty() {
        reader.close();
    }
}

struct Reader<'a, 'b> {
    text: &'a str,
    spans: &'b mut Vec<Span>,
    open: Vec<Open>,
    too_deep: usize,
    /// Strings that hold JSON: how their quotes are escaped, and how much was open around them.
    nested: Vec<(usize, usize)>,
    /// The key whose value comes next.
    key: Option<&'a str>,
}

impl<'a> Reader<'a, '_> {
    /// Reads what is here and says where to go on.
    fn step(&mut self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        match bytes[at] {
            b'{' | b'[' => self.begin(),
            b'}' | b']' => self.close(),
            b',' => self.key = None,
            b'"' => return self.string(at),
            b'\\' | b':' => {}
            _ => {
                let skip = bytes[at..].iter().position(|byte| b"{}[],\"".contains(byte));
                return skip.map_or(bytes.len(), |skip| at + skip);
            }
        }
        at + 1
    }

    fn string(&mut self, at: usize) -> usize {
        let bytes = self.text.as_bytes();
        let escapes = bytes[..at].iter().rev().take(32).take_while(|byte| **byte == b'\\').count();
        if let Some((_, depth)) = self.nested.pop_if(|(around, _)| escapes <= *around) {
            while self.open.len() > depth {
                self.close();
            }
            return at + 1;
        }
        let end = string_end(bytes, at + 1, escapes);
        let inner = &self.text[at + 1..end];
        if inner.starts_with("{\\") || inner.starts_with("[{\\") {
            self.nested.push((escapes, self.open.len()));
            self.key = None;
            return at + 1;
        }
        let after = (end + escapes + 1).min(bytes.len());
        let next = bytes[after..].iter().take(64).find(|byte| !byte.is_ascii_whitespace());
        if next == Some(&b':') {
            self.key = Some(inner);
        } else {
            self.value(at + 1, end);
        }
        after
    }

    fn begin(&mut self) {
        let key = self.key.take();
        let inside = self.open.last().is_some_and(|open| open.data);
        if self.open.len() >= DEEPEST {
            self.too_deep += 1;
            return;
        }
        let data = matches!(key, Some("data" | "stringData" | "binaryData")) || inside;
        self.open.push(Open {
            data,
            strings: key == Some("stringData"),
            items: key == Some("items"),
            ..Open::default()
        });
    }

    fn value(&mut self, start: usize, end: usize) {
        let key = self.key.take();
        let Some(open) = self.open.last_mut() else {
            return;
        };
        let text = &self.text[start..end];
        match key {
            _ if open.data => open.values.push((start, end)),
            Some("kind") => open.secret = Some(matches!(text, "Secret" | "SecretList")),
            Some("type") if text == "Opaque" || text == "helm.sh/release.v1" || text.starts_with("kubernetes.io/") => {
                open.secret.get_or_insert(true);
            }
            Some(_) | None => {}
        }
    }

    fn close(&mut self) {
        self.key = None;
        if self.too_deep > 0 {
            self.too_deep -= 1;
            return;
        }
        let Some(closed) = self.open.pop() else {
            return;
        };
        let hidden = match closed.secret {
            _ if closed.data => closed.strings,
            Some(secret) => secret,
            // Cut off before its kind.
            None => {
                let mut values = closed.values.iter().map(|(start, end)| &self.text[*start..*end]);
                self.open.is_empty() && !closed.values.is_empty() && values.all(base64_text)
            }
        };
        if hidden {
            for (start, end) in closed.values {
                push(self.text, start, end, self.spans);
            }
            return;
        }
        let Some(parent) = self.open.last_mut() else {
            return;
        };
        if closed.data || closed.items || (parent.items && closed.secret.is_none()) {
            parent.values.extend(closed.values);
        }
    }
}

/// Where a string ends: at a quote behind no more backslashes than opened it, or with its line.
fn string_end(bytes: &[u8], from: usize, escapes: usize) -> usize {
    let mut at = from;
    while let Some(next) = memchr::memchr2(b'"', b'\n', &bytes[at..]) {
        let quote = at + next;
        if bytes[quote] == b'\n' {
            return quote;
        }
        let backslashes = bytes[at..quote].iter().rev().take_while(|byte| **byte == b'\\').count();
        let closes = if escapes == 0 { backslashes % 2 == 0 } else { backslashes <= escapes };
        if closes {
            return quote - backslashes.min(escapes);
        }
        at = quote + 1;
    }
    bytes.len()
}
