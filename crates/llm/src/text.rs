//! Tool calls that a model printed as text. `markers` is the page of all dialects; each family of bodies has its file.

mod block;
mod gate;
mod harmony;
pub mod json;
mod kimi_k3;
mod markers;
pub mod mode;
mod python;
mod quotes;
mod react;
mod scan;
mod tag;
mod tame;
mod tools;
mod weak;
mod xml;

pub use tame::tame;

use crate::reply::ToolCall;
use crate::request::Tool;
use gate::Gate;
use tools::Tools;

/// A reply is read as a whole at its end; while it streams, only what can be no part of a call is let through.
#[derive(Debug, Default)]
pub struct Parser {
    text: String,
    tools: Tools,
    gate: Gate,
}

/// What a reply's text was.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Parsed {
    pub calls: Vec<ToolCall>,
    /// the whole text for a reader, without markers and calls
    pub visible: String,
    pub reasoning: String,
    /// the reply ended inside a call, which was not taken
    pub truncated: bool,
    /// why a call was not taken, in words for the model
    pub invalid: Vec<String>,
}

impl Parser {
    pub fn new(tools: &[Tool]) -> Self {
        Self { tools: Tools::new(tools), ..Self::default() }
    }

    /// Takes a piece of the reply; returns the text that may be shown now.
    pub fn push(&mut self, piece: &str) -> String {
        self.text.push_str(piece);
        self.gate.open(&self.text, &self.tools).to_owned()
    }

    pub fn finish(self) -> Parsed {
        let scan = scan::scan(&self.text, &self.tools);
        let calls = scan.calls.into_iter().enumerate().map(|(i, call)| ToolCall {
            id: format!("call_{i}"),
            name: call.name,
            arguments: call.arguments,
            extra: None,
        });
        Parsed {
            calls: if scan.truncated { Vec::new() } else { calls.collect() },
            visible: scan.visible,
            reasoning: scan.reasoning.trim().to_owned(),
            truncated: scan.truncated,
            invalid: scan.invalid,
        }
    }
}
