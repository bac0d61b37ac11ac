//! The scripted model in Gemini's own format. Its calls have no ids.

use serde_json::{Value, json};

use super::stream::{data, tokens};
use super::turn::Said;

/// Stands for the seal on the thought behind a call, which has to come back.
const SIGNATURE: &str = "c2VhbGVk";

fn response(parts: Vec<Value>) -> Value {
    json!({"candidates": [{"index": 0, "content": {"role": "model", "parts": parts}}],
        "modelVersion": "pretend", "responseId": "1"})
}

fn calls(said: &Said) -> Vec<Value> {
    let part = |(index, (name, arguments)): (usize, &(String, Value))| {
        let mut part = json!({"functionCall": {"name": name, "args": arguments}});
        if index == 0 {
            part["thoughtSignature"] = json!(SIGNATURE);
        }
        part
    };
    said.calls.iter().enumerate().map(part).collect()
}

/// The last event says why and how much.
fn end(mut response: Value, said: &Said) -> Value {
    response["candidates"][0]["finishReason"] = json!(if said.length { "MAX_TOKENS" } else { "STOP" });
    response["usageMetadata"] = json!({"promptTokenCount": said.input(), "cachedContentTokenCount": said.cached(),
        "candidatesTokenCount": said.output(), "totalTokenCount": said.input() + said.output()});
    response
}

fn thought(text: &str) -> Value {
    json!({"text": text, "thought": true})
}

fn text(text: &str) -> Value {
    json!({"text": text})
}

pub fn pieces(said: &Said) -> Vec<String> {
    let mut parts = vec![text("")];
    parts.extend(tokens(&said.reasoning).iter().map(|token| thought(token)));
    parts.extend(tokens(&said.text).iter().map(|token| text(token)));
    parts.extend(calls(said));
    let mut pieces: Vec<String> = parts.into_iter().map(|part| data(&response(vec![part]))).collect();
    pieces.push(data(&end(response(vec![text("")]), said)));
    pieces
}

pub fn whole(said: &Said) -> Value {
    let mut parts = Vec::new();
    if !said.reasoning.is_empty() {
        parts.push(thought(&said.reasoning));
    }
    if !said.text.is_empty() {
        parts.push(text(&said.text));
    }
    parts.extend(calls(said));
    end(response(parts), said)
}
