//! Credentials in headers: what follows `Bearer` or `Basic`, and the values of cookies.

use crate::names::{self, value};
use crate::{Class, Span, values};

const SHORTEST: usize = 8;

/// Behind `Bearer `, `Basic ` and the like. Prose has the same form, so the value has to look random.
pub fn scheme(text: &str, start: usize, end: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    if start > 0 && (bytes[start - 1].is_ascii_alphanumeric() || b"_-.".contains(&bytes[start - 1])) {
        return None;
    }
    let blank = bytes[end..].iter().take_while(|byte| b" \t".contains(byte)).count();
    let from = end + blank;
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=_.~:-%".contains(byte);
    let length = bytes[from..].iter().take_while(|byte| inside(byte)).count();
    let shown = text[from..from + length].trim_end_matches(['.', ':']);
    // `token_type=bearer expires_in=3600`
    let field = shown.trim_end_matches('=').contains('=');
    // Names of stores are words of prose as well.
    let store =
        ["oss", "obs", "aws", "cos", "qiniu"].iter().any(|name| name.eq_ignore_ascii_case(text[start..end].trim()));
    let wanted = shown.len() >= SHORTEST
        && !field
        && (!store || shown.contains(':'))
        && values::random(shown)
        && !values::harmless(shown);
    wanted.then_some(Span { start: from, end: from + shown.len(), class: Class::Credential })
}

const ATTRIBUTES: [&str; 7] = ["path", "domain", "expires", "max-age", "samesite", "version", "priority"];

/// `Cookie: a=1; b=2` and `Set-Cookie: a=1; Path=/`, from the end of the word `cookie`.
/// Says up to where it has looked.
pub fn cookies(text: &str, end: usize, spans: &mut Vec<Span>) -> usize {
    let Some(from) = value::separated(text, end) else {
        return end;
    };
    let rest = &text[from..];
    let lead = rest.len() - rest.trim_start_matches(['\\', '"', '\'', '[']).len();
    let from = from + lead;
    let stop = |c: char| "\r\n\"'\\`".contains(c);
    let header = text[from..].split(stop).next().unwrap_or_default();
    let mut at = from;
    for pair in header.split_inclusive(';') {
        if let Some((name, value)) = pair.trim_end_matches(';').split_once('=') {
            let value = value.split([' ', ',']).next().unwrap_or_default();
            // Another header may stand in front.
            let name_start = name.rfind([' ', ':']).map_or(0, |at| at + 1);
            let word = &name[name_start..];
            let plain = word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte));
            let attribute = ATTRIBUTES.iter().any(|known| known.eq_ignore_ascii_case(word));
            // `lang=zh-CN; theme=dark` are no secrets.
            let counted = ["_ga", "_gid", "Hm_lvt", "Hm_lpvt"].iter().any(|known| word.starts_with(known));
            let likely = (value.len() >= SHORTEST && !counted) || names::of_field(word, value).is_some();
            if plain && !attribute && likely && !values::harmless(value) {
                let start = at + name.len() + 1;
                spans.push(Span { start, end: start + value.len(), class: Class::Cookie });
            }
        }
        at += pair.len();
    }
    at
}
