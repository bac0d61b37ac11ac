//! One turn with one model: request, refusal, the ladder's next step, again, within a number of requests and a deadline.

use tokio::time::{Instant, sleep};

use crate::assemble::calls_in;
use crate::attempt::Attempt;
use crate::error::Class;
use crate::ladder::{self, Action, Sent, Step};
use crate::memory::Memory;
use crate::models::Entry;
use crate::prepare::{Prepared, prepare};
use crate::provider::{Quirks, Tools};
use crate::refusal::Refusal;
use crate::reply::{Event, Problem, Reply, Stop};
use crate::request::Request;
use crate::{tokens, wait};

pub(crate) struct Turn<'a> {
    entry: &'a Entry,
    memory: &'a Memory,
    request: &'a Request,
    deadline: Instant,
    /// requests that may be sent
    allowed: u32,
    quirks: Quirks,
    done: Vec<Step>,
    guessed: Vec<Step>,
    waited: u32,
    shown: bool,
    pub requests: u32,
    pub steps: Vec<String>,
    pub first_token: Option<Instant>,
}

impl<'a> Turn<'a> {
    pub fn new(entry: &'a Entry, memory: &'a Memory, request: &'a Request, deadline: Instant, allowed: u32) -> Self {
        let mut quirks = Quirks::of(&entry.model);
        memory.learnt(&entry.model).iter().for_each(|step| step.apply(&mut quirks));
        Self {
            entry,
            memory,
            request,
            deadline,
            allowed,
            quirks,
            done: Vec::new(),
            guessed: Vec::new(),
            waited: 0,
            shown: false,
            requests: 0,
            steps: Vec::new(),
            first_token: None,
        }
    }

    pub async fn run(&mut self, on: &mut (dyn FnMut(Event) + Send)) -> Result<Reply, Refusal> {
        loop {
            let prepared = prepare(self.request, &self.quirks, self.entry.model.thinking);
            if let Some(note) = &prepared.note {
                self.tell(note.clone(), on);
            }
            let attempt = Attempt::new(self.entry, &self.quirks, &prepared);
            self.requests += 1;
            let answered = {
                let (first, shown) = (&mut self.first_token, &mut self.shown);
                let mut seen = |event: Event| {
                    first.get_or_insert_with(Instant::now);
                    *shown |= matches!(event, Event::Text { .. } | Event::Reasoning { .. } | Event::Call { .. });
                    on(event);
                };
                attempt.send(self.deadline, &mut seen).await
            };
            let (refusal, poor) = match answered.and_then(|reply| accepted(reply, &prepared)) {
                Ok(reply) if self.quirks.stream && self.lacks_arguments(&reply) => {
                    let lost = Refusal::ours(Class::ArgsInvalidJson, "calls came without their arguments");
                    match self.follow(Action::Guess(Step::NoStream), lost, on).await {
                        Ok(()) => continue,
                        Err(_) => return Ok(reply),
                    }
                }
                Ok(reply) => {
                    if self.lacks_arguments(&reply) {
                        // the stream was not to blame
                        self.guessed.retain(|step| *step != Step::NoStream);
                    }
                    self.memory.learn(&self.entry.model, &self.guessed);
                    self.silent_cut(&prepared, &reply, on);
                    let Some(class) = poor(&reply, &self.quirks) else { return Ok(reply) };
                    (Refusal::ours(class, "an answer of no use"), Some(reply))
                }
                Err(refusal) => match recovered(&refusal, &prepared) {
                    Some(reply) => return Ok(reply),
                    None => (refusal, None),
                },
            };
            let sent = Sent {
                quirks: &self.quirks,
                members: &attempt.members(),
                has_tools: !self.request.tools.is_empty(),
                tokens: prepared.tokens,
                max_tokens: prepared.request.max_tokens,
            };
            let action = ladder::next(&refusal, &sent, &self.done, self.waited);
            match (self.follow(action, refusal, on).await, poor) {
                (Ok(()), _) => {}
                // whoever asked can still make something of it
                (Err(_), Some(reply)) => return Ok(reply),
                (Err(refusal), None) => return Err(refusal),
            }
        }
    }

    /// Takes the step, or gives the refusal back where there is none left.
    async fn follow(
        &mut self,
        action: Action,
        refusal: Refusal,
        on: &mut (dyn FnMut(Event) + Send),
    ) -> Result<(), Refusal> {
        let over = self.requests >= self.allowed;
        let step = match action {
            Action::Learn(step) => {
                // true whatever becomes of this turn
                self.memory.learn(&self.entry.model, std::slice::from_ref(&step));
                step
            }
            Action::Guess(step) => {
                self.guessed.push(step.clone());
                step
            }
            Action::Once(step) => step,
            Action::Wait(asked) => {
                let pause = asked.unwrap_or_else(|| wait::backoff(self.waited, wait::chance()));
                if over || Instant::now() + pause >= self.deadline {
                    return Err(refusal);
                }
                self.waited += 1;
                self.void(&refusal, on);
                sleep(pause).await;
                return Ok(());
            }
            Action::Again if !over => {
                self.waited += 1;
                self.void(&refusal, on);
                return Ok(());
            }
            Action::Again | Action::Stop => return Err(refusal),
        };
        step.apply(&mut self.quirks);
        if !over {
            self.tell(step.to_string(), on);
        }
        self.done.push(step);
        if over || Instant::now() >= self.deadline {
            return Err(refusal);
        }
        self.void(&refusal, on);
        Ok(())
    }

