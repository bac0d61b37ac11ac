//! Model and tools in turn. A run ends with an answer, always.
//!
//! Collect until the model answers or a limit says stop; then the model is ordered to sum up; and where that brings no
//! answer either, the program writes one. Every step is written down before the next one begins.

use tokio::time::{Instant, timeout_at};

use crate::announcement::announces;
use crate::budget::{Budget, Limit};
use crate::check;
use crate::closing;
use crate::conversation::Conversation;
use crate::hands::Hands;
use crate::outcome::{Event, Outcome, Task, WhyEnded};
use crate::reply::{self, Wrong};
use crate::transcript::{Record, Step};

/// Announcements and the like that are answered with a reminder.
const MOST_NUDGES: u32 = 3;

/// One run. `past` are the steps of a run that was broken off: it goes on from there, and no call that may have had an
/// effect is made again.
pub async fn run(
    models: &llm::Models,
    hands: &dyn Hands,
    task: Task,
    budget: Budget,
    record: &dyn Record,
    past: Vec<Step>,
    on: &mut (dyn FnMut(Event) + Send),
) -> Outcome {
    let tools = task.policy.offered(hands);
    let names = tools.iter().map(|tool| tool.name.clone()).collect();
    let now = Conversation::new(task.messages.clone(), names, task.wrap_up.clone(), past);
    let end = Instant::now() + budget.time;
    let soft = end - budget.kept_back();
    let mut run = Run { models, hands, task, budget, record, on, tools, now, soft, end, partial: String::new() };
    if let Some((why, text)) = run.now.ended.clone() {
        return run.outcome(why, text, false);
    }
    let why = match run.now.wrapping.clone() {
        Some(why) => why,
        None => match run.collect().await {
            Ok(()) => WhyEnded::Answered,
            Err(why) => why,
        },
    };
    run.close(why).await
}

pub(crate) struct Run<'a> {
    pub(crate) models: &'a llm::Models,
    pub(crate) hands: &'a dyn Hands,
    pub(crate) task: Task,
    pub(crate) budget: Budget,
    record: &'a dyn Record,
    pub(crate) on: &'a mut (dyn FnMut(Event) + Send),
    pub(crate) tools: Vec<llm::Tool>,
    pub(crate) now: Conversation,
    /// until then is collected
    pub(crate) soft: Instant,
    end: Instant,
    /// what the model has said in a round that has not ended
    partial: String,
}

