//! What the loop itself costs a round: runs of many rounds against a scripted model that answers at once, beside the
//! same questions asked without a loop.

use std::sync::Arc;
use std::time::Instant;

use agent::{Budget, CallResult, Calling, Effect, Hands, NoRecord, Policy, Task};
use llm::pretend::{Model, Turn};
use serde_json::{Map, Value, json};

struct Quick;

impl Hands for Quick {
    fn tools(&self) -> Vec<llm::Tool> {
        let parameters = json!({"type": "object", "properties": {"n": {"type": "integer"}}});
        vec![llm::Tool { name: "pods_list".to_owned(), description: "pods".to_owned(), parameters }]
    }

    fn effect(&self, _: &str) -> Option<Effect> {
        Some(Effect::Read)
    }

    fn call<'a>(&'a self, _: &'a str, _: &'a Map<String, Value>) -> Calling<'a> {
        Box::pin(async { CallResult::text("pod cart-1 is Pending\n".repeat(100)) })
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let rounds: u32 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(40);
    let model = Model::acting(move |body| {
        let said = body["messages"].as_array().map_or(0, Vec::len);
        match said >= 2 * rounds as usize {
            true => Turn::text("It is pending."),
            false => Turn::call("pods_list", json!({"n": said})),
        }
    })
    .await?;
    let settings = json!([{"name": "p", "url": model.url, "model": "p", "dialect": "openai_chat"}]);
    let models = llm::Models::new(&serde_json::from_value(settings)?, None)?;
    let task = Task {
        id: "r".to_owned(),
        messages: vec![llm::Message::User { content: "Why?".to_owned() }],
        schema: None,
        wrap_up: "Sum up.".to_owned(),
        closing: "No model.".to_owned(),
        policy: Policy::ReadOnly,
        thinking: llm::Thinking::Default,
        max_tokens: None,
        cancel: Default::default(),
    };
    let budget = Budget { rounds: rounds + 1, calls: rounds + 1, tokens: u64::MAX, ..Budget::default() };
    let began = Instant::now();
    let outcome = agent::run(&models, &Quick, task, budget, &NoRecord, Vec::new(), &mut |_| {}).await;
    let looped = began.elapsed();
    // the same questions, bare
    let tools = Arc::new(Quick).tools();
    let bare = Instant::now();
    let mut asked = 0;
    for length in 1..=outcome.messages.len() {
        let messages = outcome.messages[..length].to_vec();
        if matches!(messages.last(), Some(llm::Message::Assistant { .. })) {
            continue;
        }
        let request = llm::Request { messages, tools: tools.clone(), ..llm::Request::default() };
        let deadline = tokio::time::Instant::now() + std::time::Duration::from_secs(60);
        models.ask(&request, deadline, &mut |_| {}).await?;
        asked += 1;
    }
    let bare = bare.elapsed();
    println!("{} rounds: {looped:?} with the loop, {bare:?} for {asked} bare questions", outcome.rounds);
    println!("the loop itself: {:?} a round", looped.saturating_sub(bare) / outcome.rounds);
    Ok(())
}
