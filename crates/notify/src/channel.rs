//! Every channel there is: what it can do, how a message becomes its body, how the body goes out.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::console::Console;
use crate::dingtalk_bot::DingtalkBot;
use crate::email::Email;
use crate::error::SendError;
use crate::feishu_app::FeishuApp;
use crate::feishu_bot::FeishuBot;
use crate::http::Client;
use crate::limit::Window;
use crate::message::Message;
use crate::render::{Cut, Room};
use crate::slack::Slack;
use crate::webhook::Webhook;
use crate::wecom_bot::WecomBot;

/// A channel: its configuration and its client in one.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Channel {
    /// Feishu or Lark, custom bot of a group.
    FeishuBot(FeishuBot),
    /// Feishu or Lark, app bot: the card is updated in place.
    FeishuApp(FeishuApp),
    /// WeCom (企业微信), bot of a group.
    WecomBot(WecomBot),
    /// DingTalk (钉钉), robot of a group.
    DingtalkBot(DingtalkBot),
    /// Slack, by incoming webhook or as an app.
    Slack(Slack),
    /// E-mail over SMTP.
    Email(Email),
    /// Our JSON to an address of yours, signed as Standard Webhooks asks.
    Webhook(Webhook),
    /// A card on the terminal.
    Console(Console),
}

/// What a channel's limits are counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes of the encoded body in UTF-8.
    Bytes,
    /// Characters.
    Characters,
}

/// What a channel takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The unit of `max`.
    pub unit: Unit,
    /// The most that one body may hold.
    pub max: usize,
    /// The pace for one robot. A little under the vendor's, because messages sent evenly may arrive unevenly.
    pub windows: &'static [Window],
    /// How long the vendor silences a robot that is too fast.
    pub punishment: Option<Duration>,
}

/// A message in a channel's own form.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendered {
    /// What is sent, one request each. All count against the robot's pace.
    pub parts: Vec<Part>,
    /// What was left out to fit.
    pub cuts: Vec<Cut>,
}

/// One request of a rendered message.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The body, without what depends on the moment (time stamp, signature).
    pub body: Body,
    /// Its size in the channel's unit, with room for what is added when it is sent.
    pub size: usize,
}

/// The body of one request.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// For an HTTP interface.
    Json(Value),
    /// For a mail server.
    Mail(crate::email::Letter),
    /// For a terminal.
    Text(String),
}

/// Which message this is, for those who get it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The same on each try: receivers drop a second one with the same id where they can.
    pub id: String,
    /// The incident's key.
    pub thread: String,
    /// 0 for the incident's first message.
    pub revision: u32,
    /// What the incident's first message came back with.
    pub previous: Option<Receipt>,
    /// Where the channel could do both: answer under the first message instead of changing it.
    pub reply: bool,
    /// Parts that were taken on an earlier try.
    pub skip: usize,
}

/// What a channel gave back: keep it for the next message of the incident.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The channel's id of the message; empty if it gives none.
    pub id: String,
}

impl Channel {
    /// Problems with the configuration that can be seen without the network.
    pub fn problems(&self) -> Vec<String> {
        match self {
            Self::FeishuBot(c) => c.problems(),
            Self::FeishuApp(c) => c.problems(),
            Self::WecomBot(c) => c.problems(),
            Self::DingtalkBot(c) => c.problems(),
            Self::Slack(c) => c.problems(),
            Self::Email(c) => c.problems(),
            Self::Webhook(c) => c.problems(),
            Self::Console(_) => vec![],
        }
    }

