//! OpenAI's responses.

use serde_json::{Map, Value, json};

use super::{Quirks, Request, count, limit, word};
use crate::assemble::{Assembler, Finish, Piece};
use crate::provider::Switch;
use crate::reply::{ToolCall, Usage};
use crate::request::{Message, Thinking, Tool};

pub fn body(request: &Request, quirks: &Quirks) -> Value {
    let mut body = Map::from_iter([("model".to_owned(), json!(quirks.model))]);
    let mut set = |member: &str, value: Value| body.insert(member.to_owned(), value);
    // nothing is kept there, so the thoughts have to travel with the conversation
    set("store", json!(false));
    set("include", json!(["reasoning.encrypted_content"]));
    set("stream", json!(quirks.stream));
    if let Some(most) = limit(request, quirks) {
        set("max_output_tokens", json!(most));
    }
    if let Some(effort) = effort(request, quirks) {
        set("reasoning", json!({"effort": effort}));
    }
    if let Some(schema) = request.schema.as_ref().filter(|_| quirks.json_schema) {
        set("text", json!({"format": {"type": "json_schema", "name": "answer", "schema": schema}}));
    }
    if !request.tools.is_empty() {
        set("tools", request.tools.iter().map(tool).collect());
    }
    set("input", request.messages.iter().flat_map(items).collect());
    Value::Object(body)
}

fn effort(request: &Request, quirks: &Quirks) -> Option<&'static str> {
    match (request.thinking, quirks.thinking) {
        (Thinking::Off, Switch::Effort(off)) => Some(off),
        (Thinking::Low, Switch::Effort(_)) => Some("low"),
        (Thinking::Default, Switch::Effort(_))
        | (
            _,
            Switch::Unsent | Switch::EnableThinking | Switch::TemplateKwargs | Switch::ThinkingType | Switch::NoThink,
        ) => None,
    }
}

fn tool(tool: &Tool) -> Value {
    json!({"type": "function", "name": tool.name, "description": tool.description, "parameters": tool.parameters,
        "strict": false})
}

fn items(message: &Message) -> Vec<Value> {
    match message {
        Message::System { content } => vec![json!({"role": "system", "content": content})],
        Message::User { content } => vec![json!({"role": "user", "content": content})],
        Message::Tool { id, content, .. } => {
            vec![json!({"type": "function_call_output", "call_id": id, "output": content})]
        }
        Message::Assistant { content, calls, .. } => {
            let text = (!content.is_empty()).then(|| json!({"role": "assistant", "content": content}));
            text.into_iter().chain(calls.iter().flat_map(call)).collect()
        }
    }
}

/// The thought that led to a call stands before it.
fn call(call: &ToolCall) -> Vec<Value> {
    let thought = call.extra.as_ref().and_then(|extra| extra.get("reasoning")).cloned();
    let arguments = Value::Object(call.arguments.clone()).to_string();
    let call = json!({"type": "function_call", "call_id": call.id, "name": call.name, "arguments": arguments});
    thought.into_iter().chain([call]).collect()
}

/// What is remembered from event to event.
#[derive(Debug, Default)]
pub struct Items {
    /// a thought that no call has taken yet
    thought: Option<Value>,
}

impl Items {
    /// One event, or a whole body.
    pub fn take(&mut self, value: &Value, reply: &mut Assembler) {
        let index = value.get("output_index").and_then(Value::as_u64);
        let delta = word(value, "delta").unwrap_or_default();
        match word(value, "type").unwrap_or_default() {
            "response.output_text.delta" | "response.refusal.delta" => reply.text(delta),
            "response.reasoning_summary_text.delta" | "response.reasoning_text.delta" => reply.reasoning(delta),
            "response.output_item.added" => self.item(index, &value["item"], reply),
            "response.output_item.done" if value["item"]["type"] == "reasoning" => self.think(&value["item"]),
            "response.function_call_arguments.delta" => {
                reply.call(Piece { index, arguments: value.get("delta"), ..Piece::default() });
            }
            // whole once more: counts where a gateway sends no pieces, and is known to be the same otherwise
            "response.function_call_arguments.done" => {
                reply.call(Piece { index, arguments: value.get("arguments"), ..Piece::default() });
            }
            "response.completed" | "response.incomplete" | "response.failed" => end(&value["response"], reply),
            "error" => reply.fail(value),
            _ if value["object"] == "response" => {
                self.whole(value, reply);
                end(value, reply);
            }
            _ => {}
        }
    }

    fn whole(&mut self, response: &Value, reply: &mut Assembler) {
        let output = response.get("output").and_then(Value::as_array);
        for (index, item) in (0..).zip(output.into_iter().flatten()) {
            self.item(Some(index), item, reply);
            let parts = ["content", "summary"].iter().filter_map(|member| item.get(member)?.as_array()).flatten();
            for part in parts {
                let text = word(part, "text").or_else(|| word(part, "refusal")).unwrap_or_default();
                match word(item, "type") {
                    Some("reasoning") => reply.reasoning(text),
                    Some(_) | None => reply.text(text),
                }
            }
        }
    }

    fn item(&mut self, index: Option<u64>, item: &Value, reply: &mut Assembler) {
        match word(item, "type") {
            Some("function_call") => reply.call(Piece {
                id: word(item, "call_id"),
                index,
                name: word(item, "name"),
                arguments: item.get("arguments"),
                extra: self.thought.take().map(|thought| json!({"reasoning": thought})),
            }),
            Some("reasoning") => self.think(item),
            Some(_) | None => {}
        }
    }

    /// Only a sealed thought is taken back.
    fn think(&mut self, item: &Value) {
        if word(item, "encrypted_content").is_some() {
            self.thought = Some(item.clone());
        }
    }
}

fn end(response: &Value, reply: &mut Assembler) {
    let usage = &response["usage"];
    reply.usage(Usage {
        input: count(usage, "/input_tokens"),
        cached: count(usage, "/input_tokens_details/cached_tokens"),
        output: count(usage, "/output_tokens"),
    });
    if let Some(error) = response.get("error").filter(|error| !error.is_null()) {
        reply.fail(error);
    }
    match (word(response, "status"), word(&response["incomplete_details"], "reason")) {
        (Some("failed"), _) => reply.fail(response),
        (Some("incomplete"), Some("max_output_tokens")) => reply.finish_reason(Finish::Length),
        _ => reply.finish_reason(Finish::Stop),
    }
}
