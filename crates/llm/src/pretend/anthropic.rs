//! The scripted model in Anthropic's messages.

use serde_json::{Value, json};

use super::stream::{named, tokens};
use super::turn::Said;

/// Stands for the seal on a thought, which has to come back.
const SIGNATURE: &str = "c2VhbGVk";

fn reason(said: &Said) -> &'static str {
    if said.length {
        "max_tokens"
    } else if said.calls.is_empty() {
        "end_turn"
    } else {
        "tool_use"
    }
}

fn id(index: usize) -> String {
    format!("toolu_p{index}")
}

fn usage(said: &Said) -> Value {
    json!({"input_tokens": said.input() - said.cached(), "cache_read_input_tokens": said.cached(),
        "cache_creation_input_tokens": 0, "output_tokens": said.output()})
}

fn message(content: Vec<Value>, reason: Option<&str>, usage: &Value) -> Value {
    json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "pretend", "content": content,
        "stop_reason": reason, "stop_sequence": null, "usage": usage})
}

fn blocks(said: &Said) -> Vec<Value> {
    let mut blocks = Vec::new();
    if !said.reasoning.is_empty() {
        blocks.push(json!({"type": "thinking", "thinking": said.reasoning, "signature": SIGNATURE}));
    }
    if !said.text.is_empty() {
        blocks.push(json!({"type": "text", "text": said.text}));
    }
    blocks.extend(said.calls.iter().enumerate().map(
        |(index, (name, arguments))| json!({"type": "tool_use", "id": id(index), "name": name, "input": arguments}),
    ));
    blocks
}

pub fn pieces(said: &Said) -> Vec<String> {
    let start = json!({"type": "message_start", "message": message(Vec::new(), None, &usage(&Said::default()))});
    let mut pieces = vec![named(&start), named(&json!({"type": "ping"}))];
    for (index, block) in blocks(said).into_iter().enumerate() {
        let mut head = block.clone();
        let (member, empty, kind, whole) = match block["type"].as_str() {
            Some("thinking") => ("thinking", json!(""), "thinking_delta", said.reasoning.clone()),
            Some("text") => ("text", json!(""), "text_delta", said.text.clone()),
            Some(_) | None => ("input", json!({}), "input_json_delta", block["input"].to_string()),
        };
        head[member] = empty;
        let signed = head.get("signature").is_some();
        if signed {
            head["signature"] = json!("");
        }
        pieces.push(named(&json!({"type": "content_block_start", "index": index, "content_block": head})));
        let part = if member == "input" { "partial_json" } else { member };
        let delta = |delta: Value| named(&json!({"type": "content_block_delta", "index": index, "delta": delta}));
        pieces.extend(tokens(&whole).iter().map(|token| delta(json!({"type": kind, part: token}))));
        if signed {
            pieces.push(delta(json!({"type": "signature_delta", "signature": SIGNATURE})));
        }
        pieces.push(named(&json!({"type": "content_block_stop", "index": index})));
    }
    let end = json!({"type": "message_delta", "usage": usage(said),
        "delta": {"stop_reason": reason(said), "stop_sequence": null}});
    pieces.push(named(&end) + &named(&json!({"type": "message_stop"})));
    pieces
}

pub fn whole(said: &Said) -> Value {
    message(blocks(said), Some(reason(said)), &usage(said))
}
