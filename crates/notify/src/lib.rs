//! Say something somewhere: a message tree, one renderer and sender a channel.
//!
//! ```text
//! Message --render--> Rendered --send--> Receipt | SendError
//! ```
//!
//! The caller keeps what has to survive (outbox, receipts) and the pace ([`Limiter`]); this crate knows the channels.

mod channel;
mod console;
mod dingtalk_bot;
mod email;
mod error;
mod feishu_app;
mod feishu_bot;
mod http;
mod limit;
mod message;
#[cfg(feature = "pretend")]
pub mod pretend;
mod render;
mod secret;
pub mod sign;
mod slack;
mod webhook;
mod wecom_bot;

pub use channel::{Body, Channel, Delivery, Limits, Part, Receipt, Rendered, Unit};
pub use console::Console;
pub use dingtalk_bot::DingtalkBot;
pub use email::{Email, Encryption, Letter};
pub use error::{Class, SendError};
pub use feishu_app::FeishuApp;
pub use feishu_bot::FeishuBot;
pub use http::{Client, ClientError};
pub use limit::{Limiter, Window};
pub use message::{Block, Inline, Keep, Lang, Link, Mention, Message, Piece, Section, Severity, Status};
pub use render::Cut;
pub use render::html::page as html;
pub use render::wecom::markdown;
pub use secret::{Secret, optional as secret_value};
pub use slack::Slack;
pub use webhook::Webhook;
pub use wecom_bot::{WecomBot, WecomStyle};
