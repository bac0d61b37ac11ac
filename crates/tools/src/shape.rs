//! Pieces of the tools' schemas. Every word in them is paid for in each conversation, so there are few.

use serde_json::{Map, Value, json};

/// The arguments of a tool.
pub fn input(required: &[&str], properties: &[(&str, Value)]) -> Value {
    let properties: Map<String, Value> = properties.iter().map(|(name, of)| ((*name).to_owned(), of.clone())).collect();
    let mut schema = json!({"type": "object", "properties": properties});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema["additionalProperties"] = json!(false);
    schema
}

pub fn text() -> Value {
    json!({"type": "string"})
}

pub fn said(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

pub fn flag() -> Value {
    json!({"type": "boolean"})
}

pub fn whole() -> Value {
    json!({"type": "integer", "minimum": 0})
}

/// What nearly every tool answers: an object.
pub fn object() -> Value {
    json!({"type": "object"})
}

/// A list with the number of all that there are.
pub fn items() -> Value {
    json!({"type": "object", "properties": {"items": {"type": "array"}, "total": {"type": "integer"}}})
}
