//! Ollama's own format, which unlike its `/v1` knows the length of the window and the switch for thinking.

use serde_json::{Map, Value, json};

use super::{Quirks, Request, count, limit, word};
use crate::assemble::{Assembler, Finish, Piece};
use crate::reply::{ToolCall, Usage};
use crate::request::{Message, Thinking};

pub fn body(request: &Request, quirks: &Quirks) -> Value {
    let mut body = Map::from_iter([("model".to_owned(), json!(quirks.model))]);
    let mut set = |member: &str, value: Value| body.insert(member.to_owned(), value);
    set("messages", request.messages.iter().map(message).collect());
    set("stream", json!(quirks.stream));
    if !request.tools.is_empty() {
        let tool = |tool: &crate::Tool| json!({"type": "function", "function": tool});
        set("tools", request.tools.iter().map(tool).collect());
    }
    match request.thinking {
        Thinking::Off => set("think", json!(false)),
        // it knows on and off; on is refused by models that do not think
        Thinking::Low | Thinking::Default => None,
    };
    if let Some(schema) = request.schema.as_ref().filter(|_| quirks.json_schema) {
        set("format", schema.clone());
    }
    let mut options = Map::new();
    // its own window is short, and what does not fit is cut off in silence
    options.extend(quirks.context.map(|window| ("num_ctx".to_owned(), json!(window))));
    options.extend(limit(request, quirks).map(|most| ("num_predict".to_owned(), json!(most))));
    if !options.is_empty() {
        set("options", Value::Object(options));
    }
    Value::Object(body)
}

fn message(message: &Message) -> Value {
    match message {
        Message::System { content } => json!({"role": "system", "content": content}),
        Message::User { content } => json!({"role": "user", "content": content}),
        Message::Tool { id, name, content } => {
            json!({"role": "tool", "tool_name": name, "tool_call_id": id, "content": content})
        }
        Message::Assistant { content, reasoning, calls } => {
            let mut message = json!({"role": "assistant", "content": content});
            if !reasoning.is_empty() {
                message["thinking"] = json!(reasoning);
            }
            if !calls.is_empty() {
                message["tool_calls"] = calls.iter().map(call).collect();
            }
            message
        }
    }
}

fn call(call: &ToolCall) -> Value {
    json!({"id": call.id, "function": {"name": call.name, "arguments": call.arguments}})
}

/// One line, or a whole body: both have the same shape.
pub fn take(value: &Value, calls: &mut u64, reply: &mut Assembler) {
    let message = &value["message"];
    reply.reasoning(word(message, "thinking").unwrap_or_default());
    reply.text(word(message, "content").unwrap_or_default());
    for call in message.get("tool_calls").and_then(Value::as_array).into_iter().flatten() {
        let function = &call["function"];
        // a call comes whole, so each is a new one
        *calls += 1;
        reply.call(Piece {
            id: word(call, "id"),
            index: Some(*calls),
            name: word(function, "name"),
            arguments: function.get("arguments"),
            extra: None,
        });
    }
    if value["done"] != true {
        return;
    }
    let (input, output) = (count(value, "/prompt_eval_count"), count(value, "/eval_count"));
    reply.usage(Usage { input, cached: 0, output });
    reply.done();
    match word(value, "done_reason") {
        Some("length") => reply.finish_reason(Finish::Length),
        Some(_) | None => reply.finish_reason(Finish::Stop),
    }
}
