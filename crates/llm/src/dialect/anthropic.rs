//! Anthropic's messages.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Quirks, Request, count, limit, word};
use crate::assemble::{Assembler, Finish, Piece};
use crate::reply::{ToolCall, Usage};
use crate::request::Message;

const VERSION: &str = "2023-06-01";

/// The API has no limit of its own to fall back on.
const MAX_TOKENS: u32 = 8192;

pub fn headers(key: Option<&str>) -> Vec<(&'static str, String)> {
    let key = key.map(|key| ("x-api-key", key.to_owned()));
    key.into_iter().chain([("anthropic-version", VERSION.to_owned())]).collect()
}

pub fn body(request: &Request, quirks: &Quirks) -> Value {
    let mut body = Map::from_iter([("model".to_owned(), json!(quirks.model))]);
    let mut set = |member: &str, value: Value| body.insert(member.to_owned(), value);
    set("max_tokens", json!(limit(request, quirks).unwrap_or(MAX_TOKENS)));
    set("stream", json!(quirks.stream));
    if !request.tools.is_empty() {
        let tool = |tool: &crate::Tool| json!({"name": tool.name, "description": tool.description, "input_schema": tool.parameters});
        set("tools", request.tools.iter().map(tool).collect());
    }
    let system: Vec<&str> = request.messages.iter().filter_map(system).collect();
    if !system.is_empty() {
        // the mark lets the tools and this be read from the cache on the next turn
        let text = json!({"type": "text", "text": system.join("\n\n"), "cache_control": {"type": "ephemeral"}});
        set("system", json!([text]));
    }
    if let Some(schema) = request.schema.as_ref().filter(|_| quirks.json_schema) {
        set("output_config", json!({"format": {"type": "json_schema", "schema": schema}}));
    }
    set("messages", messages(&request.messages));
    Value::Object(body)
}

fn system(message: &Message) -> Option<&str> {
    match message {
        Message::System { content } => Some(content),
        Message::User { .. } | Message::Assistant { .. } | Message::Tool { .. } => None,
    }
}

/// Roles alternate, and all results of a turn stand in the one message after it.
fn messages(messages: &[Message]) -> Value {
    let mut turns: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in messages {
        let (role, blocks) = match message {
            Message::System { .. } => continue,
            Message::User { content } => ("user", vec![text(content)]),
            Message::Tool { id, content, .. } => {
                ("user", vec![json!({"type": "tool_result", "tool_use_id": id, "content": content})])
            }
            Message::Assistant { content, calls, .. } => ("assistant", assistant(content, calls)),
        };
        match turns.last_mut() {
            Some((last, all)) if *last == role => all.extend(blocks),
            Some(_) | None => turns.push((role, blocks)),
        }
    }
    turns.into_iter().map(|(role, content)| json!({"role": role, "content": content})).collect()
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

fn assistant(content: &str, calls: &[ToolCall]) -> Vec<Value> {
    let thoughts = calls.iter().filter_map(|call| call.extra.as_ref()?.get("thinking")?.as_array()).flatten();
    let mut blocks: Vec<Value> = thoughts.cloned().collect();
    // an empty text is refused
    if !content.trim().is_empty() {
        blocks.push(text(content));
    }
    blocks.extend(
        calls.iter().map(|call| json!({"type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments})),
    );
    blocks
}

/// Signed thoughts by their place. They have to come back unchanged with the calls that follow them.
#[derive(Debug, Default)]
pub struct Thoughts {
    open: BTreeMap<u64, Value>,
}

impl Thoughts {
    /// One event, or a whole body.
    pub fn take(&mut self, value: &Value, reply: &mut Assembler) {
        let index = count(value, "/index");
        match word(value, "type").unwrap_or_default() {
            "message_start" => usage(&value["message"]["usage"], reply),
            "message" => {
                let blocks = value.get("content").and_then(Value::as_array);
                for (index, block) in (0..).zip(blocks.into_iter().flatten()) {
                    self.begin(index, block, reply);
                }
                usage(&value["usage"], reply);
                finish(value, reply);
            }
            "content_block_start" => self.begin(index, &value["content_block"], reply),
            "content_block_delta" => self.go_on(index, &value["delta"], reply),
            "message_delta" => {
                usage(&value["usage"], reply);
                finish(&value["delta"], reply);
            }
            "message_stop" => reply.done(),
            _ => {}
        }
    }

    fn begin(&mut self, index: u64, block: &Value, reply: &mut Assembler) {
        match word(block, "type").unwrap_or_default() {
            "text" => reply.text(word(block, "text").unwrap_or_default()),
            "thinking" | "redacted_thinking" => {
                reply.reasoning(word(block, "thinking").unwrap_or_default());
                self.open.insert(index, block.clone());
            }
            "tool_use" => {
                let thoughts: Vec<Value> = std::mem::take(&mut self.open).into_values().collect();
                // an empty object stands for what the following events bring
                let input = block.get("input").filter(|input| input.as_object().is_some_and(|input| !input.is_empty()));
                reply.call(Piece {
                    id: word(block, "id"),
                    index: Some(index),
                    name: word(block, "name"),
                    arguments: input,
                    extra: (!thoughts.is_empty()).then(|| json!({"thinking": thoughts})),
                });
            }
            _ => {}
        }
    }

    fn go_on(&mut self, index: u64, delta: &Value, reply: &mut Assembler) {
        if let Some(text) = word(delta, "text") {
            reply.text(text);
        }
        if let Some(arguments) = delta.get("partial_json") {
            reply.call(Piece { index: Some(index), arguments: Some(arguments), ..Piece::default() });
        }
        reply.reasoning(word(delta, "thinking").unwrap_or_default());
        let Some(block) = self.open.get_mut(&index) else { return };
        for member in ["thinking", "signature"] {
            let Some(piece) = word(delta, member) else { continue };
            let whole = format!("{}{piece}", word(block, member).unwrap_or_default());
            block[member] = whole.into();
        }
    }
}

fn usage(usage: &Value, reply: &mut Assembler) {
    let cached = count(usage, "/cache_read_input_tokens");
    let written = count(usage, "/cache_creation_input_tokens");
    let input = count(usage, "/input_tokens") + cached + written;
    reply.usage(Usage { input, cached, output: count(usage, "/output_tokens") });
}

fn finish(value: &Value, reply: &mut Assembler) {
    match word(value, "stop_reason") {
        None => {}
        Some("max_tokens") => reply.finish_reason(Finish::Length),
        Some("tool_use") => reply.finish_reason(Finish::ToolCalls),
        Some("model_context_window_exceeded") => reply.finish_reason(Finish::Context),
        Some(_) => reply.finish_reason(Finish::Stop),
    }
}
