//! Channels: with a test message where one may be sent, else by their configuration only.

use diagnose::Lang;
use jiff::Timestamp;
use notify::{Block, Channel, Client, Delivery, Keep, Message, Section, Severity, Status};

use super::{Line, bad, good, note};
use crate::config::Config;
use crate::message;

pub async fn check(config: &Config, send: bool, now: Timestamp) -> anyhow::Result<Vec<Line>> {
    if config.channels.is_empty() {
        return Ok(vec![note(
            "没有配置渠道（channels）：消息写到运行 midwatch serve 的终端",
            "no channel is configured (channels): messages go to the terminal of `midwatch serve`",
        )]);
    }
    let client = Client::new()?;
    let mut lines = Vec::new();
    for (name, channel) in &config.channels {
        let kind = channel.type_name();
        if !send {
            lines.push(note(
                format!("渠道 {name}（{kind}）：只检查了配置；加 --send 发送测试消息"),
                format!("channel {name} ({kind}): only its configuration was checked; --send sends a test message"),
            ));
            continue;
        }
        lines.push(match test(&client, channel, config.lang.into(), now).await {
            Ok(()) => good(
                format!("渠道 {name}（{kind}）收下了测试消息"),
                format!("channel {name} ({kind}) took a test message"),
            ),
            Err(why) => bad(format!("渠道 {name}（{kind}）：{why}"), format!("channel {name} ({kind}): {why}")),
        });
    }
    Ok(lines)
}

async fn test(client: &Client, channel: &Channel, lang: Lang, now: Timestamp) -> Result<(), String> {
    let rendered = channel.render(&words(lang));
    let id = uuid::Uuid::now_v7().simple().to_string();
    let thread = format!("doctor-{id}");
    let delivery = Delivery { id, thread, revision: 0, previous: None, reply: false, skip: 0 };
    let sent = channel.send(client, &rendered, &delivery, now).await;
    sent.map(|_| ()).map_err(|error| redact::text(&error.text).into_owned())
}

fn words(lang: Lang) -> Message {
    let (title, lead, more) = match lang {
        Lang::Zh => {
            ("Midwatch 测试消息", "这个渠道可以收到 Midwatch 的消息", "由 midwatch doctor --send 发出，无需处理。")
        }
        Lang::En => (
            "Midwatch test message",
            "This channel receives what Midwatch has to say",
            "Sent by midwatch doctor --send; nothing has to be done.",
        ),
    };
    let mut message = message::empty(lang, Status::Plain, lead.to_owned());
    message.title = title.to_owned();
    message.severity = Severity::Info;
    message.sections.push(Section::new(title).with(Keep::Normal, Block::text(more)));
    message
}
