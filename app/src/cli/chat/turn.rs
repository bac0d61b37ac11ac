//! One question and its answer; one order, its change in colour, and a person's yes or no.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::super::approvals::{carried_out, page};
use super::super::say;
use super::super::screen::{Screen, stoppable};
use super::Session;
use super::quiet::Quiet;
use super::reader::Reader;
use crate::approvals::{Approvals, State, View};
use crate::chat::{Answer, News, Outcome, phrases};

/// How long the outcome of a change is waited for.
const WAIT: Duration = Duration::from_secs(20);

impl Session {
    pub(super) async fn turn(&mut self, text: &str, reader: &mut Reader) -> anyhow::Result<()> {
        let mut screen = Screen::new(self.colour, true);
        let cancel = CancellationToken::new();
        let answered = {
            let _quiet = Quiet::start(self.terminal);
            let mut tell = |news: News<'_>| screen.tell(news);
            stoppable(self.room.answer(text, &mut tell, &cancel), &cancel).await
        };
        let Some(answer) = answered else {
            screen.clear();
            return say(&self.word("已停止。\n", "Stopped.\n"));
        };
        self.show(&answer, &mut screen)?;
        if let Some(approvals) = self.room.approvals.clone() {
            for id in answer.proposals.iter().filter(|_| !cancel.is_cancelled()) {
                self.decide(&approvals, id, reader).await?;
            }
        }
        self.history.add(&self.store, &self.room, text, &answer).await
    }

    fn show(&self, answer: &Answer, screen: &mut Screen) -> anyhow::Result<()> {
        if answer.model.is_none() && answer.outcome == Outcome::Proposed {
            return Ok(());
        }
        let mut text = screen.rest(answer);
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
