//! Where a run stands. It follows from the run's steps alone: a live run and one that is read back go the same way.

use crate::budget::Spent;
use crate::hands::{CallResult, Effect};
use crate::outcome::WhyEnded;
use crate::repeats::Repeats;
use crate::transcript::Step;

/// A call of the last reply.
#[derive(Debug)]
pub struct Pending {
    pub call: llm::ToolCall,
    /// it was begun, and it is not known whether it was done
    pub begun: Option<Effect>,
    pub result: Option<CallResult>,
}

#[derive(Debug, Default)]
pub struct Conversation {
    pub messages: Vec<llm::Message>,
    pub pending: Vec<Pending>,
    pub spent: Spent,
    pub usage: llm::Usage,
    pub cost: Option<f64>,
    pub repeats: Repeats,
    /// calls of tools that were not offered
    pub strikes: u32,
    pub nudges: u32,
    pub wrapping: Option<WhyEnded>,
    /// the last reply that asked for nothing more
    pub reply: Option<llm::Reply>,
    pub ended: Option<(WhyEnded, String)>,
    pub steps: Vec<Step>,
    offered: Vec<String>,
    wrap_up: String,
}

impl Conversation {
    pub fn new(messages: Vec<llm::Message>, offered: Vec<String>, wrap_up: String, past: Vec<Step>) -> Self {
        let begun =
            past.iter().find_map(|step| if let Step::Asked { new, .. } = step { Some(new.clone()) } else { None });
        let messages = begun.unwrap_or(messages);
        let mut this = Self { messages, offered, wrap_up, ..Self::default() };
        past.into_iter().for_each(|step| this.apply(step));
        this
    }

    pub fn apply(&mut self, step: Step) {
        match &step {
            Step::Asked { .. } => {
                self.spent.rounds += 1;
                self.reply = None;
            }
            Step::Replied { answer, .. } => self.replied(&answer.reply, answer.cost),
            Step::Calling { call, effect } => {
                self.spent.calls += 1;
                self.of(call).for_each(|pending| pending.begun = Some(*effect));
            }
            Step::Called { call, result, .. } => self.called(call, result),
            Step::Nudged { text } => {
                self.nudges += 1;
                self.reply = None;
                self.messages.push(llm::Message::User { content: text.clone() });
            }
            Step::Cut { .. } => {}
            Step::WrappedUp { why } => {
                self.wrapping = Some(why.clone());
                self.reply = None;
                self.messages.push(llm::Message::User { content: self.wrap_up.clone() });
            }
            Step::Ended { why, text } => self.ended = Some((why.clone(), text.clone())),
        }
        self.steps.push(step);
    }

    fn replied(&mut self, reply: &llm::Reply, cost: Option<f64>) {
        self.usage.input += reply.usage.input;
        self.usage.cached += reply.usage.cached;
        self.usage.output += reply.usage.output;
        self.spent.tokens += reply.usage.input + reply.usage.output;
        if let Some(cost) = cost {
            self.spent.money += cost;
            self.cost = Some(self.spent.money);
        }
        // who was told to sum up calls nothing any more
        let calls = if self.wrapping.is_some() { Vec::new() } else { reply.calls.clone() };
        if calls.is_empty() {
            self.reply = Some(reply.clone());
        }
        if !calls.is_empty() || !reply.content.trim().is_empty() {
            let (content, reasoning) = (reply.content.clone(), reply.reasoning.clone());
            self.messages.push(llm::Message::Assistant { content, reasoning, calls: calls.clone() });
        }
        self.pending = calls.into_iter().map(|call| Pending { call, begun: None, result: None }).collect();
    }

    fn called(&mut self, call: &llm::ToolCall, result: &CallResult) {
        self.repeats.note(call, result);
        self.strikes += u32::from(!self.offered.contains(&call.name));
        self.of(call).for_each(|pending| pending.result = Some(result.clone()));
        // results follow in the order of the calls, whichever was done first: the next request begins like this one
        if self.pending.iter().all(|pending| pending.result.is_some()) {
            for Pending { call, result, .. } in self.pending.drain(..) {
                let content = result.map(|result| result.text).unwrap_or_default();
                self.messages.push(llm::Message::Tool { id: call.id, name: call.name, content });
            }
        }
    }

    fn of<'a>(&'a mut self, call: &'a llm::ToolCall) -> impl Iterator<Item = &'a mut Pending> {
        self.pending.iter_mut().filter(|pending| pending.call.id == call.id)
    }

    /// Calls of the last reply that have no result yet.
    pub fn open(&self) -> impl Iterator<Item = &Pending> {
        self.pending.iter().filter(|pending| pending.result.is_none())
    }

    /// True where an id was given to a call of this run before.
    pub fn knows_id(&self, id: &str) -> bool {
        self.messages.iter().any(|message| match message {
            llm::Message::Assistant { calls, .. } => calls.iter().any(|call| call.id == id),
            llm::Message::System { .. } | llm::Message::User { .. } | llm::Message::Tool { .. } => false,
        })
    }
}
