//! The scripted model in Ollama's own format. Its calls have no ids, and their arguments are objects.

use serde_json::{Value, json};

use super::stream::tokens;
use super::turn::Said;

fn response(message: Value) -> Value {
    let mut message = message;
    message["role"] = json!("assistant");
    if message.get("content").is_none() {
        message["content"] = json!("");
    }
    json!({"model": "pretend", "created_at": "2026-01-01T00:00:00Z", "message": message, "done": false})
}

/// It says `stop` also where it calls.
fn end(mut response: Value, said: &Said) -> Value {
    response["done"] = json!(true);
    response["done_reason"] = json!(if said.length { "length" } else { "stop" });
    response["prompt_eval_count"] = json!(said.input());
    response["eval_count"] = json!(said.output());
    response
}

fn call((name, arguments): &(String, Value)) -> Value {
    json!({"function": {"name": name, "arguments": arguments}})
}

pub fn pieces(said: &Said) -> Vec<String> {
    let mut lines = vec![response(json!({}))];
    lines.extend(tokens(&said.reasoning).iter().map(|token| response(json!({"thinking": token}))));
    lines.extend(tokens(&said.text).iter().map(|token| response(json!({"content": token}))));
    lines.extend(said.calls.iter().map(|one| response(json!({"tool_calls": [call(one)]}))));
    lines.push(end(response(json!({})), said));
    lines.iter().map(|line| format!("{line}\n")).collect()
}

pub fn whole(said: &Said) -> Value {
    let mut message = json!({"content": said.text});
    if !said.reasoning.is_empty() {
        message["thinking"] = json!(said.reasoning);
    }
    if !said.calls.is_empty() {
        message["tool_calls"] = said.calls.iter().map(call).collect();
    }
    end(response(message), said)
}
