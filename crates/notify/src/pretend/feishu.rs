//! Feishu as a server: a group's custom bot, and the Open API calls of an app bot.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Incoming, Pace, Reply, Vendor, a_minute, card};
use crate::limit::Window;
use crate::sign;

/// One tenant: one custom bot and one app.
#[derive(Debug)]
pub struct Feishu {
    /// The custom bot's id, the last part of its address.
    pub hook: String,
    /// The custom bot's key for signatures.
    pub secret: Option<String>,
    /// A word that every message of the custom bot must hold.
    pub keyword: Option<String>,
    /// The app's id and secret.
    pub app: (String, String),
    /// Every message as it stands now, in the order of sending.
    pub messages: Vec<Message>,
    /// The custom bot's count of messages.
    pub pace: Pace,
    /// How many tokens were issued.
    pub tokens: usize,
    token: Option<(String, Timestamp)>,
    uuids: BTreeMap<String, (Timestamp, String)>,
}

/// A message in the chat.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its id.
    pub id: String,
    /// Its card as it stands now.
    pub card: Value,
    /// Every form it had, the first one first.
    pub history: Vec<Value>,
    /// When it was sent.
    pub at: Timestamp,
    /// The message that it answers.
    pub reply_to: Option<String>,
}

impl Message {
    /// The card as text.
    pub fn text(&self) -> String {
        card::text(&self.card)
    }

    /// The card as a page.
    pub fn html(&self) -> String {
        card::html(&self.card)
    }
}

impl Feishu {
    /// A tenant whose custom bot is at `/open-apis/bot/v2/hook/HOOK` and whose app is `cli_midwatch` with `app-secret`.
    pub fn new(hook: &str, secret: Option<&str>) -> Self {
        Self {
            hook: hook.to_owned(),
            secret: secret.map(str::to_owned),
            keyword: None,
            app: ("cli_midwatch".to_owned(), "app-secret".to_owned()),
            messages: Vec::new(),
            pace: Pace::default(),
            tokens: 0,
            token: None,
            uuids: BTreeMap::new(),
        }
    }

    /// Make the app's token stop working, as if it had expired early.
    pub fn revoke_token(&mut self) {
        self.token = None;
    }

    fn keep(&mut self, card: Value, at: Timestamp, reply_to: Option<String>) -> String {
        let id = format!("om_{:08}", self.messages.len() + 1);
        self.messages.push(Message { id: id.clone(), history: vec![card.clone()], card, at, reply_to });
        id
    }

    fn bot(&mut self, incoming: &Incoming, hook: &str) -> Reply {
        let windows = [a_minute(100), Window::new(5, Duration::from_secs(1))];
        if hook != self.hook {
            return said(19001, "param invalid: incoming webhook access token invalid");
        }
        if !self.pace.admit(&windows, None, incoming.at) {
            return said(11232, "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]");
        }
        if incoming.body.len() > 20 * 1024 {
            return said(9499, "Bad Request");
        }
        let body = incoming.json();
        if let Some(secret) = &self.secret {
            let stamp = body["timestamp"].as_str().and_then(|t| t.parse::<i64>().ok()).unwrap_or(0);
            let fresh = (incoming.at.as_second() - stamp).abs() <= 3600;
            if !fresh || body["sign"].as_str() != Some(sign::feishu_bot(stamp, secret).as_str()) {
                return said(19021, "sign match fail or timestamp is not within one hour from current time");
            }
        }
        if self.keyword.as_deref().is_some_and(|word| !body.to_string().contains(word)) {
            return said(19024, "Key Words Not Found");
        }
        match body["msg_type"].as_str() {
            Some("interactive") => match card::check(&body["card"]) {
                Ok(()) => {
                    self.keep(body["card"].clone(), incoming.at, None);
                    Reply::json(
                        &json!({"StatusCode": 0, "StatusMessage": "success", "code": 0, "data": {}, "msg": "success"}),
                    )
                }
                Err(fault) => fault.reply(),
            },
            Some("text") if body["content"]["text"].is_string() => {
                self.keep(body["content"].clone(), incoming.at, None);
                said(0, "success")
            }
            Some(_) | None => said(9499, "Bad Request"),
        }
    }

    fn issue_token(&mut self, incoming: &Incoming) -> Reply {
        let body = incoming.json();
        let (id, secret) = &self.app;
        if body["app_id"].as_str() != Some(id) {
            return said(10003, "invalid param");
        }
        if body["app_secret"].as_str() != Some(secret) {
            return said(10014, "app secret invalid");
        }
        // The old one stays while it has 30 minutes left.
        let left = |until: &Timestamp| until.as_second() - incoming.at.as_second();
        let (token, until) = match self.token.take() {
            Some((token, until)) if left(&until) >= 1800 => (token, until),
            Some(_) | None => {
                self.tokens += 1;
                let until = incoming.at.checked_add(jiff::SignedDuration::from_hours(2)).unwrap_or(incoming.at);
                (format!("t-pretend-{}", self.tokens), until)
            }
        };
        let expire = left(&until);
        self.token = Some((token.clone(), until));
        Reply::json(&json!({"code": 0, "msg": "ok", "tenant_access_token": token, "expire": expire}))
    }