impl Run<'_> {
    /// Writes the step down, then takes it for done.
    pub(crate) fn step(&mut self, step: Step) -> Result<(), WhyEnded> {
        self.record.step(&self.task.id, &step).map_err(|message| WhyEnded::Record { message })?;
        self.now.apply(step);
        Ok(())
    }

    async fn collect(&mut self) -> Result<(), WhyEnded> {
        loop {
            if !self.now.pending.is_empty() {
                self.calls().await?;
            } else if let Some(reply) = self.now.reply.clone() {
                let Some(wrong) = reply::wrong(&reply, self.task.schema.as_ref(), !self.tools.is_empty()) else {
                    return Ok(());
                };
                self.nudge(wrong)?;
            }
            if let Some(limit) = self.budget.reached(&self.now.spent) {
                return Err(WhyEnded::Budget { limit });
            }
            self.ask(self.soft).await?;
        }
    }

    fn nudge(&mut self, wrong: Wrong) -> Result<(), WhyEnded> {
        if self.now.nudges >= MOST_NUDGES {
            return Err(WhyEnded::NothingButAnnouncements);
        }
        (self.on)(Event::Nudged);
        self.step(Step::Nudged { text: wrong.reminder() })
    }

    /// One round.
    async fn ask(&mut self, deadline: Instant) -> Result<(), WhyEnded> {
        let round = self.now.spent.rounds + 1;
        let new = if round == 1 { self.now.messages.clone() } else { Vec::new() };
        let tools = self.tools.iter().map(|tool| tool.name.clone()).collect();
        self.step(Step::Asked { round, new, tools })?;
        (self.on)(Event::Round { round });
        // a form is asked of the server only where no call is wanted: many cannot do both
        let wrapping = self.now.wrapping.is_some();
        let schema = self.task.schema.clone().filter(|_| wrapping || self.tools.is_empty());
        let request = llm::Request {
            messages: self.now.messages.clone(),
            tools: self.tools.clone(),
            max_tokens: self.task.max_tokens,
            thinking: self.task.thinking,
            schema,
        };
        self.partial.clear();
        let (partial, on) = (&mut self.partial, &mut *self.on);
        let mut heard = |event: llm::Event| {
            match &event {
                llm::Event::Text { text } => partial.push_str(text),
                llm::Event::Restart { .. } => partial.clear(),
                llm::Event::Reasoning { .. } | llm::Event::Call { .. } | llm::Event::Step { .. } => {}
            }
            on(Event::Model { model: event });
        };
        let asking = timeout_at(deadline, self.models.ask(&request, deadline, &mut heard));
        let answer = tokio::select! {
            biased;
            () = self.task.cancel.cancelled() => return Err(WhyEnded::Cancelled),
            answer = asking => answer,
        };
        let mut answer = match answer {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) | Err(_) if Instant::now() >= deadline => return Err(WhyEnded::Budget { limit: Limit::Time }),
            Ok(Err(error)) => return Err(WhyEnded::Model { message: error.message, tried: error.tried }),
            Err(_) => return Err(WhyEnded::Budget { limit: Limit::Time }),
        };
        self.partial.clear();
        if !wrapping && let Some(what) = reply::tidy(&mut answer.reply.calls, |id| self.now.knows_id(id)) {
            self.step(Step::Cut { what })?;
        }
        self.step(Step::Replied { round, answer })
    }

    /// From the end of the collecting to the answer.
    async fn close(mut self, why: WhyEnded) -> Outcome {
        let text = match &why {
            WhyEnded::Answered => self.said(),
            WhyEnded::Budget { .. }
            | WhyEnded::Repeating { .. }
            | WhyEnded::UnknownTools
            | WhyEnded::NothingButAnnouncements => self.wrap_up(&why).await,
            WhyEnded::Cancelled | WhyEnded::Model { .. } | WhyEnded::Record { .. } => None,
        };
        let by_program = text.is_none();
        let text = text.unwrap_or_else(|| closing::text(&self.task.closing, &self.partial, &self.now));
        let why = if self.task.cancel.is_cancelled() { WhyEnded::Cancelled } else { why };
        if by_program {
            self.now.messages.push(llm::Message::Assistant {
                content: text.clone(),
                reasoning: String::new(),
                calls: Vec::new(),
            });
        }
        // the answer goes out also where it cannot be written down
        if let Err(failed) = self.step(Step::Ended { why: why.clone(), text: text.clone() }) {
            tracing::error!(run = self.task.id, ?failed, "the end of a run could not be written down");
        }
        (self.on)(Event::Ended { why: why.clone() });
        self.outcome(why, text, by_program)
    }

    async fn wrap_up(&mut self, why: &WhyEnded) -> Option<String> {
        if self.now.wrapping.is_none() {
            self.step(Step::WrappedUp { why: why.clone() }).ok()?;
        }
        (self.on)(Event::WrappingUp { why: why.clone() });
        if self.now.reply.is_none() {
            let failed = self.ask(self.end).await.err();
            if let Some(failed) = failed {
                tracing::warn!(run = self.task.id, ?failed, "no answer to the order to sum up");
            }
        }
        self.said().filter(|text| !announces(text))
    }

    /// The words of the last reply, where there are some.
    fn said(&self) -> Option<String> {
        let reply = self.now.reply.as_ref()?;
        let text = reply.content.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    fn outcome(self, why_ended: WhyEnded, text: String, by_program: bool) -> Outcome {
        let fits = |value: &serde_json::Value| {
            self.task.schema.as_ref().is_some_and(|schema| check::problem(schema, value).is_none())
        };
        Outcome {
            structured: reply::structured(&text).filter(fits),
            text,
            by_program,
            why_ended,
            messages: self.now.messages,
            usage: self.now.usage,
            cost: self.now.cost,
            rounds: self.now.spent.rounds,
            steps: self.now.steps,
        }
    }
}
