//! OpenAI's chat completions, the format that most servers speak, with what they make of it.

use serde_json::{Map, Value, json};

use super::{MaxTokens, Quirks, Request, Thinking, count, limit, word};
use crate::assemble::{Assembler, Finish, Piece};
use crate::provider::Switch;
use crate::reply::{ToolCall, Usage};
use crate::request::{Message, Tool};

pub fn body(request: &Request, quirks: &Quirks) -> Value {
    let mut messages: Vec<Value> = request.messages.iter().map(message).collect();
    let mut body = Map::from_iter([("model".to_owned(), json!(quirks.model))]);
    let mut set = |member: &str, value: Value| body.insert(member.to_owned(), value);
    if !request.tools.is_empty() {
        set("tools", request.tools.iter().map(tool).collect());
    }
    set("stream", json!(quirks.stream));
    if quirks.stream && quirks.stream_usage {
        set("stream_options", json!({"include_usage": true}));
    }
    if let Some(most) = limit(request, quirks) {
        match quirks.max_tokens {
            MaxTokens::MaxTokens => set("max_tokens", json!(most)),
            MaxTokens::MaxCompletionTokens => set("max_completion_tokens", json!(most)),
            MaxTokens::Unsent => None,
        };
    }
    match (quirks.thinking, request.thinking) {
        (Switch::Unsent, _) | (_, Thinking::Default) => {}
        (Switch::Effort(off), Thinking::Off) => {
            set("reasoning_effort", json!(off));
        }
        (Switch::Effort(_), Thinking::Low) => {
            set("reasoning_effort", json!("low"));
        }
        // a switch has no half way
        (Switch::EnableThinking | Switch::TemplateKwargs | Switch::ThinkingType | Switch::NoThink, Thinking::Low) => {}
        (Switch::EnableThinking, Thinking::Off) => {
            set("enable_thinking", json!(false));
        }
        (Switch::TemplateKwargs, Thinking::Off) => {
            set("chat_template_kwargs", json!({"enable_thinking": false}));
        }
        (Switch::ThinkingType, Thinking::Off) => {
            set("thinking", json!({"type": "disabled"}));
        }
        (Switch::NoThink, Thinking::Off) => no_think(&mut messages),
    }
    if let Some(schema) = request.schema.as_ref().filter(|_| quirks.json_schema) {
        let named = json!({"name": "answer", "schema": schema});
        set("response_format", json!({"type": "json_schema", "json_schema": named}));
    }
    set("messages", messages.into());
    Value::Object(body)
}

fn no_think(messages: &mut [Value]) {
    let last = messages.iter_mut().rfind(|message| word(message, "role") == Some("user"));
    if let Some(Value::String(text)) = last.and_then(|message| message.get_mut("content")) {
        text.push_str(" /no_think");
    }
}

fn tool(tool: &Tool) -> Value {
    json!({"type": "function", "function": tool})
}

fn message(message: &Message) -> Value {
    match message {
        Message::System { content } => json!({"role": "system", "content": content}),
        Message::User { content } => json!({"role": "user", "content": content}),
        Message::Tool { id, content, .. } => json!({"role": "tool", "tool_call_id": id, "content": content}),
        Message::Assistant { content, reasoning, calls } => {
            let mut message = json!({"role": "assistant", "content": content});
            if !reasoning.is_empty() {
                message["reasoning_content"] = json!(reasoning);
            }
            if !calls.is_empty() {
                message["tool_calls"] = calls.iter().map(call).collect();
                if content.is_empty() {
                    message["content"] = Value::Null;
                }
            }
            message
        }
    }
}

fn call(call: &ToolCall) -> Value {
    let arguments = Value::Object(call.arguments.clone()).to_string();
    let mut value = json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}});
    if let Some(extra) = call.extra.as_ref().and_then(|extra| extra.get("extra_content")) {
        value["extra_content"] = extra.clone();
    }
    value
}

