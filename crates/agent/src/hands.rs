//! What a run can do besides talking: tools with a name, and what each does to the world.

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a call may do. There is no third kind: nothing that a run calls changes a cluster by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// asks only; may be called again
    Read,
    /// leaves something behind, be it only a proposal; never called twice by the program's own doing
    Propose,
}

/// What came back from a call. It is data: nothing in it is ever taken for a call or an order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CallResult {
    pub text: String,
    /// the text says what went wrong
    #[serde(default)]
    pub error: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured: Option<Value>,
}

impl CallResult {
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    pub fn error(text: impl Into<String>) -> Self {
        Self { text: text.into(), error: true, structured: None }
    }
}

pub type Calling<'a> = Pin<Box<dyn Future<Output = CallResult> + Send + 'a>>;

pub trait Hands: Send + Sync {
    /// The tools, always in the same order: providers cache the beginning of a request.
    fn tools(&self) -> Vec<llm::Tool>;
    /// None where there is no such tool.
    fn effect(&self, name: &str) -> Option<Effect>;
    /// Dropping the future gives the call up.
    fn call<'a>(&'a self, name: &'a str, arguments: &'a Map<String, Value>) -> Calling<'a>;
}

/// Hands for a run that may only talk.
#[derive(Debug, Clone, Copy)]
pub struct NoHands;

impl Hands for NoHands {
    fn tools(&self) -> Vec<llm::Tool> {
        Vec::new()
    }

    fn effect(&self, _: &str) -> Option<Effect> {
        None
    }

    fn call<'a>(&'a self, name: &'a str, _: &'a Map<String, Value>) -> Calling<'a> {
        Box::pin(async move { CallResult::error(format!("There is no tool {name}.")) })
    }
}
