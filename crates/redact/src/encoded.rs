//! Base64, hex and percent signs that turn out to hold a secret: a key file, a JWT, a line of an environment file.

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

use crate::{Class, Span, normal, scan, vendors};

/// Cut-off values are decoded as far as they go.
pub const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

const SHORTEST: usize = 20;
/// So many letters tell whether it is text at all.
const SAMPLE: usize = 24;
const LAYERS: usize = 3;

static IN_RUN: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    while at < 256 {
        let byte = at as u8;
        table[at] = byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'_' | b'-');
        at += 1;
    }
    table
};

/// Whether a byte belongs to a word of base64.
pub fn continues(byte: u8) -> bool {
    IN_RUN[byte as usize] || byte == b'='
}

/// The whole word of base64 around a part of it.
pub fn run(text: &str, start: usize, end: usize) -> (usize, usize) {
    let bytes = text.as_bytes();
    let before = bytes[..start].iter().rev().take(4096).take_while(|byte| IN_RUN[**byte as usize]).count();
    let after = bytes[end..].iter().take_while(|byte| continues(**byte)).count();
    (start - before, end + after)
}

/// `spans`: what the other rules found, sorted.
pub fn mark(text: &str, spans: &mut Vec<Span>) {
    percent(text, spans);
    let bytes = text.as_bytes();
    let mut at = 0;
    while at + SHORTEST <= bytes.len() {
        // The last byte of a run's least length tells whether one can start here.
        let last = at + SHORTEST - 1;
        let Some(back) = bytes[at..=last].iter().rposition(|byte| !IN_RUN[*byte as usize]) else {
            let end = last + 1 + bytes[last + 1..].iter().take_while(|byte| IN_RUN[**byte as usize]).count();
            let padding = bytes[end..].iter().take(2).take_while(|byte| **byte == b'=').count();
            if let Some(class) = holds(&text[at..end], LAYERS) {
                spans.push(Span { start: at, end: end + padding, class });
            } else if let Some(start) = vendors::unknown(&text[at..end]) {
                spans.push(Span { start: at + start, end, class: Class::Token });
            }
            at = end + 1;
            continue;
        };
        at += back + 1;
    }
}

/// The class of the secret inside, looked for through so many layers.
fn holds(run: &str, layers: usize) -> Option<Class> {
    if run.len() >= 32 && run.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        let inner = normal::hex(run)?;
        return inside(&inner, layers);
    }
    let standard;
    let letters = if run.contains(['-', '_']) {
        standard = run.replace('-', "+").replace('_', "/");
        standard.as_str()
    } else {
        run
    };
    let whole = if letters.len() % 4 == 1 { letters.len() - 1 } else { letters.len() };
    let sample = LENIENT.decode(&letters[..whole.min(SAMPLE)]).ok()?;
    if sample.starts_with(&[0x1f, 0x8b]) {
        // gzip in base64 in a text: a Helm release, with all the values it was installed with.
        return Some(Class::Secret);
    }
    let text = std::str::from_utf8(&sample);
    let begins = match &text {
        Ok(text) => *text,
        Err(error) if error.error_len().is_none() => std::str::from_utf8(&sample[..error.valid_up_to()]).ok()?,
        Err(_) => return None,
    };
    if begins.is_empty() || begins.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    let bytes = LENIENT.decode(&letters[..whole]).ok()?;
    let inner = String::from_utf8_lossy(&bytes);
    inside(&inner, layers)
}

fn inside(inner: &str, layers: usize) -> Option<Class> {
    if let Some(span) = scan::find(inner).first() {
        return Some(span.class);
    }
    let word = inner.trim().trim_end_matches('=');
    let one_word = word.len() >= SHORTEST && word.bytes().all(|byte| IN_RUN[byte as usize]);
    (layers > 1 && one_word).then(|| holds(word, layers - 1))?
}

/// Words with at least two percent signs, such as an address inside an address. Where another rule has found something
/// in one, the rest is looked at when that is gone.
fn percent(text: &str, spans: &mut Vec<Span>) {
    let known = spans.len();
    let in_word = |byte: &u8| IN_RUN[*byte as usize] || b"%.~+*:@!".contains(byte);
    let mut done = 0;
    for at in memchr::memchr_iter(b'%', text.as_bytes()) {
        if at < done {
            continue;
        }
        let bytes = text.as_bytes();
        let start = at - bytes[done..at].iter().rev().take_while(|byte| in_word(byte)).count();
        done = at + bytes[at..].iter().take_while(|byte| in_word(byte)).count();
        let word = &text[start..done];
        let next = spans[..known].partition_point(|span| span.end <= start);
        if spans[..known].get(next).is_some_and(|span| span.start < done) {
            continue;
        }
        let Some(inner) = normal::percent(word).filter(|inner| inner.len() + 3 < word.len()) else {
            continue;
        };
        let places = places(word);
        for span in scan::find(&inner) {
            let place = |at: usize| start + places.get(at).copied().unwrap_or(word.len());
            spans.push(Span { start: place(span.start), end: place(span.end), class: span.class });
        }
    }
}

/// Where each byte of the decoded word stands in the word.
fn places(word: &str) -> Vec<usize> {
    let bytes = word.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_hexdigit);
    let mut places = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        places.push(at);
        at += if bytes[at] == b'%' && digit(at + 1) && digit(at + 2) { 3 } else { 1 };
    }
    places
}
