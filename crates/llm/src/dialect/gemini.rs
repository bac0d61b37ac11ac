//! Gemini's own format.

use serde_json::{Map, Value, json};

use super::{Quirks, Request, count, limit, word};
use crate::assemble::{Assembler, Finish, Piece};
use crate::provider::Switch;
use crate::reply::{ToolCall, Usage};
use crate::request::{Message, Thinking, Tool};

pub fn path(quirks: &Quirks) -> String {
    let action = if quirks.stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
    let model = quirks.model.trim_start_matches("models/");
    format!("/v1beta/models/{model}:{action}")
}

pub fn headers(key: Option<&str>) -> Vec<(&'static str, String)> {
    key.map(|key| ("x-goog-api-key", key.to_owned())).into_iter().collect()
}

pub fn body(request: &Request, quirks: &Quirks) -> Value {
    let mut body = Map::new();
    let mut system = Vec::new();
    let mut contents: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in &request.messages {
        let (role, parts) = match message {
            Message::System { content } => {
                system.push(json!({"text": content}));
                continue;
            }
            Message::User { content } => ("user", vec![json!({"text": content})]),
            Message::Tool { id, name, content } => ("user", vec![result(id, name, content)]),
            Message::Assistant { content, calls, .. } => ("model", assistant(content, calls)),
        };
        // all results of a turn stand in one message
        match contents.last_mut() {
            Some((last, all)) if *last == role => all.extend(parts),
            Some(_) | None => contents.push((role, parts)),
        }
    }
    if !system.is_empty() {
        body.insert("systemInstruction".to_owned(), json!({"parts": system}));
    }
    let contents: Value = contents.into_iter().map(|(role, parts)| json!({"role": role, "parts": parts})).collect();
    body.insert("contents".to_owned(), contents);
    if !request.tools.is_empty() {
        let declared: Vec<Value> = request.tools.iter().map(declared).collect();
        body.insert("tools".to_owned(), json!([{"functionDeclarations": declared}]));
    }
    let generation = generation(request, quirks);
    if !generation.is_empty() {
        body.insert("generationConfig".to_owned(), Value::Object(generation));
    }
    Value::Object(body)
}

fn generation(request: &Request, quirks: &Quirks) -> Map<String, Value> {
    let mut generation = Map::new();
    if let Some(most) = limit(request, quirks) {
        generation.insert("maxOutputTokens".to_owned(), json!(most));
    }
    if let Some(schema) = request.schema.as_ref().filter(|_| quirks.json_schema) {
        generation.insert("responseMimeType".to_owned(), json!("application/json"));
        generation.insert("responseJsonSchema".to_owned(), schema.clone());
    }
    let thinking = match (request.thinking, quirks.thinking) {
        (Thinking::Off, Switch::Effort("none")) => Some(json!({"thinkingBudget": 0})),
        (Thinking::Off, Switch::Effort(level)) => Some(json!({"thinkingLevel": level})),
        (Thinking::Low, Switch::Effort(_)) => Some(json!({"thinkingBudget": 1024})),
        (Thinking::Default, Switch::Effort(_))
        | (
            _,
            Switch::Unsent | Switch::EnableThinking | Switch::TemplateKwargs | Switch::ThinkingType | Switch::NoThink,
        ) => None,
    };
    generation.extend(thinking.map(|thinking| ("thinkingConfig".to_owned(), thinking)));
    generation
}

/// An object without members is refused: such a tool has no parameters at all.
fn declared(tool: &Tool) -> Value {
    let mut declared = json!({"name": tool.name, "description": tool.description});
    let members = tool.parameters.get("properties").and_then(Value::as_object);
    if members.is_some_and(|members| !members.is_empty()) {
        declared["parameters"] = tool.parameters.clone();
    }
    declared
}

/// An id of our own means nothing to the server; it goes by name and order then.
fn own_id(id: &str) -> Option<&str> {
    (!id.starts_with("call_")).then_some(id)
}

fn result(id: &str, name: &str, content: &str) -> Value {
    let mut result = json!({"name": name, "response": {"result": content}});
    if let Some(id) = own_id(id) {
        result["id"] = json!(id);
    }
    json!({"functionResponse": result})
}

fn assistant(content: &str, calls: &[ToolCall]) -> Vec<Value> {
    let text = (!content.is_empty()).then(|| json!({"text": content}));
    text.into_iter().chain(calls.iter().map(call)).collect()
}

fn call(call: &ToolCall) -> Value {
    let mut function = json!({"name": call.name, "args": call.arguments});
    if let Some(id) = own_id(&call.id) {
        function["id"] = json!(id);
    }
    let mut part = json!({"functionCall": function});
    if let Some(signature) = call.extra.as_ref().and_then(|extra| extra.get("thoughtSignature")) {
        part["thoughtSignature"] = signature.clone();
    }
    part
}

/// One event, or a whole body: both have the same shape.
pub fn take(value: &Value, calls: &mut u64, reply: &mut Assembler) {
    let usage = &value["usageMetadata"];
    reply.usage(Usage {
        input: count(usage, "/promptTokenCount"),
        cached: count(usage, "/cachedContentTokenCount"),
        output: count(usage, "/candidatesTokenCount") + count(usage, "/thoughtsTokenCount"),
    });
    if let Some(reason) = word(&value["promptFeedback"], "blockReason") {
        reply.fail(&json!({"code": reason, "message": value["promptFeedback"]}));
    }
    let Some(candidate) = value.pointer("/candidates/0") else { return };
    let parts = candidate.pointer("/content/parts").and_then(Value::as_array);
    for part in parts.into_iter().flatten() {
        take_part(part, calls, reply);
    }
    match word(candidate, "finishReason") {
        None | Some("" | "FINISH_REASON_UNSPECIFIED") => {}
        Some("MAX_TOKENS") => reply.finish_reason(Finish::Length),
        // a call was meant, and no call came of it
        Some("MALFORMED_FUNCTION_CALL" | "UNEXPECTED_TOOL_CALL") => reply.finish_reason(Finish::ToolCalls),
        Some(_) => reply.finish_reason(Finish::Stop),
    }
}

fn take_part(part: &Value, calls: &mut u64, reply: &mut Assembler) {
    if let Some(text) = word(part, "text") {
        if part["thought"] == true { reply.reasoning(text) } else { reply.text(text) }
    }
    let Some(call) = part.get("functionCall") else { return };
    // a call comes whole: each is a new one, also where two are the same
    *calls += 1;
    reply.call(Piece {
        id: word(call, "id"),
        index: Some(*calls),
        name: word(call, "name"),
        arguments: call.get("args"),
        extra: part.get("thoughtSignature").map(|signature| json!({"thoughtSignature": signature})),
    });
}
