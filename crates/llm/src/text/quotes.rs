//! Quotes inside a string that nobody escaped: readable only where the call has one argument and that is a text.

use serde_json::{Map, Value};

use super::block::Body;
use super::markers::{Role, marker};
use super::tools::{Raw, Tools};

const FARTHEST: usize = 16 << 10;

/// Where the closing tag stands that proves that the call is whole.
fn closing(text: &str, at: usize) -> Option<usize> {
    let mut end = at;
    while end < text.len() && end - at < FARTHEST {
        end += text[end..].find(['<', '['])?;
        match marker(text, end).map(|mark| mark.role) {
            Some(Role::Close) => return Some(end),
            Some(Role::Open) => return None,
            Some(_) | None => {}
        }
        end += 1;
    }
    None
}

/// `{"name": "N", "arguments": {"k": "…"}}`
pub fn repaired(text: &str, at: usize, tools: &Tools) -> Option<Body> {
    let end = closing(text, at)?;
    let body = &text[at..end];
    let after = body.trim_start_matches(['{', ' ', '\n']).strip_prefix("\"name\"")?.trim_start().strip_prefix(':')?;
    let (name, rest) = after.trim_start().strip_prefix('"')?.split_once('"')?;
    let name = tools.known(name)?;
    let inner = rest.find('{')?;
    let key = rest[..inner].trim_matches([',', ' ', '\n', ':']);
    if !matches!(key, "\"arguments\"" | "\"parameters\"") {
        return None;
    }
    let braces = rest[inner..].trim_end().strip_suffix('}')?;
    one_text(braces, tools, name).map(|call| Body::Calls(vec![call], end))
}

/// `{"k": "…"}` for a name that is known already.
pub fn arguments(text: &str, at: usize, tools: &Tools, name: &str) -> Option<Body> {
    let end = closing(text, at)?;
    let body = text[at..end].trim_end().trim_end_matches('`');
    one_text(body, tools, tools.known(name)?).map(|call| Body::Calls(vec![call], end))
}

fn one_text(object: &str, tools: &Tools, name: &str) -> Option<Raw> {
    let inner = object.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
    let (key, rest) = inner.strip_prefix('"')?.split_once('"')?;
    let value = rest.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?.strip_suffix('"')?;
    if !tools.is_text(name, key) || second_member(value) {
        return None;
    }
    let value = value.replace("\\\"", "\"").replace("\\n", "\n");
    Some(Raw { name: name.to_owned(), arguments: Map::from_iter([(key.to_owned(), Value::String(value))]) })
}

/// Does the text look as if another member began inside it: `", "key":`?
fn second_member(value: &str) -> bool {
    value.match_indices('"').any(|(at, _)| {
        let Some(next) = value[at + 1..].trim_start().strip_prefix(',') else { return false };
        let Some((_, after)) = next.trim_start().strip_prefix('"').and_then(|key| key.split_once('"')) else {
            return false;
        };
        after.trim_start().starts_with(':')
    })
}
