//! Hands that only know what was recorded: the same call gets the result that it got, any other one gets none.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use agent::{CallResult, Calling, Effect, Hands, Step};
use serde_json::{Map, Value, json};

pub struct Tape {
    tools: Vec<llm::Tool>,
    /// by name and arguments, in the order in which they came
    results: Mutex<BTreeMap<(String, String), VecDeque<CallResult>>>,
    missing: AtomicUsize,
}

impl Tape {
    /// `offered` are the names that the run was offered, `known` the tools that there are now.
    pub fn new(steps: &[Step], offered: &[String], known: &[llm::Tool]) -> Self {
        let mut results: BTreeMap<(String, String), VecDeque<CallResult>> = BTreeMap::new();
        for step in steps {
            if let Step::Called { call, result, .. } = step {
                results.entry(key(&call.name, &call.arguments)).or_default().push_back(result.clone());
            }
        }
        let tool = |name: &String| {
            known.iter().find(|tool| tool.name == *name).cloned().unwrap_or_else(|| llm::Tool {
                name: name.clone(),
                description: "A tool of the recorded run; its description was not recorded.".to_owned(),
                parameters: json!({"type": "object"}),
            })
        };
        Self { tools: offered.iter().map(tool).collect(), results: Mutex::new(results), missing: AtomicUsize::new(0) }
    }

    /// How many calls were made that the recording does not hold.
    pub fn missing(&self) -> usize {
        self.missing.load(Ordering::Relaxed)
    }
}

/// The order of arguments does not matter.
fn key(name: &str, arguments: &Map<String, Value>) -> (String, String) {
    let mut arguments = Value::Object(arguments.clone());
    arguments.sort_all_objects();
    (name.to_owned(), arguments.to_string())
}

impl Hands for Tape {
    fn tools(&self) -> Vec<llm::Tool> {
        self.tools.clone()
    }

    /// Whatever it once did, here it only plays a recording.
    fn effect(&self, name: &str) -> Option<Effect> {
        self.tools.iter().any(|tool| tool.name == name).then_some(Effect::Read)
    }

    fn call<'a>(&'a self, name: &'a str, arguments: &'a Map<String, Value>) -> Calling<'a> {
        let mut results = self.results.lock().unwrap_or_else(PoisonError::into_inner);
        let found = results.get_mut(&key(name, arguments)).and_then(|list| match list.len() {
            1 => list.front().cloned(),
            _ => list.pop_front(),
        });
        let result = found.unwrap_or_else(|| {
            self.missing.fetch_add(1, Ordering::Relaxed);
            CallResult::error(format!(
                "{name} with these arguments is not in this recording. Answer from what is there, or make a call that was recorded."
            ))
        });
        Box::pin(async move { result })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn called(arguments: Value, text: &str) -> Step {
        let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
        let call = llm::ToolCall { id: "c".to_owned(), name: "events_list".to_owned(), arguments, extra: None };
        Step::Called { call, result: CallResult::text(text), took: Duration::ZERO }
    }

    #[tokio::test]
    async fn the_same_call_gets_what_it_got_and_another_one_nothing() {
        let steps = [
            called(json!({"namespace": "shop", "limit": 5}), "[R1] first"),
            called(json!({"limit": 5, "namespace": "shop"}), "[R2] second"),
        ];
        let tape = Tape::new(&steps, &["events_list".to_owned(), "theirs".to_owned()], &[]);
        let ask = async |namespace: &str| {
            let Value::Object(arguments) = json!({"limit": 5, "namespace": namespace}) else { unreachable!() };
            tape.call("events_list", &arguments).await
        };
        assert_eq!(ask("shop").await.text, "[R1] first");
        assert_eq!(ask("shop").await.text, "[R2] second");
        assert_eq!(ask("shop").await.text, "[R2] second", "the last one stays");
        assert_eq!(tape.missing(), 0);
        let other = ask("prod").await;
        assert!(other.error && other.text.contains("not in this recording"), "{}", other.text);
        assert_eq!(tape.missing(), 1);
        assert_eq!((tape.effect("theirs"), tape.effect("nobody's")), (Some(Effect::Read), None));
    }
}
