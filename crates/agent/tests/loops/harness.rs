//! Hands that count, a record that keeps, and a run in one line.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use agent::{Budget, CallResult, Calling, Effect, Event, Hands, Outcome, Policy, Record, Step, Task};
use llm::pretend::Model;
use serde_json::{Map, Value, json};
use tokio::sync::Barrier;
use tokio_util::sync::CancellationToken;

/// `pods_list` and `events_list` read, `scale` proposes, `together` returns when five wait, `never` does not return.
pub struct Tools {
    pub made: Mutex<Vec<String>>,
    five: Barrier,
}

impl Default for Tools {
    fn default() -> Self {
        Self { made: Mutex::default(), five: Barrier::new(5) }
    }
}

impl Tools {
    pub fn made(&self) -> Vec<String> {
        self.made.lock().unwrap().clone()
    }
}

impl Hands for Tools {
    fn tools(&self) -> Vec<llm::Tool> {
        let tool = |name: &str, parameters: Value| llm::Tool {
            name: name.to_owned(),
            description: format!("{name} of a cluster"),
            parameters,
        };
        let namespace = json!({"type": "object", "properties": {"namespace": {"type": "string"}}});
        let scale = json!({"type": "object", "required": ["name", "replicas"], "properties": {
            "name": {"type": "string"}, "replicas": {"type": "integer"}}});
        vec![
            tool("events_list", namespace.clone()),
            tool("never", json!({"type": "object", "properties": {}})),
            tool("pods_list", namespace),
            tool("scale", scale),
            tool("together", json!({"type": "object", "properties": {"n": {"type": "integer"}}})),
        ]
    }

    fn effect(&self, name: &str) -> Option<Effect> {
        match name {
            "events_list" | "never" | "pods_list" | "together" => Some(Effect::Read),
            "scale" => Some(Effect::Propose),
            _ => None,
        }
    }

    fn call<'a>(&'a self, name: &'a str, arguments: &'a Map<String, Value>) -> Calling<'a> {
        Box::pin(async move {
            self.made.lock().unwrap().push(name.to_owned());
            match name {
                "together" => {
                    self.five.wait().await;
                }
                "never" => std::future::pending().await,
                _ => {}
            }
            CallResult::text(format!("{name} {}", Value::Object(arguments.clone())))
        })
    }
}

/// Steps as they would stand on a disk: through JSON and back.
#[derive(Default)]
pub struct Kept {
    pub steps: Mutex<Vec<Step>>,
    pub full_after: Option<usize>,
}

impl Record for Kept {
    fn step(&self, run: &str, step: &Step) -> Result<(), String> {
        assert_eq!(run, "r1");
        let mut steps = self.steps.lock().unwrap();
        if self.full_after.is_some_and(|most| steps.len() >= most) {
            return Err("the disk is full".to_owned());
        }
        steps.push(serde_json::from_value(serde_json::to_value(step).unwrap()).unwrap());
        Ok(())
    }
}

pub fn models(url: &str) -> llm::Models {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let settings: llm::Settings =
        serde_json::from_value(json!([{"name": "pretend", "url": url, "model": "pretend", "dialect": "openai_chat"}]))
            .unwrap();
    llm::Models::new(&settings, None).unwrap()
}

pub fn task(policy: Policy) -> Task {
    Task {
        id: "r1".to_owned(),
        messages: vec![
            llm::Message::System { content: "Find the cause.".to_owned() },
            llm::Message::User { content: "Why is shop/cart not ready?".to_owned() },
        ],
        schema: None,
        wrap_up: "Sum up now, call nothing.".to_owned(),
        closing: "No model finished; this was read:".to_owned(),
        policy,
        thinking: llm::Thinking::Default,
        max_tokens: None,
        cancel: CancellationToken::new(),
    }
}

pub struct Ran {
    pub outcome: Outcome,
    pub tools: Arc<Tools>,
    pub kept: Kept,
    pub events: Vec<Event>,
}

pub fn quick() -> Budget {
    Budget { time: Duration::from_secs(60), ..Budget::default() }
}

pub async fn go(model: &Model, task: Task, budget: Budget) -> Ran {
    go_on(model, task, budget, Vec::new(), Kept::default()).await
}

/// Fails to compile where a run cannot be spawned.
fn movable<T>(future: impl Future<Output = T> + Send) -> impl Future<Output = T> + Send {
    future
}

pub async fn go_on(model: &Model, task: Task, budget: Budget, past: Vec<Step>, kept: Kept) -> Ran {
    let tools = Arc::new(Tools::default());
    let mut events = Vec::new();
    let models = models(&model.url);
    let mut on = |event| events.push(event);
    let outcome = movable(agent::run(&models, &*tools, task, budget, &kept, past, &mut on)).await;
    assert!(!outcome.text.trim().is_empty());
    assert_eq!(model.violations(), Vec::<String>::new());
    Ran { outcome, tools, kept, events }
}

/// What the model was told as results, in its last request.
pub fn results(model: &Model) -> Vec<String> {
    let last = model.requests().pop().unwrap();
    let messages = last["messages"].as_array().unwrap().clone();
    let tool = |message: Value| (message["role"] == "tool").then(|| message["content"].as_str().unwrap().to_owned());
    messages.into_iter().filter_map(tool).collect()
}
