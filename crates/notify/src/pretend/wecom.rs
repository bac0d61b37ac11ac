//! WeCom's group bot as a server.

use serde_json::{Value, json};

use super::{Incoming, Pace, Reply, Vendor, a_minute};

/// One bot with its key.
#[derive(Debug)]
pub struct Wecom {
    /// The key in the address.
    pub key: String,
    /// Bodies of accepted messages.
    pub messages: Vec<Value>,
    /// Its count of messages.
    pub pace: Pace,
}

impl Wecom {
    /// A bot whose address is `/cgi-bin/webhook/send?key=KEY`.
    pub fn new(key: &str) -> Self {
        Self { key: key.to_owned(), messages: Vec::new(), pace: Pace::default() }
    }
}

fn said(code: i64, text: &str) -> Reply {
    Reply::json(&json!({"errcode": code, "errmsg": text}))
}

impl Vendor for Wecom {
    fn answer(&mut self, incoming: &Incoming) -> Reply {
        if incoming.uri.path() != "/cgi-bin/webhook/send" {
            return Reply::text(404, "not found");
        }
        if incoming.query("key").as_deref() != Some(self.key.as_str()) {
            return said(93000, "invalid webhook url");
        }
        if !self.pace.admit(&[a_minute(20)], None, incoming.at) {
            return said(45009, "api freq out of limit");
        }
        let body = incoming.json();
        let kind = body["msgtype"].as_str().unwrap_or_default();
        let limit = match kind {
            "text" => 2048,
            "markdown" | "markdown_v2" => 4096,
            _ => return said(40008, "invalid message type"),
        };
        let Some(content) = body[kind]["content"].as_str().filter(|c| !c.is_empty()) else {
            return said(44004, "empty content");
        };
        if content.len() > limit {
            return said(40058, &format!("{kind}.content exceed max length {limit}. invalid Request Parameter"));
        }
        self.messages.push(body);
        said(0, "ok")
    }
}
