//! Feishu / Lark app bot: sends a card once per incident and changes it in place afterwards.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::channel::{Body, Delivery, Limits, Part, Receipt, Rendered, Unit};
use crate::error::{Class, SendError};
use crate::http::{Answer, Client, send, under};
use crate::limit::Window;
use crate::message::Message;
use crate::render::{Room, feishu, json_size, shrink};
use crate::secret::{self, Secret};

/// A card of 30 KB; 5 a second in a group, shared by all its bots; 1000 a minute.
pub(crate) const LIMITS: Limits = Limits {
    unit: Unit::Bytes,
    max: 30_000,
    windows: &[Window::new(900, Duration::from_secs(60)), Window::new(4, Duration::from_millis(1200))],
    punishment: None,
};
const BUDGET: usize = 28_000;
/// A new token is issued only when the old one has less than 30 minutes left.
const REFRESH_AT: SignedDuration = SignedDuration::from_mins(25);

/// Feishu or Lark, app bot.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FeishuApp {
    /// The app's id (`cli_…`).
    pub app_id: String,
    /// The app's secret.
    pub app_secret: Option<Secret>,
    /// A file with the app's secret.
    pub app_secret_file: Option<PathBuf>,
    /// Who gets the messages: a chat's id (`oc_…`), a user's (`ou_…`), or an e-mail address.
    pub receive_id: String,
    /// The kind of `receive_id`: `chat_id`, `open_id`, `user_id`, `union_id` or `email`.
    #[serde(default = "chat_id")]
    pub receive_id_type: String,
    /// The API's address; `https://open.larksuite.com` for Lark.
    #[serde(default = "feishu")]
    pub base_url: String,
    #[serde(skip)]
    #[schemars(skip)]
    token: Arc<Mutex<Option<Token>>>,
}

fn chat_id() -> String {
    "chat_id".to_owned()
}

fn feishu() -> String {
    "https://open.feishu.cn".to_owned()
}

#[derive(Clone)]
struct Token {
    value: String,
    refresh_at: Timestamp,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "*** until {}", self.refresh_at)
    }
}

/// How a failed call goes on.
enum Refused {
    /// The token is no longer good: get a new one and try once more.
    Token,
    /// The message cannot be changed any more: send a new one.
    Gone,
    Error(SendError),
}

