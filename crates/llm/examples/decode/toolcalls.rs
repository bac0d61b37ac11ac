//! The mode `toolcalls`: a reply's text, and the calls in it. Without tools no name is known, so weak shapes are text.

use llm::{Tool, text};
use serde_json::{Map, Value, json};

pub fn decode(row: &Map<String, Value>, tools: &[Tool]) -> crate::Decoded {
    let text = row.get("text").and_then(Value::as_str).ok_or("a row needs a text")?;
    let mut parser = text::Parser::new(tools);
    parser.push(text);
    let parsed = parser.finish();
    let calls: Vec<Value> =
        parsed.calls.iter().map(|call| json!({"name": call.name, "arguments": call.arguments})).collect();
    Ok(Map::from_iter([("expected".to_owned(), Value::Array(calls)), ("visible".to_owned(), parsed.visible.into())]))
}
