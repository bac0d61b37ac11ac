//! One form for a value, whatever encoding carried it: quotes, JSON escapes, percent signs, base64 and hex undone.

use std::borrow::Cow;

use base64::Engine;

use crate::encoded::LENIENT;

/// No value in practice is wrapped more often.
const LAYERS: usize = 4;

pub fn form(value: &str) -> Cow<'_, str> {
    let mut form = Cow::Borrowed(value.trim().trim_matches(['"', '\'']));
    for _ in 0..LAYERS {
        let Some(inner) = unescaped(&form).or_else(|| percent(&form)).or_else(|| base64(&form)).or_else(|| hex(&form))
        else {
            break;
        };
        form = Cow::Owned(inner);
    }
    if form.contains("PRIVATE KEY-----") {
        // The same key file, indented or not.
        form = Cow::Owned(form.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    form
}

fn unescaped(value: &str) -> Option<String> {
    if !value.contains('\\') {
        return None;
    }
    serde_json::from_str(&format!("\"{value}\"")).ok()
}

pub fn percent(value: &str) -> Option<String> {
    let bytes = value.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = || Some(digit(*bytes.get(at + 1)?)? << 4 | digit(*bytes.get(at + 2)?)?);
        let byte = if bytes[at] == b'%' { pair() } else { None };
        decoded.push(byte.unwrap_or(bytes[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    if decoded.len() == bytes.len() { None } else { String::from_utf8(decoded).ok() }
}

fn base64(value: &str) -> Option<String> {
    let bare = value.trim_end_matches('=');
    let padded = value.len().is_multiple_of(4) || bare.len() == value.len();
    if bare.len() < 8 || !padded || !bare.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(&byte)) {
        return None;
    }
    let standard: Cow<'_, str> =
        if bare.contains(['-', '_']) { bare.replace('-', "+").replace('_', "/").into() } else { bare.into() };
    printable(LENIENT.decode(standard.as_bytes()).ok()?)
}

pub fn hex(value: &str) -> Option<String> {
    let bytes = value.as_bytes();
    if bytes.len() < 16 || !bytes.len().is_multiple_of(2) {
        return None;
    }
    let decoded: Option<Vec<u8>> =
        bytes.chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect();
    printable(decoded?)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn printable(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    let text = text.trim_end_matches('\n');
    (!text.is_empty() && !text.chars().any(|c| c.is_control() && !c.is_whitespace())).then(|| text.to_owned())
}