    /// The `type` that the configuration calls it by.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::FeishuBot(_) => "feishu_bot",
            Self::FeishuApp(_) => "feishu_app",
            Self::WecomBot(_) => "wecom_bot",
            Self::DingtalkBot(_) => "dingtalk_bot",
            Self::Slack(_) => "slack",
            Self::Email(_) => "email",
            Self::Webhook(_) => "webhook",
            Self::Console(_) => "console",
        }
    }

    /// What the channel takes.
    pub fn limits(&self) -> Limits {
        match self {
            Self::FeishuBot(_) => crate::feishu_bot::LIMITS,
            Self::FeishuApp(_) => crate::feishu_app::LIMITS,
            Self::WecomBot(_) => crate::wecom_bot::LIMITS,
            Self::DingtalkBot(_) => crate::dingtalk_bot::LIMITS,
            Self::Slack(_) => crate::slack::LIMITS,
            Self::Email(_) => crate::email::LIMITS,
            Self::Webhook(_) => crate::webhook::LIMITS,
            Self::Console(_) => crate::console::LIMITS,
        }
    }

    /// Whether a later message can replace the first one in place.
    pub fn can_update(&self) -> bool {
        match self {
            Self::FeishuApp(_) => true,
            Self::Slack(c) => c.is_app(),
            Self::FeishuBot(_) | Self::WecomBot(_) | Self::DingtalkBot(_) => false,
            Self::Email(_) | Self::Webhook(_) | Self::Console(_) => false,
        }
    }

    /// A name for the robot behind the channel, without its secret: two channels with the same one share its pace.
    pub fn target(&self) -> String {
        match self {
            Self::FeishuBot(c) => c.target(),
            Self::FeishuApp(c) => c.target(),
            Self::WecomBot(c) => c.target(),
            Self::DingtalkBot(c) => c.target(),
            Self::Slack(c) => c.target(),
            Self::Email(c) => c.target(),
            Self::Webhook(c) => c.target(),
            Self::Console(_) => "console".to_owned(),
        }
    }

    /// The message in the channel's form, within its limits.
    pub fn render(&self, message: &Message) -> Rendered {
        self.render_in(message, Room::Full)
    }

    /// As [`Channel::render`], in half the room and without tables: after the channel said that it is too much.
    pub fn render_smaller(&self, message: &Message) -> Rendered {
        self.render_in(message, Room::Half)
    }

    fn render_in(&self, message: &Message, room: Room) -> Rendered {
        match self {
            Self::FeishuBot(c) => c.render(message, room),
            Self::FeishuApp(c) => c.render(message, room),
            Self::WecomBot(c) => c.render(message, room),
            Self::DingtalkBot(c) => c.render(message, room),
            Self::Slack(c) => c.render(message, room),
            Self::Email(c) => c.render(message, room),
            Self::Webhook(c) => c.render(message, room),
            Self::Console(c) => c.render(message, room),
        }
    }

    /// Send what [`Channel::render`] made. Takes 15 s a request at the longest; the caller keeps the pace.
    pub async fn send(
        &self,
        client: &Client,
        rendered: &Rendered,
        delivery: &Delivery,
        now: Timestamp,
    ) -> Result<Receipt, SendError> {
        match self {
            Self::FeishuBot(c) => c.send(client, rendered, delivery, now).await,
            Self::FeishuApp(c) => c.send(client, rendered, delivery, now).await,
            Self::WecomBot(c) => c.send(client, rendered, delivery, now).await,
            Self::DingtalkBot(c) => c.send(client, rendered, delivery, now).await,
            Self::Slack(c) => c.send(client, rendered, delivery, now).await,
            Self::Email(c) => c.send(rendered, delivery, now).await,
            Self::Webhook(c) => c.send(client, rendered, delivery, now).await,
            Self::Console(c) => c.send(rendered, delivery),
        }
    }
}

impl Rendered {
    /// The JSON bodies that are still to be sent, each with its place.
    pub(crate) fn json_parts(&self, skip: usize) -> impl Iterator<Item = (usize, &Value)> {
        self.parts.iter().enumerate().skip(skip).filter_map(|(place, part)| match &part.body {
            Body::Json(body) => Some((place, body)),
            Body::Mail(_) | Body::Text(_) => None,
        })
    }
}

/// A short name for a secret address: its host and a hash, so that it can be told from others and not be used.
pub(crate) fn fingerprint(kind: &str, address: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, address.as_bytes());
    let hex: String = digest.as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("{kind}:{hex}")
}
