//! Stands where the parser of calls in text will: text is text.

use serde_json::Value;

use crate::reply::ToolCall;
use crate::request::Tool;

#[derive(Debug, Default)]
pub struct Parser(String);

#[derive(Debug, Default)]
pub struct Parsed {
    pub calls: Vec<ToolCall>,
    pub visible: String,
    pub reasoning: String,
    pub truncated: bool,
}

impl Parser {
    pub fn new(_tools: &[Tool]) -> Self {
        Self::default()
    }

    pub fn push(&mut self, text: &str) -> String {
        self.0.push_str(text);
        text.to_owned()
    }

    pub fn finish(self) -> Parsed {
        Parsed { visible: self.0, ..Parsed::default() }
    }
}

pub fn lenient(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(text)
}