/// One event, or a whole body.
pub fn take(value: &Value, reply: &mut Assembler) {
    if let Some(usage) = value.get("usage").filter(|usage| usage.is_object()) {
        reply.usage(Usage {
            input: count(usage, "/prompt_tokens"),
            cached: count(usage, "/prompt_tokens_details/cached_tokens").max(count(usage, "/prompt_cache_hit_tokens")),
            output: count(usage, "/completion_tokens"),
        });
    }
    let Some(choices) = value.get("choices").and_then(Value::as_array) else {
        // some gateways put the error where the event should be
        if value.get("code").is_some_and(|code| !code.is_null()) && word(value, "message").is_some() {
            reply.fail(value);
        }
        return;
    };
    let Some(choice) = choices.iter().find(|choice| count(choice, "/index") == 0) else { return };
    if let Some(error) = choice.get("error").filter(|error| !error.is_null()) {
        reply.fail(error);
    }
    // a whole body has a message, an event a delta
    for part in ["delta", "message"].iter().filter_map(|member| choice.get(member)) {
        take_delta(part, reply);
    }
    if let Some(reason) = word(choice, "finish_reason").filter(|reason| !reason.is_empty()) {
        finish(reason, reply);
    }
}

fn finish(reason: &str, reply: &mut Assembler) {
    match reason {
        "length" | "max_tokens" => reply.finish_reason(Finish::Length),
        "tool_calls" | "function_call" | "tool_use" => reply.finish_reason(Finish::ToolCalls),
        "model_context_window_exceeded" | "context_length_exceeded" => reply.finish_reason(Finish::Context),
        "error" | "network_error" | "insufficient_system_resource" => reply.fail(&json!({"code": reason})),
        _ => reply.finish_reason(Finish::Stop),
    }
}

fn take_delta(delta: &Value, reply: &mut Assembler) {
    take_reasoning(delta, reply);
    take_content(delta.get("content").unwrap_or(&Value::Null), reply);
    if let Some(refusal) = word(delta, "refusal") {
        reply.text(refusal);
    }
    match delta.get("tool_calls") {
        Some(Value::Array(pieces)) => pieces.iter().for_each(|piece| take_call(piece, reply)),
        Some(piece @ Value::Object(_)) => take_call(piece, reply),
        Some(_) | None => {}
    }
    if let Some(function) = delta.get("function_call").filter(|function| function.is_object()) {
        take_call(function, reply);
    }
}

/// The same thought may stand in several members: the first that says anything counts.
fn take_reasoning(delta: &Value, reply: &mut Assembler) {
    let plain = ["reasoning_content", "reasoning", "thinking"].iter().find_map(|member| word(delta, member));
    if let Some(text) = plain.filter(|text| !text.is_empty()) {
        reply.reasoning(text);
        return;
    }
    let details = delta.get("reasoning_details").and_then(Value::as_array);
    for detail in details.into_iter().flatten() {
        if let Some(text) = word(detail, "text").or_else(|| word(detail, "summary")) {
            reply.reasoning(text);
        }
    }
}

/// Text, or a list of parts of which some are thoughts.
fn take_content(content: &Value, reply: &mut Assembler) {
    match content {
        Value::String(text) => reply.text(text),
        Value::Array(parts) => {
            for part in parts {
                match part.get("thinking") {
                    Some(Value::String(text)) => reply.reasoning(text),
                    Some(Value::Array(texts)) => {
                        texts.iter().filter_map(|part| word(part, "text")).for_each(|text| reply.reasoning(text));
                    }
                    Some(_) | None => reply.text(part.as_str().or_else(|| word(part, "text")).unwrap_or_default()),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
    }
}

fn take_call(piece: &Value, reply: &mut Assembler) {
    let function = piece.get("function").filter(|function| function.is_object()).unwrap_or(piece);
    reply.call(Piece {
        id: word(piece, "id"),
        index: piece.get("index").and_then(Value::as_u64),
        name: word(function, "name"),
        arguments: function.get("arguments"),
        extra: piece.get("extra_content").map(|extra| json!({"extra_content": extra})),
    });
}
