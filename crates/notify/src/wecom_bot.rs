//! WeCom (企业微信) bot of a group. Its address is its secret; mentions of `markdown_v2` need a second, plain message.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::channel::{Body, Delivery, Limits, Part, Receipt, Rendered, Unit, fingerprint};
use crate::error::{Class, SendError};
use crate::http::{Answer, Client, address};
use crate::limit::Window;
use crate::message::{Keep, Mention, Message};
use crate::render::{Cut, Room, is_handle, shrink, wecom};
use crate::secret::{self, Secret};

/// The vendor's 4096 bytes of content and 20 a minute.
pub(crate) const LIMITS: Limits =
    Limits { unit: Unit::Bytes, max: 4096, windows: &[Window::new(18, Duration::from_secs(62))], punishment: None };
const BUDGET: usize = 3800;

/// WeCom, bot of a group.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WecomBot {
    /// The bot's webhook address with its key.
    pub url: Option<Secret>,
    /// A file with the webhook address.
    pub url_file: Option<PathBuf>,
    /// Which Markdown to write.
    #[serde(default)]
    pub style: WecomStyle,
}

/// WeCom has two kinds of Markdown; neither can do everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WecomStyle {
    /// Colour and mentions, no tables and no code blocks; every client shows it.
    #[default]
    Markdown,
    /// Tables and code blocks, no colour; clients before 4.1.36 show it as plain text.
    MarkdownV2,
}

impl WecomBot {
    pub(crate) fn problems(&self) -> Vec<String> {
        secret::problem("url", self.url.as_ref(), self.url_file.as_deref(), true).into_iter().collect()
    }

    fn url(&self) -> Result<String, SendError> {
        secret::required("url", self.url.as_ref(), self.url_file.as_deref())
    }

    pub(crate) fn target(&self) -> String {
        fingerprint("wecom_bot", &self.url().unwrap_or_default())
    }

    pub(crate) fn render(&self, message: &Message, room: Room) -> Rendered {
        let budget = room.of(BUDGET);
        let fits = |content: &String| content.len() <= budget;
        let (whole, cuts) = shrink::fit(message, |m| self.content(m), fits);
        let mut rendered = Rendered { parts: vec![], cuts };
        let mut contents = vec![whole];
        if room == Room::Full
            && rendered.cuts.iter().any(loses_content)
            && let Some((halves, cuts)) = self.in_two(message)
        {
            contents = halves;
            rendered.cuts = cuts;
        }
        rendered.parts = contents.into_iter().map(|content| self.part(content)).collect();
        rendered.parts.extend(calls(&message.mentions));
        rendered
    }

    /// Two messages, each whole but for logs; `None` if two do not hold it either.
    fn in_two(&self, message: &Message) -> Option<(Vec<String>, Vec<Cut>)> {
        let mut contents = Vec::new();
        let mut cuts = Vec::new();
        for half in shrink::halves(message)? {
            let (content, cut) = shrink::fit(&half, |m| self.content(m), |content| content.len() <= BUDGET);
            if cut.iter().any(loses_content) {
                return None;
            }
            contents.push(content);
            cuts.extend(cut);
        }
        Some((contents, cuts))
    }

    fn content(&self, message: &Message) -> String {
        match self.style {
            WecomStyle::Markdown => wecom::coloured(message),
            WecomStyle::MarkdownV2 => wecom::tabular(message),
        }
    }

    fn part(&self, content: String) -> Part {
        let size = content.len();
        let kind = match self.style {
            WecomStyle::Markdown => "markdown",
            WecomStyle::MarkdownV2 => "markdown_v2",
        };
        Part { size, body: Body::Json(json!({"msgtype": kind, kind: {"content": content}})) }
    }

    pub(crate) async fn send(
        &self,
        client: &Client,
        rendered: &Rendered,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Receipt, SendError> {
        let url = address("url", &self.url()?)?;
        for (place, body) in rendered.json_parts(delivery.skip) {
            let answer = client.post(url.clone(), body, now).await;
            answer.and_then(|a| verdict(&a)).map_err(|e| e.after_parts(place))?;
        }
        Ok(Receipt { id: String::new() })
    }
}

/// Two messages are better than one that loses more than logs.
fn loses_content(cut: &Cut) -> bool {
    !matches!(cut, Cut::LogLines(_) | Cut::Drop(Keep::Log))
}

/// The plain message that calls people.
fn calls(mentions: &[Mention]) -> Option<Part> {
    let mut users: Vec<&str> = Vec::new();
    let mut mobiles: Vec<&str> = Vec::new();
    for mention in mentions {
        match mention {
            Mention::Everyone => users.push("@all"),
            Mention::User(id) if is_handle(id) => users.push(id),
            Mention::Mobile(number) if is_handle(number) => mobiles.push(number),
            Mention::User(_) | Mention::Mobile(_) | Mention::Email(_) => {}
        }
    }
    if users.is_empty() && mobiles.is_empty() {
        return None;
    }
    let content = "↑";
    let text = json!({"content": content, "mentioned_list": users, "mentioned_mobile_list": mobiles});
    Some(Part { size: content.len(), body: Body::Json(json!({"msgtype": "text", "text": text})) })
}

fn verdict(answer: &Answer) -> Result<(), SendError> {
    let body: Value = answer.json();
    let Some(code) = body["errcode"].as_i64() else {
        return Err(answer.error_by_status().unwrap_or_else(|| answer.unexpected()));
    };
    let class = match code {
        0 => return Ok(()),
        -1 => Class::Retry { after: answer.retry_after },
        45009 => Class::RateLimited { pause: Duration::from_secs(60) },
        40058 => Class::TooLong,
        93000 => Class::Config,
        _ => Class::Dead,
    };
    let said = body["errmsg"].as_str().unwrap_or_default();
    Err(SendError::new(class, format!("WeCom {code}: {}", crate::render::clean::middle_cut(said, 200))))
}
