//! Base64 that turns out to hold a secret: a key file, a JWT, a line of an environment file.

use std::sync::LazyLock;

use base64::{
    Engine,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use regex::Regex;

use crate::{Class, Span, find, shapes::pattern};

static BASE64: LazyLock<Regex> = LazyLock::new(|| pattern(r"[A-Za-z0-9+/]{20,}={0,2}"));

/// Cut-off values are decoded as far as they go.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub fn mark(text: &str, spans: &mut Vec<Span>) {
    for found in BASE64.find_iter(text) {
        if let Some(class) = holds(found.as_str().trim_end_matches('='), 2) {
            spans.push(Span { start: found.start(), end: found.end(), class });
        }
    }
}

/// The class of the secret inside, looked for through so many layers.
fn holds(encoded: &str, layers: usize) -> Option<Class> {
    let whole = encoded.len() - encoded.len() % 4;
    let whole = if encoded.len() % 4 == 1 { whole } else { encoded.len() };
    let bytes = LENIENT.decode(&encoded[..whole]).ok()?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        // gzip in base64 in a text: a Helm release, with all the values it was installed with.
        return Some(Class::Secret);
    }
    let inner = String::from_utf8(bytes).ok()?;
    if inner.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return None;
    }
    if let Some(span) = find(&inner).first() {
        return Some(span.class);
    }
    let one_word = BASE64.find(inner.trim()).filter(|found| found.as_str().len() == inner.trim().len())?;
    (layers > 1).then(|| holds(one_word.as_str().trim_end_matches('='), layers - 1))?
}
