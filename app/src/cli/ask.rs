//! `midwatch ask`: one question in a person's own words, one answer with what it rests on.

use std::io::IsTerminal as _;

use anyhow::ensure;
use clap::Args;
use diagnose::Lang;
use jiff::tz::TimeZone;

use super::approvals::page;
use super::progress::with_line;
use super::room::RoomArgs;
use super::{Output, card, say};
use crate::chat::question::{Intent, read};
use crate::chat::{Answer, Room, Used, phrases};
use crate::message::{self, Voice};

#[derive(Debug, Args)]
pub struct Ask {
    #[command(flatten)]
    room: RoomArgs,
    /// The question or the order, such as: why is shop/cart not ready
    #[arg(value_name = "QUESTION", required = true)]
    question: Vec<String>,
    /// How to write the answer
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
}

impl Ask {
    pub async fn run(self) -> anyhow::Result<u8> {
        let question = self.question.join(" ");
        ensure!(!question.trim().is_empty(), "nothing is asked");
        // a question needs no store, and finds none where there is none
        let kept = matches!(
            read(&question).intent,
            Intent::Order(_) | Intent::Manifest(_) | Intent::Proposals | Intent::Alerts
        );
        let (config, store) = if kept && self.room.cluster.replay.is_none() {
            let (config, store) = self.room.store.make().await?;
            (config, Some(store))
        } else {
            (self.room.store.config()?, None)
        };
        let mut room = self.room.open(&config, store.clone(), false).await?;
        let answer = {
            let traffic = room.cluster.traffic.clone();
            let name = room.cluster.name.clone();
            let mut silent = |_: &Used| {};
            let work = room.answer(&question, &mut silent);
            with_line(work, move || format!("{name}: {} requests", traffic.snapshot().requests)).await
        };
        match self.output {
            Output::Json => say(&(serde_json::to_string_pretty(&answer.json(&question))? + "\n"))?,
            Output::Text => say(&text(&room, &answer).await?)?,
        }
        if let Some(store) = store {
            store.close().await;
        }
        Ok(answer.outcome.exit_code())
    }
}

/// The answer, what it rests on, and what made it.
async fn text(room: &Room, answer: &Answer) -> anyhow::Result<String> {
    let colour = std::io::stdout().is_terminal();
    let mut text = shown(answer);
    if let (Some(id), Some(approvals)) = (&answer.proposal, &room.approvals) {
        let view = approvals.view(&room.person, id).await?;
        text = page(&view, colour);
        text.push_str(&match answer.lang {
            Lang::Zh => format!("\n已提出，尚未修改任何东西。查看后同意：midwatch approvals approve {id}\n"),
            Lang::En => format!("\nProposed; nothing has changed yet. Say yes with: midwatch approvals approve {id}\n"),
        });
        return Ok(text);
    }
    text.push_str(&rests_on(answer));
    if answer.model.is_none() && !answer.needs_model {
        text.push_str(&format!("{}\n", phrases::rules_alone(answer.lang)));
    }
    Ok(text)
}

/// The answer itself.
pub(super) fn shown(answer: &Answer) -> String {
    match &answer.report {
        Some(report) => card(&message::verdict(report, &Voice { lang: answer.lang, zone: TimeZone::UTC })),
        None => format!("{}\n", answer.text),
    }
}

/// The evidence by its ids: in full for a diagnosis, by its source for what was just read out.
pub(super) fn rests_on(answer: &Answer) -> String {
    let mut text = String::new();
    if !answer.evidence.is_empty() {
        text.push_str(&format!("\n{}\n", answer.word("证据：", "Evidence:")));
    }
    for proof in &answer.evidence {
        let said = if answer.report.is_some() { format!(": {}", proof.text) } else { String::new() };
        let about = if proof.object.is_empty() { String::new() } else { format!(" {}", proof.object) };
        text.push_str(&format!("  {}{about} ({}){said}\n", proof.id, proof.source));
    }
    for gap in answer.gaps.iter().filter(|_| answer.report.is_none()) {
        text.push_str(&format!("  {}{gap}\n", answer.word("未能读取：", "not read: ")));
    }
    text
}
