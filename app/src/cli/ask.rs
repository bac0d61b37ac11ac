//! `midwatch ask`: one question in a person's own words, one answer with what it rests on.

use std::io::IsTerminal as _;

use anyhow::ensure;
use clap::Args;
use diagnose::Lang;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use super::approvals::page;
use super::progress::with_line;
use super::room::RoomArgs;
use super::screen::{Screen, stoppable};
use super::{Output, card, say};
use crate::chat::question::{Intent, read};
use crate::chat::{Answer, News, Room, clean, phrases};
use crate::config::Config;
use crate::message::{self, Voice};
use crate::store::Store;
use crate::store::runs::Kind;

/// As shells have it for Ctrl-C.
const STOPPED: u8 = 130;

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
    /// Show a model's words as they come also where standard output is no terminal
    #[arg(long)]
    stream: bool,
}

impl Ask {
    pub async fn run(self) -> anyhow::Result<u8> {
        let question = self.question.join(" ");
        ensure!(!question.trim().is_empty(), "nothing is asked");
        let (config, store) = self.store(&question).await?;
        let mut room = self.room.open(&config, store.clone(), Kind::Ask).await?;
        let colour = std::io::stdout().is_terminal();
        let mut screen = Screen::new(colour, self.output == Output::Text && (self.stream || colour));
        let cancel = CancellationToken::new();
        let answer = {
            let traffic = room.cluster.traffic.clone();
            let name = room.cluster.name.clone();
            let advised = room.advisor.is_some();
            let mut tell = |news: News<'_>| {
                // a call that rules alone make is no news: the answer is its result
                if advised || !matches!(news, News::Called(_)) {
                    screen.tell(news);
                }
            };
            let work = stoppable(room.answer(&question, &mut tell, &cancel), &cancel);
            match advised {
                // it has a line of its own
                true => work.await,
                false => with_line(work, move || format!("{name}: {} requests", traffic.snapshot().requests)).await,
            }
        };
        let Some(answer) = answer else {
            screen.clear();
            return Ok(STOPPED);
        };
        match self.output {
            Output::Json => say(&(serde_json::to_string_pretty(&answer.json(&question))? + "\n"))?,
            Output::Text => say(&text(&room, &answer, &mut screen).await?)?,
        }
        if let Some(store) = store {
            store.close().await;
        }
        Ok(if cancel.is_cancelled() { STOPPED } else { answer.outcome.exit_code() })
    }

    /// A question needs no store, and finds none where there is none. What a model is asked is kept where it can be.
    async fn store(&self, question: &str) -> anyhow::Result<(Config, Option<Store>)> {
        let kept = matches!(
            read(question).intent,
            Intent::Order(_) | Intent::Manifest(_) | Intent::Proposals | Intent::Alerts
        );
        if kept && self.room.cluster.replay.is_none() {
            let (config, store) = self.room.store.make().await?;
            return Ok((config, Some(store)));
        }
        let config = self.room.store.config()?;
        if config.models.models.is_empty() || self.room.model.as_deref() == Some("none") {
            return Ok((config, None));
        }
        match crate::app::open_store(&config).await {
            Ok(store) => Ok((config, Some(store))),
            Err(error) => {
                eprintln!("midwatch: warning: what the model is asked is not kept: {error:#}");
                Ok((config, None))
            }
        }
    }
}

/// The answer, what it rests on, and what made it.
async fn text(room: &Room, answer: &Answer, screen: &mut Screen) -> anyhow::Result<String> {
    let colour = std::io::stdout().is_terminal();
    let mut text =
        if answer.model.is_none() && !answer.proposals.is_empty() { String::new() } else { screen.rest(answer) };
    for id in &answer.proposals {
        let Some(approvals) = &room.approvals else { break };
        let view = approvals.view(&room.person, id).await?;
        text.push_str(&page(&view, colour));
        text.push_str(&match answer.lang {
            Lang::Zh => format!("\n已提出，尚未修改任何东西。查看后同意：midwatch approvals approve {id}\n"),
            Lang::En => format!("\nProposed; nothing has changed yet. Say yes with: midwatch approvals approve {id}\n"),
        });
    }
    if answer.model.is_none() && !answer.proposals.is_empty() {
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
        None => format!("{}\n", clean::shown(&answer.text)),
    }
}

/// The evidence by its ids: in full for a diagnosis, by its source for what was just read out.
fn rests_on(answer: &Answer) -> String {
    let mut text = String::new();
    if !answer.evidence.is_empty() {
        text.push_str(&format!("\n{}\n", answer.word("证据：", "Evidence:")));
    }
    for proof in &answer.evidence {
        let of_rules = answer.report.is_some() && proof.id.starts_with('E');
        let said = if of_rules { format!(": {}", proof.text) } else { String::new() };
        let about = if proof.object.is_empty() { String::new() } else { format!(" {}", proof.object) };
        let line = format!("  {}{about} ({}){said}\n", proof.id, proof.source);
        text.push_str(&clean::shown(&line));
    }
    for gap in answer.gaps.iter().filter(|_| answer.report.is_none()) {
        text.push_str(&format!("  {}{gap}\n", answer.word("未能读取：", "not read: ")));
    }
    text
}
