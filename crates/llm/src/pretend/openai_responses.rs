//! The scripted model in OpenAI's responses.

use serde_json::{Value, json};

use super::stream::{id, named, tokens};
use super::turn::Said;

/// Stands for the seal on a thought, which has to come back.
const SEALED: &str = "c2VhbGVk";

fn items(said: &Said) -> Vec<Value> {
    let mut items = Vec::new();
    if !said.reasoning.is_empty() {
        items.push(json!({"id": "rs_1", "type": "reasoning", "encrypted_content": SEALED,
            "summary": [{"type": "summary_text", "text": said.reasoning}]}));
    }
    if !said.text.is_empty() {
        items.push(json!({"id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": said.text, "annotations": []}]}));
    }
    items.extend(said.calls.iter().enumerate().map(|(index, (name, arguments))| {
        json!({"id": format!("fc_{index}"), "type": "function_call", "call_id": id(index), "name": name,
            "arguments": arguments.to_string(), "status": "completed"})
    }));
    items
}

fn response(status: &str, output: Vec<Value>, usage: &Value) -> Value {
    json!({"id": "resp_1", "object": "response", "created_at": 1, "model": "pretend", "status": status, "error": null,
        "incomplete_details": null, "instructions": null, "metadata": {}, "output": output, "usage": usage,
        "parallel_tool_calls": true, "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0})
}

pub fn whole(said: &Said) -> Value {
    let usage = json!({"input_tokens": said.input(), "input_tokens_details": {"cached_tokens": said.cached()},
        "output_tokens": said.output(), "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": said.input() + said.output()});
    let mut whole = response(if said.length { "incomplete" } else { "completed" }, items(said), &usage);
    if said.length {
        whole["incomplete_details"] = json!({"reason": "max_output_tokens"});
    }
    whole
}

pub fn pieces(said: &Said) -> Vec<String> {
    let mut events =
        vec![json!({"type": "response.created", "response": response("in_progress", Vec::new(), &Value::Null)})];
    for (index, item) in items(said).into_iter().enumerate() {
        events.extend(item_events(index, &item, said));
    }
    let whole = whole(said);
    events.push(json!({"type": if said.length { "response.incomplete" } else { "response.completed" },
        "response": whole}));
    for (number, event) in events.iter_mut().enumerate() {
        event["sequence_number"] = json!(number);
    }
    events.iter().map(named).collect()
}

/// An item begins empty, grows, and stands there whole at its end.
fn item_events(index: usize, item: &Value, said: &Said) -> Vec<Value> {
    let mut head = item.clone();
    let event = |kind: &str, more: Value| {
        let mut event = json!({"type": kind, "item_id": item["id"], "output_index": index});
        if let (Some(event), Value::Object(more)) = (event.as_object_mut(), more) {
            event.extend(more);
        }
        event
    };
    let deltas = |kind: &str, text: &str, place: &Value| -> Vec<Value> {
        tokens(text)
            .iter()
            .map(|token| {
                let mut delta = event(kind, place.clone());
                delta["delta"] = json!(token);
                delta
            })
            .collect()
    };
    let inside = match item["type"].as_str() {
        Some("reasoning") => {
            head["summary"] = json!([]);
            if let Some(head) = head.as_object_mut() {
                head.remove("encrypted_content");
            }
            let place = json!({"summary_index": 0});
            let part = |text: &str| json!({"summary_index": 0, "part": {"type": "summary_text", "text": text}});
            let mut inside = vec![event("response.reasoning_summary_part.added", part(""))];
            inside.extend(deltas("response.reasoning_summary_text.delta", &said.reasoning, &place));
            inside.push(event("response.reasoning_summary_part.done", part(&said.reasoning)));
            inside
        }
        Some("message") => {
            head["content"] = json!([]);
            head["status"] = json!("in_progress");
            let place = json!({"content_index": 0, "logprobs": []});
            let part = |text: &str| json!({"content_index": 0, "part": {"type": "output_text", "text": text, "annotations": []}});
            let mut inside = vec![event("response.content_part.added", part(""))];
            inside.extend(deltas("response.output_text.delta", &said.text, &place));
            let text = json!({"content_index": 0, "logprobs": [], "text": said.text});
            inside.push(event("response.output_text.done", text));
            inside.push(event("response.content_part.done", part(&said.text)));
            inside
        }
        Some(_) | None => {
            head["arguments"] = json!("");
            head["status"] = json!("in_progress");
            let arguments = item["arguments"].as_str().unwrap_or_default();
            let mut inside = deltas("response.function_call_arguments.delta", arguments, &json!({}));
            let done = json!({"arguments": arguments, "name": item["name"]});
            inside.push(event("response.function_call_arguments.done", done));
            inside
        }
    };
    let mut events = vec![json!({"type": "response.output_item.added", "output_index": index, "item": head})];
    events.extend(inside);
    events.push(json!({"type": "response.output_item.done", "output_index": index, "item": item}));
    events
}
