//! DingTalk's group robot as a server: twenty messages a minute, then ten minutes of silence.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Incoming, Pace, Reply, Vendor, a_minute};
use crate::sign;

/// One robot.
#[derive(Debug)]
pub struct Dingtalk {
    /// The `access_token` in the address.
    pub token: String,
    /// The key for signatures, if it asks for them.
    pub secret: Option<String>,
    /// A word that every message must hold.
    pub keyword: Option<String>,
    /// Bodies of accepted messages.
    pub messages: Vec<Value>,
    /// Its count of messages.
    pub pace: Pace,
}

impl Dingtalk {
    /// A robot whose address is `/robot/send?access_token=TOKEN`.
    pub fn new(token: &str, secret: Option<&str>) -> Self {
        let secret = secret.map(str::to_owned);
        Self { token: token.to_owned(), secret, keyword: None, messages: Vec::new(), pace: Pace::default() }
    }

    fn signed(&self, incoming: &Incoming) -> bool {
        let Some(secret) = &self.secret else {
            return true;
        };
        let stamp = incoming.query("timestamp").and_then(|t| t.parse::<i64>().ok()).unwrap_or(0);
        let fresh = (incoming.at.as_millisecond() - stamp).abs() <= 3_600_000;
        let wanted = format!("sign={}", sign::dingtalk(stamp, secret));
        fresh && incoming.uri.query().is_some_and(|q| q.split('&').any(|pair| pair == wanted))
    }
}

fn said(code: i64, text: &str) -> Reply {
    Reply::json(&json!({"errcode": code, "errmsg": text}))
}

impl Vendor for Dingtalk {
    fn answer(&mut self, incoming: &Incoming) -> Reply {
        if incoming.uri.path() != "/robot/send" {
            return Reply::text(404, "not found");
        }
        if incoming.query("access_token").as_deref() != Some(self.token.as_str()) {
            return said(300_005, "token is not exist");
        }
        if !self.pace.admit(&[a_minute(20)], Some(Duration::from_secs(600)), incoming.at) {
            return Reply::json(&json!({"status": 1111, "wait": 5, "source": "x5", "punish": "deny"}));
        }
        if !self.signed(incoming) {
            return said(310_000, "sign not match");
        }
        if incoming.body.len() > 20_000 {
            return said(460_101, "message too long");
        }
        let body = incoming.json();
        let title = body["markdown"]["title"].as_str().unwrap_or_default();
        let text = body["markdown"]["text"].as_str().unwrap_or_default();
        if body["msgtype"].as_str() != Some("markdown") || title.is_empty() || text.is_empty() {
            return said(40035, "param error");
        }
        if self.keyword.as_deref().is_some_and(|word| !text.contains(word)) {
            return said(310_000, "keywords not in content");
        }
        self.messages.push(body);
        said(0, "ok")
    }
}