impl FeishuApp {
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut found: Vec<String> =
            secret::problem("app_secret", self.app_secret.as_ref(), self.app_secret_file.as_deref(), true)
                .into_iter()
                .collect();
        if self.app_id.trim().is_empty() {
            found.push("app_id is empty".to_owned());
        }
        if self.receive_id.trim().is_empty() {
            found.push("receive_id is empty".to_owned());
        }
        let kinds = ["chat_id", "open_id", "user_id", "union_id", "email"];
        if !kinds.contains(&self.receive_id_type.as_str()) {
            found.push(format!("receive_id_type {:?} is none of {}", self.receive_id_type, kinds.join(", ")));
        }
        found.extend(under("base_url", &self.base_url, "").err().map(|e| e.text));
        found
    }

    pub(crate) fn target(&self) -> String {
        format!("feishu_app:{}:{}", self.app_id, self.receive_id)
    }

    pub(crate) fn render(&self, message: &Message, room: Room) -> Rendered {
        let encode = |m: &Message| feishu::card(m, room);
        let (body, cuts) = shrink::fit(message, encode, |body| json_size(body) <= room.of(BUDGET));
        Rendered { parts: vec![Part { size: json_size(&body), body: Body::Json(body) }], cuts }
    }

    pub(crate) async fn send(
        &self,
        client: &Client,
        rendered: &Rendered,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Receipt, SendError> {
        let Some((_, card)) = rendered.json_parts(0).next() else {
            return Err(SendError::new(Class::Dead, "nothing rendered"));
        };
        match self.try_send(client, card, delivery, now).await {
            Ok(receipt) => Ok(receipt),
            Err(Refused::Token) => {
                *self.cached() = None;
                self.try_send(client, card, delivery, now).await.map_err(|refused| match refused {
                    Refused::Token => SendError::config("Feishu refuses a token that it has just issued"),
                    Refused::Gone => SendError::new(Class::Dead, "the message cannot be changed any more"),
                    Refused::Error(error) => error,
                })
            }
            Err(Refused::Gone) => Err(SendError::new(Class::Dead, "the message cannot be changed any more")),
            Err(Refused::Error(error)) => Err(error),
        }
    }

    async fn try_send(
        &self,
        client: &Client,
        card: &Value,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Receipt, Refused> {
        let content = card.to_string();
        // At most 50 characters; makes a second try harmless for an hour.
        let uuid = crate::channel::fingerprint("mw", &delivery.id);
        let Some(previous) = delivery.previous.as_ref().filter(|p| !p.id.is_empty()) else {
            return self.post_new(client, &content, &uuid, now).await;
        };
        let path = format!("open-apis/im/v1/messages/{}", path_segment(&previous.id));
        let done = if delivery.reply {
            let body = json!({"content": content, "msg_type": "interactive", "reply_in_thread": true, "uuid": uuid});
            self.call(client, Method::POST, &format!("{path}/reply"), &body, now).await
        } else {
            self.call(client, Method::PATCH, &path, &json!({"content": content}), now).await
        };
        match done {
            Ok(_) => Ok(previous.clone()),
            Err(Refused::Gone) => self.post_new(client, &content, &uuid, now).await,
            Err(refused) => Err(refused),
        }
    }

    async fn post_new(&self, client: &Client, content: &str, uuid: &str, now: Timestamp) -> Result<Receipt, Refused> {
        let path = format!("open-apis/im/v1/messages?receive_id_type={}", path_segment(&self.receive_id_type));
        let body = json!({"receive_id": self.receive_id, "msg_type": "interactive", "content": content, "uuid": uuid});
        let answer = self.call(client, Method::POST, &path, &body, now).await?;
        Ok(Receipt { id: answer["data"]["message_id"].as_str().unwrap_or_default().to_owned() })
    }

    async fn call(
        &self,
        client: &Client,
        method: Method,
        path: &str,
        body: &Value,
        now: Timestamp,
    ) -> Result<Value, Refused> {
        let token = self.token(client, now).await.map_err(Refused::Error)?;
        let url = under("base_url", &self.base_url, path).map_err(Refused::Error)?;
        let request = client.request(method, url).bearer_auth(token).json(body);
        let answer = send(request, now).await.map_err(Refused::Error)?;
        verdict(&answer)
    }

    /// The app's token, from the cache while it is good for a while.
    async fn token(&self, client: &Client, now: Timestamp) -> Result<String, SendError> {
        if let Some(token) = self.cached().as_ref().filter(|t| t.refresh_at > now) {
            return Ok(token.value.clone());
        }
        let key = secret::required("app_secret", self.app_secret.as_ref(), self.app_secret_file.as_deref())?;
        let url = under("base_url", &self.base_url, "open-apis/auth/v3/tenant_access_token/internal")?;
        let answer = client.post(url, &json!({"app_id": self.app_id, "app_secret": key}), now).await?;
        let body = answer.json();
        match (body["code"].as_i64(), body["tenant_access_token"].as_str()) {
            (Some(0), Some(value)) => {
                let life = SignedDuration::from_secs(body["expire"].as_i64().unwrap_or(7200).clamp(0, 86_400));
                let refresh_at = now.checked_add(life.saturating_sub(REFRESH_AT)).unwrap_or(now);
                *self.cached() = Some(Token { value: value.to_owned(), refresh_at });
                Ok(value.to_owned())
            }
            (Some(code), _) => match verdict(&answer) {
                Err(Refused::Error(error)) if !matches!(error.class, Class::Dead) => Err(error),
                Ok(_) | Err(_) => {
                    let said = body["msg"].as_str().unwrap_or_default();
                    Err(SendError::config(format!("Feishu {code}: {said} (check app_id and app_secret)")))
                }
            },
            (None, _) => Err(answer.error_by_status().unwrap_or_else(|| answer.unexpected())),
        }
    }

    fn cached(&self) -> std::sync::MutexGuard<'_, Option<Token>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn path_segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string().replace("%5F", "_")
}

fn verdict(answer: &Answer) -> Result<Value, Refused> {
    let body = answer.json();
    let Some(code) = body["code"].as_i64() else {
        return Err(Refused::Error(answer.error_by_status().unwrap_or_else(|| answer.unexpected())));
    };
    let said = body["msg"].as_str().unwrap_or_default();
    let class = match code {
        0 => return Ok(body),
        99_991_661 | 99_991_663 | 99_991_664 | 99_991_668 | 99_991_671 | 99_991_677 => {
            return Err(Refused::Token);
        }
        // Withdrawn, older than 14 days, deleted, edited too often, or sent by somebody else.
        230_011 | 230_017 | 230_031 | 230_072 | 230_110 => return Err(Refused::Gone),
        99_991_400 | 230_020 | 11_232 => {
            Class::RateLimited { pause: answer.retry_after.unwrap_or(Duration::from_secs(5)) }
        }
        230_025 | 200_860 => Class::TooLong,
        230_099 if said.contains("11310") || said.contains("exceed") || said.contains("limit") => Class::TooLong,
        // The message is on its way already.
        230_049 => Class::Retry { after: None },
        230_002 | 230_006 | 230_013 | 230_018 | 230_027 | 230_029 | 230_034 | 230_035 | 230_038 | 230_053 => {
            Class::Config
        }
        232_009 | 99_991_672 | 99_991_679 | 10_003 | 10_014 | 99_991_543 => Class::Config,
        _ => match answer.error_by_status().map(|e| e.class) {
            Some(class @ (Class::Retry { .. } | Class::RateLimited { .. } | Class::TooLong | Class::Config)) => class,
            Some(Class::Dead) | None => Class::Dead,
        },
    };
    let text = format!("Feishu {code}: {}", crate::render::clean::middle_cut(said, 200));
    Err(Refused::Error(SendError::new(class, text)))
}
