//! A server's answer as a bounded text without secrets.

use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};
use serde_json::Value;

use super::clean::{line, visible};
use crate::hands::CallResult;

/// So much of a result is read to be redacted, in multiples of what is kept: a secret does not begin where it is cut.
const READ: usize = 16;

pub fn read(answer: CallToolResult, most: usize, redact: &(dyn Fn(&str) -> String + Send + Sync)) -> CallResult {
    let mut text = String::new();
    for block in &answer.content {
        let part = shown(block);
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&part);
    }
    let structured = answer.structured_content;
    if text.is_empty()
        && let Some(value) = &structured
    {
        text = value.to_string();
    }
    let structured = structured.filter(|value| value.to_string().len() <= most).map(|value| leaves(value, redact));
    CallResult { text: bounded(&text, most, redact), error: answer.is_error == Some(true), structured }
}

fn shown(block: &ContentBlock) -> String {
    match block {
        ContentBlock::Text(text) => text.text.clone(),
        ContentBlock::Image(image) => format!("[image, {}, left out]", line(&image.mime_type)),
        ContentBlock::Audio(audio) => format!("[audio, {}, left out]", line(&audio.mime_type)),
        ContentBlock::Resource(embedded) => match &embedded.resource {
            ResourceContents::TextResourceContents { text, .. } => text.clone(),
            ResourceContents::BlobResourceContents { uri, .. } => format!("[binary, {}, left out]", line(uri)),
            _ => "[a resource of an unknown kind, left out]".to_owned(),
        },
        ContentBlock::ResourceLink(link) => format!("[link to {}]", line(&link.uri)),
        _ => "[a part of an unknown kind, left out]".to_owned(),
    }
}

fn bounded(text: &str, most: usize, redact: &(dyn Fn(&str) -> String + Send + Sync)) -> String {
    let read = text.get(..text.floor_char_boundary(most.saturating_mul(READ))).unwrap_or_default();
    let plain: String = redact(read).chars().filter(|c| visible(*c)).collect();
    if plain.len() <= most && read.len() == text.len() {
        return plain;
    }
    let kept = plain.get(..plain.floor_char_boundary(most)).unwrap_or_default();
    format!("{kept}\n[cut: the result has {} bytes, ask for less]", text.len())
}

fn leaves(value: Value, redact: &(dyn Fn(&str) -> String + Send + Sync)) -> Value {
    match value {
        Value::String(text) => Value::String(redact(&text)),
        Value::Array(items) => items.into_iter().map(|item| leaves(item, redact)).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(name, value)| (redact(&name), leaves(value, redact))).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}
