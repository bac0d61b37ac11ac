//! What a tool says: text for the model, data for programs, both within the room that there is.

use serde_json::Value;

/// No answer is ever longer than this, whatever is configured.
pub const MOST: usize = 64 << 10;

#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub text: String,
    /// Fits the tool's output schema.
    pub data: Value,
}

impl Answer {
    pub fn new(text: impl Into<String>, data: Value) -> Self {
        Self { text: text.into(), data }
    }
}

/// The text in at most `room` bytes. What is left out is counted, so that nobody takes a part for the whole.
pub fn cut(text: String, room: usize) -> String {
    if text.len() <= room {
        return text;
    }
    // the note has to fit too
    let mut end = room.saturating_sub(96);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let end = text[..end].rfind('\n').map_or(end, |newline| newline + 1);
    let lines = text[end..].lines().count();
    let mut short = text;
    short.truncate(end);
    if !short.is_empty() && !short.ends_with('\n') {
        short.push('\n');
    }
    short.push_str(&format!("... {lines} more lines are left out: ask again with narrower arguments"));
    short
}

/// The data with its longest lists shortened until it fits. Lists may always be shorter, so the schema still holds.
pub fn fit(mut data: Value, room: usize) -> Value {
    while size(&data) > room {
        let Some(list) = longest(&mut data) else { break };
        let half = list.len() / 2;
        list.truncate(half);
    }
    while size(&data) > room {
        let Some(text) = longest_text(&mut data) else { break };
        let mut half = text.len() / 2;
        while !text.is_char_boundary(half) {
            half -= 1;
        }
        text.truncate(half);
    }
    data
}

/// The data with every text in it free of secrets.
pub fn redacted(mut value: Value) -> Value {
    redact::session().value(&mut value);
    value
}

fn size(value: &Value) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |bytes| bytes.len())
}

/// The list that takes the most room and has something to lose.
fn longest(value: &mut Value) -> Option<&mut Vec<Value>> {
    match value {
        Value::Array(list) => {
            // a list of one long thing is not made shorter by halving it to none; look inside
            if list.len() > 1 {
                return Some(list);
            }
            list.iter_mut().next().and_then(longest)
        }
        Value::Object(map) => {
            let key = map.iter().filter(|(_, v)| has_list(v)).max_by_key(|(_, v)| size(v)).map(|(k, _)| k.clone())?;
            map.get_mut(&key).and_then(longest)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn has_list(value: &Value) -> bool {
    match value {
        Value::Array(list) => list.len() > 1 || list.iter().any(has_list),
        Value::Object(map) => map.values().any(has_list),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn longest_text(value: &mut Value) -> Option<&mut String> {
    match value {
        Value::String(text) => (text.len() > 1).then_some(text),
        Value::Array(list) => list.iter_mut().filter_map(longest_text).max_by_key(|text| text.len()),
        Value::Object(map) => map.values_mut().filter_map(longest_text).max_by_key(|text| text.len()),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

#[cfg(test)]
mod test {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_cut_text_ends_at_a_line_and_counts_the_rest() {
        let text: String = (0..100).map(|i| format!("line {i} 观察\n")).collect();
        let short = cut(text.clone(), 400);
        assert!(short.len() <= 400, "{}", short.len());
        let kept = short.lines().count() - 1;
        assert!(
            short.ends_with(&format!("... {} more lines are left out: ask again with narrower arguments", 100 - kept))
        );
        assert_eq!(cut(text.clone(), text.len()), text);
    }

    #[test]
    fn one_endless_line_is_cut_too() {
        let short = cut("字".repeat(1000), 300);
        assert!(short.len() <= 300 && short.contains("left out"), "{short}");
    }

    #[test]
    fn data_is_fitted_by_its_longest_list_and_keeps_its_shape() {
        let data = json!({"items": (0..1000).map(|i| json!({"name": format!("pod-{i}")})).collect::<Vec<_>>(), "total": 1000, "few": [1, 2]});
        let fitted = fit(data, 2000);
        assert!(size(&fitted) <= 2000);
        assert_eq!(fitted["total"], 1000);
        assert_eq!(fitted["few"], json!([1, 2]));
        assert_eq!(fitted["items"][0]["name"], "pod-0");
    }

    #[test]
    fn data_of_one_long_text_is_fitted() {
        let fitted = fit(json!({"text": "字".repeat(10_000)}), 1000);
        assert!(size(&fitted) <= 1000);
    }
}
