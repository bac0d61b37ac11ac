//! Slack: an incoming webhook, or the Web API, where a later message replaces the first one.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::channel::{Body, Delivery, Limits, Part, Receipt, Rendered, Unit, fingerprint};
use crate::error::{Class, SendError};
use crate::http::{Answer, Client, address, send, under};
use crate::limit::Window;
use crate::message::Message;
use crate::render::slack::{body, characters, shape_fits};
use crate::render::{Room, clean, shrink};
use crate::secret::{self, Secret};

/// About 13 000 characters over all blocks and one message a second.
pub(crate) const LIMITS: Limits = Limits {
    unit: Unit::Characters,
    max: 13_000,
    windows: &[Window::new(1, Duration::from_millis(1200))],
    punishment: None,
};
const BUDGET: usize = 12_000;

/// Slack, by incoming webhook (`url`) or as an app (`token` and `channel`).
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Slack {
    /// The incoming webhook's address. Holds its key.
    pub url: Option<Secret>,
    /// A file with the incoming webhook's address.
    pub url_file: Option<PathBuf>,
    /// The app's bot token (`xoxb-…`).
    pub token: Option<Secret>,
    /// A file with the bot token.
    pub token_file: Option<PathBuf>,
    /// With a token: the channel's id or `#name`.
    pub channel: Option<String>,
    /// The Web API's address.
    #[serde(default = "slack")]
    pub base_url: String,
}

fn slack() -> String {
    "https://slack.com/api".to_owned()
}

impl Slack {
    /// Whether it speaks the Web API.
    pub(crate) fn is_app(&self) -> bool {
        self.token.is_some() || self.token_file.is_some()
    }

    pub(crate) fn problems(&self) -> Vec<String> {
        if !self.is_app() {
            return secret::problem("url", self.url.as_ref(), self.url_file.as_deref(), true)
                .map(|text| format!("{text} (or token and channel)"))
                .into_iter()
                .collect();
        }
        let mut found: Vec<String> =
            secret::problem("token", self.token.as_ref(), self.token_file.as_deref(), true).into_iter().collect();
        if self.url.is_some() || self.url_file.is_some() {
            found.push("set url or token, not both".to_owned());
        }
        if self.channel.as_deref().unwrap_or_default().trim().is_empty() {
            found.push("set channel: a token alone does not say where to".to_owned());
        }
        found.extend(under("base_url", &self.base_url, "").err().map(|e| e.text));
        found
    }

    pub(crate) fn target(&self) -> String {
        match &self.channel {
            Some(channel) if self.is_app() => format!("slack:{channel}"),
            Some(_) | None => {
                let url = secret::optional("url", self.url.as_ref(), self.url_file.as_deref());
                fingerprint("slack", &url.ok().flatten().unwrap_or_default())
            }
        }
    }

    pub(crate) fn render(&self, message: &Message, room: Room) -> Rendered {
        let fits = |body: &Value| characters(body) <= room.of(BUDGET) && shape_fits(body);
        let (body, cuts) = shrink::fit(message, |m| body(m, room), fits);
        Rendered { parts: vec![Part { size: characters(&body), body: Body::Json(body) }], cuts }
    }

