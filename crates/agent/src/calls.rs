//! The calls of one reply: each is judged, answered without being made or made, and its result written down.

use std::time::Duration;

use futures::StreamExt;
use tokio::time::{Instant, sleep_until};

use crate::budget::Limit;
use crate::check;
use crate::conversation::Pending;
use crate::hands::{CallResult, Effect};
use crate::outcome::{Event, WhyEnded};
use crate::repeats;
use crate::run::Run;
use crate::suggest::suggest;
use crate::transcript::Step;

/// Reads that go on side by side.
const SIDE_BY_SIDE: usize = 8;
/// Calls of tools that do not exist.
const MOST_STRIKES: u32 = 3;

/// What is to be done with one call.
enum Verdict {
    Make(Effect),
    /// answered with this, not made
    Answer(CallResult),
}

impl Run<'_> {
    /// Answers every call of the last reply that has no result yet.
    pub(crate) async fn calls(&mut self) -> Result<(), WhyEnded> {
        let open: Vec<llm::ToolCall> = self.now.open().map(|pending| pending.call.clone()).collect();
        let third = open.iter().find(|call| self.now.repeats.before(call).is_some_and(|(n, _)| n + 1 >= repeats::MOST));
        let third = third.map(|call| call.name.clone());
        let (mut reads, mut proposals) = (Vec::new(), Vec::new());
        let mut left = self.budget.calls.saturating_sub(self.now.spent.calls);
        let mut used_up = false;
        for call in open {
            match self.judge(&call) {
                Verdict::Answer(result) => self.called(call, result, Duration::ZERO)?,
                Verdict::Make(_) if left == 0 => {
                    used_up = true;
                    self.called(call, CallResult::error("Not called: no more calls are left."), Duration::ZERO)?;
                }
                Verdict::Make(effect) => {
                    left -= 1;
                    match effect {
                        Effect::Read => reads.push(call),
                        Effect::Propose => proposals.push(call),
                    }
                }
            }
        }
        self.read(reads).await?;
        for call in proposals {
            self.propose(call).await?;
        }
        self.give_up_the_rest()?;
        if self.task.cancel.is_cancelled() {
            return Err(WhyEnded::Cancelled);
        }
        if let Some(name) = third {
            return Err(WhyEnded::Repeating { name });
        }
        if self.now.strikes >= MOST_STRIKES {
            return Err(WhyEnded::UnknownTools);
        }
        if used_up {
            return Err(WhyEnded::Budget { limit: Limit::Calls });
        }
        if Instant::now() >= self.soft {
            return Err(WhyEnded::Budget { limit: Limit::Time });
        }
        Ok(())
    }

    fn judge(&self, call: &llm::ToolCall) -> Verdict {
        let Some(tool) = self.tools.iter().find(|tool| tool.name == call.name) else {
            return Verdict::Answer(CallResult::error(self.unknown(&call.name)));
        };
        // asked again at the call, not only when the list was made
        let effect = self.hands.effect(&call.name).filter(|effect| self.task.policy.allows(*effect));
        let Some(effect) = effect else {
            return Verdict::Answer(CallResult::error(format!("{} is not allowed in this run.", call.name)));
        };
        let begun = self.now.open().find(|pending| pending.call.id == call.id).and_then(|pending| pending.begun);
        if begun == Some(Effect::Propose) {
            return Verdict::Answer(unknown_state(&call.name));
        }
        // a read that failed may be tried once more
        if let Some((times, earlier)) = self.now.repeats.before(call)
            && (effect == Effect::Propose || !earlier.error || times + 1 >= repeats::MOST)
        {
            let text =
                format!("You already called {} with these arguments; the result was:\n{}", call.name, earlier.text);
            return Verdict::Answer(CallResult { text, ..earlier.clone() });
        }
        if let Some(problem) = check::problem(&tool.parameters, &serde_json::Value::Object(call.arguments.clone())) {
            let text =
                format!("Not called: {problem}. The arguments of {} have this schema: {}", call.name, tool.parameters);
            return Verdict::Answer(CallResult::error(text));
        }
        Verdict::Make(effect)
    }

    fn unknown(&self, name: &str) -> String {
        let names: Vec<&str> = self.tools.iter().map(|tool| tool.name.as_str()).collect();
        let shown: String = name.chars().take(80).collect();
        let meant = suggest(&shown, &names).map(|meant| format!(" Did you mean {meant}?")).unwrap_or_default();
        if self.hands.effect(name).is_some() {
            return format!("{shown} is not allowed in this run. The tools are: {}.", names.join(", "));
        }
        format!("There is no tool {shown}.{meant} The tools are: {}.", names.join(", "))
    }

    fn begins(&mut self, call: &llm::ToolCall, effect: Effect) -> Result<(), WhyEnded> {
        self.step(Step::Calling { call: call.clone(), effect })?;
        let (id, name, arguments) = (call.id.clone(), call.name.clone(), call.arguments.clone());
        (self.on)(Event::CallBegan { id, name, arguments, effect });
        Ok(())
    }

    fn called(&mut self, call: llm::ToolCall, result: CallResult, took: Duration) -> Result<(), WhyEnded> {
        let (id, name) = (call.id.clone(), call.name.clone());
        let (ok, bytes) = (!result.error, result.text.len());
        self.step(Step::Called { call, result, took })?;
        (self.on)(Event::CallEnded { id, name, ok, bytes, took });
        Ok(())
    }

    async fn read(&mut self, calls: Vec<llm::ToolCall>) -> Result<(), WhyEnded> {
        for call in &calls {
            self.begins(call, Effect::Read)?;
        }
        let hands = self.hands;
        let one = |call: llm::ToolCall| async move {
            let began = Instant::now();
            let result = hands.call(&call.name, &call.arguments).await;
            (call, result, began.elapsed())
        };
        let mut going = futures::stream::iter(calls).map(one).buffer_unordered(SIDE_BY_SIDE);
        let cancel = self.task.cancel.clone();
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return Ok(()),
                () = sleep_until(self.soft) => return Ok(()),
                done = going.next() => match done {
                    Some((call, result, took)) => self.called(call, result, took)?,
                    None => return Ok(()),
                },
            }
        }
    }

    async fn propose(&mut self, call: llm::ToolCall) -> Result<(), WhyEnded> {
        if self.task.cancel.is_cancelled() || Instant::now() >= self.soft {
            return Ok(());
        }
        self.begins(&call, Effect::Propose)?;
        let began = Instant::now();
        let cancel = self.task.cancel.clone();
        let result = tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok(()),
            () = sleep_until(self.soft) => return Ok(()),
            result = self.hands.call(&call.name, &call.arguments) => result,
        };
        self.called(call, result, began.elapsed())
    }

    /// Whatever was not done in time: the conversation has a result for each call.
    fn give_up_the_rest(&mut self) -> Result<(), WhyEnded> {
        let said = |pending: &Pending| match pending.begun {
            Some(Effect::Propose) => unknown_state(&pending.call.name),
            Some(Effect::Read) => CallResult::error("Given up: there was no answer in time."),
            None => CallResult::error("Not called: the time is over."),
        };
        let rest: Vec<_> = self.now.open().map(|pending| (pending.call.clone(), said(pending))).collect();
        rest.into_iter().try_for_each(|(call, result)| self.called(call, result, Duration::ZERO))
    }
}

fn unknown_state(name: &str) -> CallResult {
    CallResult::error(format!(
        "It is unknown whether {name} was done: the run was broken off meanwhile. It is not called again; look at the state."
    ))
}
