//! The scripted model in OpenAI's chat completions.

use serde_json::{Value, json};

use super::stream::{data, id, tokens};
use super::turn::Said;

fn reason(said: &Said) -> &'static str {
    if said.length {
        "length"
    } else if said.calls.is_empty() {
        "stop"
    } else {
        "tool_calls"
    }
}

fn usage(said: &Said) -> Value {
    json!({"prompt_tokens": said.input(), "completion_tokens": said.output(),
        "total_tokens": said.input() + said.output(), "prompt_tokens_details": {"cached_tokens": said.cached()}})
}

pub fn pieces(said: &Said) -> Vec<String> {
    let chunk = |delta: Value, reason: Option<&str>| {
        json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "pretend",
            "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})
    };
    let mut events = vec![chunk(json!({"role": "assistant", "content": ""}), None)];
    events.extend(tokens(&said.reasoning).iter().map(|token| chunk(json!({"reasoning_content": token}), None)));
    events.extend(tokens(&said.text).iter().map(|token| chunk(json!({"content": token}), None)));
    for (index, (name, arguments)) in said.calls.iter().enumerate() {
        let head = json!({"index": index, "id": id(index), "type": "function",
            "function": {"name": name, "arguments": ""}});
        events.push(chunk(json!({"tool_calls": [head]}), None));
        for token in tokens(&arguments.to_string()) {
            let piece = json!({"index": index, "function": {"arguments": token}});
            events.push(chunk(json!({"tool_calls": [piece]}), None));
        }
    }
    let mut last = chunk(json!({}), Some(reason(said)));
    last["usage"] = usage(said);
    let mut pieces: Vec<String> = events.iter().map(data).collect();
    pieces.push(format!("{}data: [DONE]\n\n", data(&last)));
    pieces
}

pub fn whole(said: &Said) -> Value {
    let mut message = json!({"role": "assistant", "content": said.text});
    if !said.reasoning.is_empty() {
        message["reasoning_content"] = json!(said.reasoning);
    }
    if !said.calls.is_empty() {
        let calls = said.calls.iter().enumerate().map(|(index, (name, arguments))| {
            json!({"id": id(index), "type": "function",
                "function": {"name": name, "arguments": arguments.to_string()}})
        });
        message["tool_calls"] = calls.collect();
    }
    json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "pretend",
        "choices": [{"index": 0, "message": message, "finish_reason": reason(said)}], "usage": usage(said)})
}
