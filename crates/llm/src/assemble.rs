//! A reply out of its pieces: text, reasoning, calls, the reason of the end; and what is wrong with it although the server
//! said 200. The reason of the end never decides whether there are calls.

mod calls;

use serde_json::Value;

pub use calls::Piece;

use crate::reply::{Event, Problem, Reply, Stop, ToolCall, Usage};
use crate::request::{Request, Tool};
use crate::text::{Parsed, Parser};
use calls::Calls;

/// Why the server ended its answer, in its own view.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    Stop,
    ToolCalls,
    Length,
    /// question and answer together are longer than the model's window
    Context,
}

/// A reply while it arrives.
#[derive(Debug)]
pub struct Assembler {
    tools: Vec<Tool>,
    /// how many messages there were before: makes the ids of our own differ from turn to turn
    turn: usize,
    text: Parser,
    shown: String,
    reasoning: String,
    calls: Calls,
    events: Vec<Event>,
    finish: Option<Finish>,
    failure: Option<Value>,
    usage: Usage,
    /// an event was understood
    seen: bool,
    /// something came that is no event of this format
    noise: bool,
    done: bool,
}

/// A reply at its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// what was held back until it was certain to be text
    pub events: Vec<Event>,
    pub reply: Reply,
    /// the error inside the stream as the server wrote it, for whoever classes errors
    pub error: Option<Value>,
}

impl Assembler {
    pub fn new(request: &Request) -> Self {
        Self {
            tools: request.tools.clone(),
            turn: request.messages.len(),
            text: Parser::new(&request.tools),
            shown: String::new(),
            reasoning: String::new(),
            calls: Calls::default(),
            events: Vec::new(),
            finish: None,
            failure: None,
            usage: Usage::default(),
            seen: false,
            noise: false,
            done: false,
        }
    }

    pub fn text(&mut self, piece: &str) {
        let text = self.text.push(piece);
        if text.is_empty() {
            return;
        }
        self.shown.push_str(&text);
        self.events.push(Event::Text { text });
    }

    pub fn reasoning(&mut self, piece: &str) {
        if piece.is_empty() {
            return;
        }
        self.reasoning.push_str(piece);
        self.events.push(Event::Reasoning { text: piece.to_owned() });
    }

    pub fn call(&mut self, piece: Piece<'_>) {
        let tools = &self.tools;
        let known = |name: &str| tools.is_empty() || tools.iter().any(|tool| tool.name == name);
        if let Some(name) = self.calls.add(piece, &known) {
            self.events.push(Event::Call { name });
        }
    }

    pub fn finish_reason(&mut self, finish: Finish) {
        self.finish.get_or_insert(finish);
    }

    /// An error in place of an event, or the reason of the end when that is an error.
    pub fn fail(&mut self, error: &Value) {
        self.failure.get_or_insert_with(|| error.clone());
    }

    /// Counts come once or grow; zero says nothing.
    pub fn usage(&mut self, usage: Usage) {
        self.usage.input = self.usage.input.max(usage.input);
        self.usage.cached = self.usage.cached.max(usage.cached);
        self.usage.output = self.usage.output.max(usage.output);
    }

    pub fn saw_event(&mut self) {
        self.seen = true;
    }

    pub fn saw_noise(&mut self) {
        self.noise = true;
    }

    /// The server said that nothing follows.
    pub fn done(&mut self) {
        self.done = true;
    }