    /// Some servers lose the arguments of calls, but only in a stream.
    fn lacks_arguments(&self, reply: &Reply) -> bool {
        let needs = |name: &str| {
            let tool = self.request.tools.iter().find(|tool| tool.name == name);
            let required = tool.and_then(|tool| tool.parameters["required"].as_array());
            required.is_some_and(|required| !required.is_empty())
        };
        reply.calls.iter().any(|call| call.arguments.is_empty() && needs(&call.name))
    }

    fn tell(&mut self, what: String, on: &mut (dyn FnMut(Event) + Send)) {
        if self.steps.contains(&what) {
            return;
        }
        self.steps.push(what.clone());
        on(Event::Step { model: self.entry.model.name.clone(), what });
    }

    /// What a reader saw of an answer that is asked for again.
    fn void(&mut self, refusal: &Refusal, on: &mut (dyn FnMut(Event) + Send)) {
        if std::mem::take(&mut self.shown) {
            on(Event::Restart { model: self.entry.model.name.clone(), why: refusal.text.clone() });
        }
    }

    /// A server with a small window drops the front of a question and says nothing.
    fn silent_cut(&mut self, prepared: &Prepared, reply: &Reply, on: &mut (dyn FnMut(Event) + Send)) {
        if tokens::looks_cut(prepared.tokens, reply.usage.input) {
            let counted = reply.usage.input;
            let what = format!(
                "the server read {counted} of about {} tokens: it cuts the front; raise its context (num_ctx) or set context",
                prepared.tokens
            );
            self.tell(what, on);
        }
    }
}

/// An answer that another request may better.
fn poor(reply: &Reply, quirks: &Quirks) -> Option<Class> {
    match &reply.problem {
        // a call that cannot be read although nothing cut it: the server or the model cannot write one
        Some(Problem::TruncatedCall) if reply.stop != Stop::Length && quirks.tools != Tools::Text => {
            Some(Class::ToolUseFailed)
        }
        Some(Problem::EmptyAnswer) => Some(Class::EmptyAnswer),
        Some(
            Problem::TruncatedCall
            | Problem::EmptyToolCalls
            | Problem::IncompleteStream
            | Problem::EmptyBody
            | Problem::ContextLength
            | Problem::Upstream(_),
        )
        | None => None,
    }
}

/// The calls that a provider could not read and sends back as text.
fn recovered(refusal: &Refusal, prepared: &Prepared) -> Option<Reply> {
    let offered = prepared.offered();
    let mut calls = calls_in(refusal.generation.as_deref()?, &offered.tools);
    for (i, call) in calls.iter_mut().enumerate().filter(|(_, call)| call.id.is_empty()) {
        call.id = format!("call_{}_{}", offered.messages.len(), i + 1);
    }
    let mut reply = Reply { calls, stop: Stop::ToolCalls, ..Reply::default() };
    prepared.restore(&mut reply);
    (!reply.calls.is_empty()).then_some(reply)
}

/// An answer that came with 200 and is none after all.
fn accepted(mut reply: Reply, prepared: &Prepared) -> Result<Reply, Refusal> {
    prepared.restore(&mut reply);
    let class = match &reply.problem {
        None | Some(Problem::TruncatedCall | Problem::EmptyToolCalls | Problem::EmptyAnswer) => return Ok(reply),
        Some(Problem::IncompleteStream) => Class::IncompleteStream,
        Some(Problem::EmptyBody) => Class::TransientEmpty,
        Some(Problem::ContextLength) => Class::ContextLength,
        Some(Problem::Upstream(code)) => {
            let body = serde_json::json!({"error": {"code": code, "message": code}});
            let refusal = crate::refusal::read(200, &|_| None, &body.to_string(), jiff::Timestamp::now());
            let class = if refusal.class == Class::BadRequestUnknown { Class::Overloaded } else { refusal.class };
            return Err(Refusal { class, text: format!("an error in the stream: {code}"), ..refusal });
        }
    };
    let text = match class {
        Class::IncompleteStream => "the answer broke off",
        Class::TransientEmpty => "an empty answer",
        _ => "the context is too small",
    };
    Err(Refusal::ours(class, text))
}
