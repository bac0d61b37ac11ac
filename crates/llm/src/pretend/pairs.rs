//! Each result of a tool has its call and the reverse, as strict servers demand it.

use serde_json::Value;

use crate::settings::Dialect;

/// What is wrong with the messages of a request.
pub fn check(dialect: Dialect, body: &Value) -> Result<(), String> {
    let said = match dialect {
        // Ollama's messages are alike in this
        Dialect::OpenaiChat | Dialect::Ollama => openai_chat(body),
        Dialect::OpenaiResponses => list(body, "input").filter_map(response_item).collect(),
        Dialect::Anthropic => list(body, "messages").flat_map(anthropic).collect(),
        Dialect::Gemini => list(body, "contents").flat_map(|turn| list(turn, "parts")).map(gemini).collect(),
    };
    let mut waiting: Vec<String> = Vec::new();
    for step in said {
        match step {
            Step::Call(id) => waiting.push(id),
            Step::Result(id) => {
                let at = waiting.iter().position(|waiting| *waiting == id);
                let at = at.ok_or_else(|| format!("a result without its call: {id}"))?;
                waiting.remove(at);
            }
            Step::Other if waiting.is_empty() => {}
            Step::Other => break,
        }
    }
    if waiting.is_empty() { Ok(()) } else { Err(format!("calls without a result: {}", waiting.join(", "))) }
}

enum Step {
    Call(String),
    Result(String),
    /// a message of another kind: no call may be waiting any longer
    Other,
}

fn list<'a>(value: &'a Value, member: &str) -> impl Iterator<Item = &'a Value> {
    value.get(member).and_then(Value::as_array).into_iter().flatten()
}

fn text(value: &Value, member: &str) -> String {
    value.get(member).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn openai_chat(body: &Value) -> Vec<Step> {
    let mut steps = Vec::new();
    for message in list(body, "messages") {
        if message["role"] == "tool" {
            steps.push(Step::Result(text(message, "tool_call_id")));
            continue;
        }
        steps.push(Step::Other);
        steps.extend(list(message, "tool_calls").map(|call| Step::Call(text(call, "id"))));
    }
    steps
}

fn response_item(item: &Value) -> Option<Step> {
    match item["type"].as_str() {
        Some("function_call") => Some(Step::Call(text(item, "call_id"))),
        Some("function_call_output") => Some(Step::Result(text(item, "call_id"))),
        Some("reasoning") => None,
        Some(_) | None => Some(Step::Other),
    }
}

/// The calls of a message stand after its text, the results before it.
fn anthropic(message: &Value) -> Vec<Step> {
    let steps = list(message, "content").filter_map(|block| match block["type"].as_str() {
        Some("tool_use") => Some(Step::Call(text(block, "id"))),
        Some("tool_result") => Some(Step::Result(text(block, "tool_use_id"))),
        Some("thinking" | "redacted_thinking") => None,
        Some(_) | None => Some(Step::Other),
    });
    // a text alone may stand there without a list around it
    let alone = message["content"].is_string().then_some(Step::Other);
    steps.chain(alone).collect()
}

/// Where there are no ids, names have to do.
fn gemini(part: &Value) -> Step {
    let key = |function: &Value| match function["id"].as_str() {
        Some(id) => id.to_owned(),
        None => text(function, "name"),
    };
    match (part.get("functionCall"), part.get("functionResponse")) {
        (Some(call), _) => Step::Call(key(call)),
        (None, Some(result)) => Step::Result(key(result)),
        (None, None) => Step::Other,
    }
}