    /// What happened since the last time.
    pub fn events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    pub fn finish(mut self) -> Finished {
        let turn = self.turn;
        let mut number = 0;
        let mut made = || {
            number += 1;
            format!("call_{turn}_{number}")
        };
        let native = !self.calls.is_empty();
        let calls::Finished { mut calls, mut cut, mut invalid } = std::mem::take(&mut self.calls).finish(&mut made);
        let parsed = std::mem::take(&mut self.text).finish();
        self.show_rest(&parsed.visible);
        let content = parsed.visible;
        if !native {
            (calls, cut, invalid) = (parsed.calls, parsed.truncated, parsed.invalid);
            if calls.is_empty() && !cut && content.trim().is_empty() {
                calls = self.calls_in_reasoning();
            }
        }
        if let Some(text) = self.failure.as_ref().and_then(failed_generation) {
            calls = calls_in(text, &self.tools);
        } else if self.failure.is_some() {
            calls.clear();
        }
        // those of the text have none of their own
        if !native || self.failure.is_some() {
            calls.iter_mut().for_each(|call| call.id = made());
        }
        let (stop, problem) = self.judge(&content, &mut calls, cut);
        if !parsed.reasoning.is_empty() && !self.reasoning.is_empty() {
            self.reasoning.push('\n');
        }
        let reasoning = self.reasoning + &parsed.reasoning;
        let reply = Reply { content, reasoning, calls, stop, usage: self.usage, problem, invalid };
        Finished { events: self.events, reply, error: self.failure }
    }

    /// What was held back, or all of it where something else was shown: thoughts whose opening mark the server ate.
    fn show_rest(&mut self, visible: &str) {
        let text = match visible.strip_prefix(&self.shown) {
            Some(rest) => rest.to_owned(),
            None if self.shown.starts_with(visible) => return,
            None => format!("\n{visible}"),
        };
        if !text.is_empty() {
            self.events.push(Event::Text { text });
        }
    }

    /// Some models write their calls where they think, and then nothing else.
    fn calls_in_reasoning(&mut self) -> Vec<ToolCall> {
        let parsed = parse(&self.reasoning, &self.tools);
        if !parsed.calls.is_empty() {
            self.reasoning = parsed.visible;
        }
        parsed.calls
    }

    /// How the answer ended, and its problem. Calls of an answer that has to be asked for again are dropped.
    fn judge(&self, content: &str, calls: &mut Vec<ToolCall>, cut: bool) -> (Stop, Option<Problem>) {
        if let Some(error) = self.failure.as_ref().filter(|_| calls.is_empty()) {
            return (Stop::Error, Some(Problem::Upstream(code(error))));
        }
        if !self.seen && self.failure.is_none() {
            let problem = if self.noise { Problem::IncompleteStream } else { Problem::EmptyBody };
            return (Stop::Error, Some(problem));
        }
        let ended = self.done || self.finish.is_some();
        if !ended && (cut || calls.is_empty()) {
            calls.clear();
            return (Stop::Error, Some(Problem::IncompleteStream));
        }
        let finish = self.finish.unwrap_or(Finish::Stop);
        let stop = match finish {
            _ if !calls.is_empty() => Stop::ToolCalls,
            Finish::Length | Finish::Context => Stop::Length,
            Finish::Stop | Finish::ToolCalls => Stop::Stop,
        };
        let problem = match finish {
            _ if cut => Some(Problem::TruncatedCall),
            _ if !calls.is_empty() => None,
            Finish::Context => Some(Problem::ContextLength),
            Finish::ToolCalls => Some(Problem::EmptyToolCalls),
            Finish::Length | Finish::Stop => content.trim().is_empty().then_some(Problem::EmptyAnswer),
        };
        (stop, problem)
    }
}

/// The calls that stand in a text: names are taken from the tools where there are any.
pub fn calls_in(text: &str, tools: &[Tool]) -> Vec<ToolCall> {
    parse(text, tools).calls
}

fn parse(text: &str, tools: &[Tool]) -> Parsed {
    let mut parser = Parser::new(tools);
    parser.push(text);
    parser.finish()
}

/// The text of which a server could not make a call.
fn failed_generation(error: &Value) -> Option<&str> {
    error.get("failed_generation")?.as_str().filter(|text| !text.trim().is_empty())
}

/// The code of an error, whatever the member is called.
fn code(error: &Value) -> String {
    let named = ["code", "status_code", "type", "status"].iter().find_map(|member| match error.get(member)? {
        Value::Number(number) => Some(number.to_string()),
        Value::String(word) if !word.is_empty() => Some(word.clone()),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
    });
    named.unwrap_or_else(|| "error".to_owned())
}