    fn authorised(&self, incoming: &Incoming) -> bool {
        let given = incoming.bearer();
        self.token.as_ref().is_some_and(|(token, until)| given == Some(token) && *until > incoming.at)
    }

    fn open_api(&mut self, incoming: &Incoming, rest: &str) -> Reply {
        if !self.authorised(incoming) {
            return Reply {
                status: 400,
                ..said(99_991_663, "Invalid access token for authorization. Please make a test attempt")
            };
        }
        let body = incoming.json();
        let content = body["content"].as_str().unwrap_or_default();
        if content.len() > 30 * 1024 {
            return Reply { status: 400, ..said(230_025, "The length of the message content reaches its limit") };
        }
        let new_card: Value = serde_json::from_str(content).unwrap_or(Value::Null);
        if let Err(fault) = card::check(&new_card) {
            return Reply { status: 400, ..fault.reply() };
        }
        match (incoming.method.as_str(), rest.trim_start_matches('/').split('/').collect::<Vec<_>>().as_slice()) {
            ("POST", [""]) => self.send(incoming, &body, new_card, None),
            ("POST", [id, "reply"]) if self.messages.iter().any(|m| m.id == *id) => {
                self.send(incoming, &body, new_card, Some((*id).to_owned()))
            }
            ("PATCH", [id]) => self.change(incoming, id, new_card),
            ("POST", [_, "reply"]) => Reply { status: 400, ..said(230_011, "The message was withdrawn.") },
            (_, _) => Reply::text(404, "404 page not found"),
        }
    }

    fn send(&mut self, incoming: &Incoming, body: &Value, card: Value, reply_to: Option<String>) -> Reply {
        let kinds = ["chat_id", "open_id", "user_id", "union_id", "email"];
        let kind = incoming.query("receive_id_type").unwrap_or_default();
        let addressed = kinds.contains(&kind.as_str()) && body["receive_id"].as_str().is_some_and(|id| !id.is_empty());
        if reply_to.is_none() && !addressed {
            return Reply { status: 400, ..said(230_001, "Your request contains an invalid request parameter.") };
        }
        if body["msg_type"].as_str() != Some("interactive") {
            return Reply { status: 400, ..said(230_054, "This operation is not supported for this message type.") };
        }
        let uuid = body["uuid"].as_str().unwrap_or_default();
        if uuid.len() > 50 {
            return Reply { status: 400, ..said(230_001, "uuid is longer than 50 characters") };
        }
        let known = self.uuids.get(uuid).filter(|(at, _)| incoming.at.as_second() - at.as_second() < 3600);
        let id = match known {
            Some((_, id)) => id.clone(),
            None => self.keep(card, incoming.at, reply_to),
        };
        if !uuid.is_empty() {
            self.uuids.insert(uuid.to_owned(), (incoming.at, id.clone()));
        }
        let at = incoming.at.as_millisecond().to_string();
        Reply::json(&json!({"code": 0, "msg": "success", "data": {
            "message_id": id, "msg_type": "interactive", "chat_id": body["receive_id"], "create_time": at,
            "update_time": at, "deleted": false, "updated": false,
        }}))
    }

    fn change(&mut self, incoming: &Incoming, id: &str, card: Value) -> Reply {
        let Some(message) = self.messages.iter_mut().find(|m| m.id == id) else {
            return Reply { status: 400, ..said(230_011, "The message was withdrawn.") };
        };
        if incoming.at.as_second() - message.at.as_second() > 14 * 86_400 {
            return Reply { status: 400, ..said(230_031, "The message is too old to be updated.") };
        }
        if [&card, &message.card].iter().any(|c| c["config"]["update_multi"] != true) {
            return Reply {
                status: 400,
                ..said(230_099, "Failed to create card content, ext=update_multi must be true")
            };
        }
        message.history.push(card.clone());
        message.card = card;
        Reply::json(&json!({"code": 0, "msg": "success", "data": {}}))
    }
}

fn said(code: i64, text: &str) -> Reply {
    Reply::json(&json!({"code": code, "msg": text, "data": {}}))
}

impl Vendor for Feishu {
    fn answer(&mut self, incoming: &Incoming) -> Reply {
        let path = incoming.uri.path().to_owned();
        if let Some(hook) = path.strip_prefix("/open-apis/bot/v2/hook/") {
            return self.bot(incoming, hook);
        }
        if path == "/open-apis/auth/v3/tenant_access_token/internal" {
            return self.issue_token(incoming);
        }
        match path.strip_prefix("/open-apis/im/v1/messages") {
            Some(rest) => self.open_api(incoming, rest),
            None => Reply::text(404, "404 page not found"),
        }
    }
}
