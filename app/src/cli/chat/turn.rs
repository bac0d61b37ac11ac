//! One question and its answer; one order, its change in colour, and a person's yes or no.

use std::time::Duration;

use super::super::approvals::{carried_out, page};
use super::super::ask::shown;
use super::super::say;
use super::Session;
use super::reader::Reader;
use crate::approvals::{Approvals, State, View};
use crate::chat::{Answer, Outcome, Used, phrases};

/// How long the outcome of a change is waited for.
const WAIT: Duration = Duration::from_secs(20);
/// Arguments of a call on its line.
const ARGUMENTS: usize = 80;

impl Session {
    pub(super) async fn turn(&mut self, text: &str, reader: &mut Reader) -> anyhow::Result<()> {
        let colour = self.colour;
        let mut told = |used: &Used| {
            let _ = say(&call(used, colour));
        };
        let answered = tokio::select! {
            answer = self.room.answer(text, &mut told) => Some(answer),
            _ = tokio::signal::ctrl_c() => None,
        };
        let Some(answer) = answered else {
            return say(&self.word("已停止。\n", "Stopped.\n"));
        };
        self.show(&answer)?;
        if let (Outcome::Proposed, Some(id), Some(approvals)) =
            (answer.outcome, answer.proposal.clone(), self.room.approvals.clone())
        {
            self.decide(&approvals, &id, reader).await?;
        }
        self.history.add(&self.store, &self.room, text, &answer).await
    }

    fn show(&self, answer: &Answer) -> anyhow::Result<()> {
        if answer.outcome == Outcome::Proposed {
            return Ok(());
        }
        let mut text = shown(answer);
        if let (Some(first), Some(last)) = (answer.evidence.first(), answer.evidence.last()) {
            let ids = if first.id == last.id { first.id.clone() } else { format!("{}..{}", first.id, last.id) };
            let line = format!("{} {ids} · /evidence {}", answer.word("证据", "evidence"), first.id);
            text.push_str(&format!("{}\n", self.paint("2", &line)));
        }
        if answer.model.is_none() && !answer.needs_model && !answer.evidence.is_empty() {
            text.push_str(&format!("{}\n", self.paint("2", &phrases::rules_alone(answer.lang))));
        }
        say(&text)
    }

    /// Shows the change and takes a yes, where there is somebody who may say it.
    async fn decide(&mut self, approvals: &Approvals, id: &str, reader: &mut Reader) -> anyhow::Result<()> {
        let view = approvals.view(&self.room.person, id).await?;
        say(&page(&view, self.colour))?;
        if let Some(why) = &view.may_not_approve {
            return say(&self.word(
                &format!("\n已提出 {id}；您不能同意它：{why}\n"),
                &format!("\nproposed as {id}; your yes would not count: {why}\n"),
            ));
        }
        if !self.terminal {
            return say(&format!("\nproposed as {id}: midwatch approvals approve {id}\n"));
        }
        let question = self.word(
            "\n输入 yes 同意以上内容，no 拒绝，其他留待以后：",
            "\nType yes to approve exactly this, no to deny it, anything else to leave it: ",
        );
        let reply = reader.reply(&question).await?.unwrap_or_default();
        match reply.trim() {
            "yes" => self.approve(approvals, &view).await,
            "no" => {
                let denied = approvals.deny(&self.room.person, id, "").await?;
                say(&format!("{id}: {}\n", denied.state.name()))
            }
            _ => say(&self.word(
                &format!("{id} 留待以后：midwatch approvals approve {id}\n"),
                &format!("{id} waits: midwatch approvals approve {id}\n"),
            )),
        }
    }

    async fn approve(&mut self, approvals: &Approvals, view: &View) -> anyhow::Result<()> {
        // what changed since it was shown is no yes to what it is now
        let approved = match approvals.approve(&self.room.person, &view.id, &view.digest).await {
            Ok(approved) => approved,
            Err(error) => return say(&format!("{error}\n")),
        };
        let done = carried_out(approvals, &self.room.person, approved, WAIT).await?;
        let outcome = done.outcome.as_ref().and_then(|outcome| outcome["text"].as_str()).unwrap_or_default();
        let well = matches!(done.state, State::Executed | State::Resolved);
        if well {
            self.room.done = Some(done.id.clone());
        }
        let line = format!("{}: {} {outcome}", done.id, done.state.name());
        say(&format!("{}\n", self.paint(if well { "32" } else { "33" }, line.trim_end())))
    }
}

/// A call in one line.
fn call(used: &Used, colour: bool) -> String {
    let mut arguments = used.arguments.to_string();
    if arguments.len() > ARGUMENTS {
        let end = (0..=ARGUMENTS).rev().find(|at| arguments.is_char_boundary(*at)).unwrap_or_default();
        arguments.truncate(end);
        arguments.push('…');
    }
    let mark = if used.ok { "·" } else { "✗" };
    let line = format!("{mark} {} {}", used.name, redact::text(&arguments));
    if colour { format!("\u{1b}[2m{line}\u{1b}[0m\n") } else { format!("{line}\n") }
}
