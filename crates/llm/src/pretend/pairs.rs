//! Each result of a tool has its call and the reverse, as strict servers demand it.

use serde_json::Value;

use crate::settings::Dialect;

/// What is wrong with the messages of a request.
pub fn check(dialect: Dialect, body: &Value) -> Result<(), String> {
    let said = match dialect {
        Dialect::OpenaiChat | Dialect::OpenaiResponses | Dialect::Anthropic | Dialect::Gemini | Dialect::Ollama => {
            openai_chat(body)
        }
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
