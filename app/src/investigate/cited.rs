//! Results of a run's calls with ids, so that what a model says can cite them.

use std::sync::atomic::{AtomicUsize, Ordering};

use agent::{CallResult, Calling, Effect, Hands, Step, Toolbox};
use llm::ToolCall;
use serde_json::{Map, Value};

/// Hands whose results begin with an id: `[R1] ...`.
pub struct Cited {
    toolbox: Toolbox,
    count: AtomicUsize,
}

impl Cited {
    /// `before` results have their ids already.
    pub fn new(toolbox: Toolbox, before: usize) -> Self {
        Self { toolbox, count: AtomicUsize::new(before) }
    }
}

impl Hands for Cited {
    fn tools(&self) -> Vec<llm::Tool> {
        self.toolbox.tools()
    }

    fn effect(&self, name: &str) -> Option<Effect> {
        self.toolbox.effect(name)
    }

    fn call<'a>(&'a self, name: &'a str, arguments: &'a Map<String, Value>) -> Calling<'a> {
        Box::pin(async move {
            let result = self.toolbox.call(name, arguments).await;
            let n = self.count.fetch_add(1, Ordering::Relaxed) + 1;
            CallResult { text: format!("[R{n}] {}", result.text), ..result }
        })
    }
}

/// What one call brought.
#[derive(Debug, Clone, Copy)]
pub struct Brought<'a> {
    pub id: &'a str,
    pub text: &'a str,
    pub call: &'a ToolCall,
    pub result: &'a CallResult,
}

/// The results of a run that have an id.
pub fn brought(steps: &[Step]) -> impl Iterator<Item = Brought<'_>> {
    steps.iter().filter_map(|step| match step {
        Step::Called { call, result, .. } => {
            let (id, text) = result.text.strip_prefix('[')?.split_once("] ")?;
            Some(Brought { id, text, call, result })
        }
        Step::Asked { .. }
        | Step::Replied { .. }
        | Step::Calling { .. }
        | Step::Nudged { .. }
        | Step::Cut { .. }
        | Step::WrappedUp { .. }
        | Step::Ended { .. } => None,
    })
}

/// Their ids and texts.
pub fn results(steps: &[Step]) -> Vec<(String, String)> {
    brought(steps).map(|one| (one.id.to_owned(), one.text.to_owned())).collect()
}
