//! Slack as a server: an incoming webhook at `/hook` and the Web API under `/api`.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Incoming, Pace, Reply, Vendor};
use crate::limit::Window;

/// One workspace with one channel.
#[derive(Debug)]
pub struct Slack {
    /// The bot token that it takes.
    pub token: String,
    /// Messages as they stand now: `ts`, `thread_ts`, `edited` and the body.
    pub messages: Vec<Value>,
    /// Its count of messages.
    pub pace: Pace,
    next: u64,
}

/// The channel's id, whatever name was used.
const CHANNEL: &str = "C0MIDWATCH";

impl Slack {
    /// A workspace that takes `token`.
    pub fn new(token: &str) -> Self {
        Self { token: token.to_owned(), messages: Vec::new(), pace: Pace::default(), next: 1 }
    }

    fn too_fast(&mut self, incoming: &Incoming) -> bool {
        // A short burst is allowed, about one a second is the rule.
        !self.pace.admit(&[Window::new(1, Duration::from_millis(900))], None, incoming.at)
    }

    fn keep(&mut self, body: &Value) -> String {
        let ts = format!("1700000000.{:06}", self.next);
        self.next += 1;
        let mut kept = body.clone();
        kept["ts"] = ts.clone().into();
        self.messages.push(kept);
        ts
    }

    fn call(&mut self, method: &str, incoming: &Incoming) -> Reply {
        let no = |word: &str| Reply::json(&json!({"ok": false, "error": word}));
        if incoming.bearer() != Some(self.token.as_str()) {
            return no(if incoming.bearer().is_some() { "invalid_auth" } else { "not_authed" });
        }
        if self.too_fast(incoming) {
            return Reply { status: 429, ..no("ratelimited") }.with("retry-after", "1");
        }
        let body = incoming.json();
        if let Err(word) = check(&body) {
            return no(word);
        }
        match method {
            "chat.postMessage" => match body["channel"].as_str() {
                Some(CHANNEL | "#alerts") => {
                    let ts = self.keep(&body);
                    Reply::json(&json!({"ok": true, "channel": CHANNEL, "ts": ts, "message": {"text": body["text"]}}))
                }
                Some(_) | None => no("channel_not_found"),
            },
            "chat.update" => {
                if body["channel"].as_str() != Some(CHANNEL) {
                    return no("channel_not_found");
                }
                match self.messages.iter_mut().find(|m| m["ts"] == body["ts"]) {
                    Some(kept) => {
                        let ts = body["ts"].clone();
                        *kept = body;
                        kept["edited"] = true.into();
                        Reply::json(&json!({"ok": true, "channel": CHANNEL, "ts": ts, "text": kept["text"]}))
                    }
                    None => no("message_not_found"),
                }
            }
            _ => no("unknown_method"),
        }
    }
}

impl Vendor for Slack {
    fn answer(&mut self, incoming: &Incoming) -> Reply {
        if let Some(method) = incoming.uri.path().strip_prefix("/api/") {
            return self.call(method, incoming);
        }
        if incoming.uri.path() != "/hook" {
            return Reply::text(404, "no_service");
        }
        if self.too_fast(incoming) {
            return Reply::text(429, "rate_limited").with("retry-after", "1");
        }
        let body = incoming.json();
        match check(&body) {
            Ok(()) => {
                self.keep(&body);
                Reply::text(200, "ok")
            }
            Err(word) => Reply::text(400, word),
        }
    }
}

/// The documented limits of a message.
fn check(body: &Value) -> Result<(), &'static str> {
    if body.is_null() {
        return Err("invalid_payload");
    }
    let text = body["text"].as_str().unwrap_or_default();
    let blocks: Vec<&Value> = body["attachments"]
        .as_array()
        .into_iter()
        .flatten()
        .chain(std::iter::once(body))
        .filter_map(|holder| holder["blocks"].as_array())
        .flatten()
        .collect();
    if text.is_empty() && blocks.is_empty() {
        return Err("no_text");
    }
    if text.chars().count() > 40_000 {
        return Err("msg_too_long");
    }
    if blocks.len() > 50 || blocks.iter().filter(|b| b["type"] == "table").count() > 1 {
        return Err("invalid_blocks");
    }
    let total: usize = blocks.iter().map(|b| letters(b)).sum();
    if total > 13_200 {
        return Err("msg_blocks_too_long");
    }
    if blocks.iter().all(|b| block_fits(b)) { Ok(()) } else { Err("invalid_blocks") }
}

fn block_fits(block: &Value) -> bool {
    let text = |most: usize| block["text"]["text"].as_str().is_some_and(|t| (1..=most).contains(&t.chars().count()));
    match block["type"].as_str() {
        Some("header") => text(150),
        Some("section") => text(3000),
        Some("context") => block["elements"].as_array().is_some_and(|e| (1..=10).contains(&e.len())),
        Some("table") => block["rows"].as_array().is_some_and(|rows| {
            let row_fits = |row: &Value| {
                row.as_array().is_some_and(|cells| {
                    (1..=20).contains(&cells.len())
                        && cells.iter().all(|c| c["text"].as_str().is_some_and(|t| !t.is_empty()))
                })
            };
            (1..=100).contains(&rows.len()) && rows.iter().all(row_fits)
        }),
        Some("divider") => true,
        Some(_) | None => false,
    }
}

fn letters(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(list) => list.iter().map(letters).sum(),
        Value::Object(map) => map.values().map(letters).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}
