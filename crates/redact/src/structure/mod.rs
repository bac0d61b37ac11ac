//! Manifests of Secrets in a text, YAML or JSON: every value below `data` and `stringData`, whatever its key is called.

mod json;
mod yaml;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;

use crate::{Class, Span, placeholders, values};

pub fn mark(text: &str, spans: &mut Vec<Span>) {
    printed_maps(text, spans);
    let has = |word: &str| memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    if !has("ata:") && !has("ata\\") && !has("ata\"") {
        return;
    }
    yaml::mark(text, spans);
    json::mark(text, spans);
}

/// `map[key:YWJj other:ZGVm]`, as a template prints the data of a Secret.
fn printed_maps(text: &str, spans: &mut Vec<Span>) {
    for map in memmem::find_iter(text.as_bytes(), "map[") {
        let start = map + 4;
        let end = start + text[start..].bytes().take(64 * 1024).take_while(|byte| !b"[]\n\"".contains(byte)).count();
        let inside = &text[start..end];
        let mut values = inside.split(' ').map(|pair| pair.split_once(':').map_or("", |(_, value)| value));
        if values.all(base64_text) {
            let mut at = start;
            for pair in inside.split(' ') {
                let value = pair.find(':').map_or(pair.len(), |colon| colon + 1);
                push(text, at + value, at + pair.len(), spans);
                at += pair.len() + 1;
            }
        }
    }
}

/// Quotes stay, and so does what only stands for a value.
fn push(text: &str, start: usize, end: usize, spans: &mut Vec<Span>) {
    let value = &text[start..end];
    let bare = value.trim_matches(['"', '\'']);
    let lead = value.len() - value.trim_start_matches(['"', '\'']).len();
    if hides(bare) {
        spans.push(Span { start: start + lead, end: start + lead + bare.len(), class: Class::Secret });
    }
}

/// Whether a value of a Secret is one, and not what a mask or a template has put in its place. Words such as `true`
/// are values here.
pub fn hides(value: &str) -> bool {
    let mask = value.bytes().all(|byte| b"*.".contains(&byte));
    let template =
        ["{{", "${", "<", "$(", "ENC["].iter().any(|start| value.starts_with(start)) && values::harmless(value);
    let bytes = value.ends_with(" bytes") && values::harmless(value);
    !mask && !template && !bytes && value != "null" && placeholders::length(value) != Some(value.len())
}

/// Base64 of text that no word has by chance.
fn base64_text(value: &str) -> bool {
    let sure = value.ends_with('=') || value.len() >= 12;
    sure && values::random(value) && STANDARD.decode(value).is_ok_and(|bytes| String::from_utf8(bytes).is_ok())
}