    pub(crate) async fn send(
        &self,
        client: &Client,
        rendered: &Rendered,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Receipt, SendError> {
        let Some((_, body)) = rendered.json_parts(0).next() else {
            return Err(SendError::new(Class::Dead, "nothing rendered"));
        };
        if self.is_app() {
            return self.send_as_app(client, body, delivery, now).await;
        }
        let url = address("url", &secret::required("url", self.url.as_ref(), self.url_file.as_deref())?)?;
        webhook_verdict(&client.post(url, body, now).await?)?;
        Ok(Receipt { id: String::new() })
    }

    async fn send_as_app(
        &self,
        client: &Client,
        body: &Value,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Receipt, SendError> {
        let token = secret::required("token", self.token.as_ref(), self.token_file.as_deref())?;
        let call = async |method: &str, body: &Value| {
            let plain = |error| (error, String::new());
            let url = under("base_url", &self.base_url, method).map_err(plain)?;
            let request = client.request(Method::POST, url).bearer_auth(&token).json(body);
            api_verdict(&send(request, now).await.map_err(plain)?)
        };
        let mut body = body.clone();
        let first = delivery.previous.as_ref().and_then(|p| p.id.split_once(' '));
        if let Some((channel, stamp)) = first {
            body["channel"] = channel.into();
            let (method, field) =
                if delivery.reply { ("chat.postMessage", "thread_ts") } else { ("chat.update", "ts") };
            body[field] = stamp.into();
            match call(method, &body).await {
                Ok(_) => {
                    return Ok(Receipt { id: format!("{channel} {stamp}") });
                }
                Err((_, word)) if GONE.contains(&word.as_str()) => {
                    if let Some(fields) = body.as_object_mut() {
                        fields.remove(field);
                    }
                }
                Err((error, _)) => return Err(error),
            }
        }
        body["channel"] = self.channel.clone().unwrap_or_default().into();
        let answer = call("chat.postMessage", &body).await.map_err(|(error, _)| error)?;
        let part = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
        // `chat.update` wants the channel's id, which the answer tells, and not its name.
        Ok(Receipt { id: format!("{} {}", part("channel"), part("ts")) })
    }
}

/// Words for a message that can no longer be changed: a new one is sent instead.
const GONE: &[&str] = &["message_not_found", "cant_update_message", "edit_window_closed", "thread_not_found"];

fn classify(word: &str, answer: &Answer) -> Class {
    match word {
        "ratelimited" | "rate_limited" | "message_limit_exceeded" => {
            Class::RateLimited { pause: answer.retry_after.unwrap_or(Duration::from_secs(30)) }
        }
        "fatal_error" | "internal_error" | "service_unavailable" | "request_timeout" | "rollup_error" => {
            Class::Retry { after: answer.retry_after }
        }
        "msg_too_long" | "msg_blocks_too_long" | "invalid_blocks" | "invalid_blocks_format" | "invalid_attachments" => {
            Class::TooLong
        }
        "invalid_auth"
        | "not_authed"
        | "token_revoked"
        | "token_expired"
        | "account_inactive"
        | "missing_scope"
        | "channel_not_found"
        | "is_archived"
        | "channel_is_archived"
        | "not_in_channel"
        | "no_service"
        | "no_active_hooks"
        | "no_team"
        | "team_disabled"
        | "invalid_token"
        | "action_prohibited"
        | "posting_to_general_channel_denied"
        | "restricted_action"
        | "ekm_access_denied" => Class::Config,
        _ => Class::Dead,
    }
}

fn webhook_verdict(answer: &Answer) -> Result<(), SendError> {
    let Some(by_status) = answer.error_by_status() else {
        // Anything but "ok" with 200 is not Slack: a proxy's or login page.
        return if answer.text.trim() == "ok" { Ok(()) } else { Err(answer.unexpected()) };
    };
    let word = answer.text.trim();
    let class = match classify(word, answer) {
        Class::Dead => by_status.class,
        known @ (Class::Retry { .. } | Class::RateLimited { .. } | Class::TooLong | Class::Config) => known,
    };
    Err(SendError::new(class, format!("Slack {}: {}", answer.status, answer.excerpt())))
}

fn api_verdict(answer: &Answer) -> Result<Value, (SendError, String)> {
    let body = answer.json();
    match (body["ok"].as_bool(), answer.error_by_status()) {
        (Some(true), None) => Ok(body),
        (Some(false), _) => {
            let word = body["error"].as_str().unwrap_or("unknown").to_owned();
            let text = format!("Slack: {}", clean::middle_cut(&word, 100));
            Err((SendError::new(classify(&word, answer), text), word))
        }
        (_, Some(error)) => Err((error, String::new())),
        (None, None) => Err((answer.unexpected(), String::new())),
    }
}
