//! One turn with one model: request, refusal, the ladder's next step, again, within a number of requests and a deadline.

use tokio::time::{Instant, sleep};

use crate::attempt::Attempt;
use crate::error::Class;
use crate::ladder::{self, Action, Sent, Step};
use crate::memory::Memory;
use crate::models::Entry;
use crate::prepare::{Prepared, prepare};
use crate::provider::Quirks;
use crate::refusal::Refusal;
use crate::reply::{Event, Problem, Reply};
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
            let refusal = match answered.and_then(|reply| accepted(reply, &prepared)) {
                Ok(reply) => {
                    self.memory.learn(&self.entry.model, &self.guessed);
                    self.silent_cut(&prepared, &reply, on);
                    return Ok(reply);
                }
                Err(refusal) => refusal,
            };
            let sent = Sent {
                quirks: &self.quirks,
                members: &attempt.members(),
                has_tools: !self.request.tools.is_empty(),
                tokens: prepared.tokens,
                max_tokens: prepared.request.max_tokens,
            };
            let action = ladder::next(&refusal, &sent, &self.done, self.waited);
            self.follow(action, refusal, on).await?;
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
