//! What the first question to a model costs, counted with a real tokenizer. `EVERY=1` looks at all cases.

use tiktoken_rs::{CoreBPE, o200k_base_singleton};

use crate::evals::{every, judge};

/// Tokens around a message, as OpenAI's chat format has them.
const AROUND: usize = 4;

/// Tokens of a request in OpenAI's format: its messages, and the tools as they are sent.
fn tokens(counter: &CoreBPE, body: &serde_json::Value) -> (usize, usize) {
    let count = |text: &str| counter.encode_ordinary(text).len();
    let messages = body["messages"].as_array().unwrap().iter();
    let messages = messages.map(|message| AROUND + count(message["content"].as_str().unwrap())).sum();
    (messages, count(&body["tools"].to_string()))
}

fn at(sorted: &[usize], share: usize) -> usize {
    sorted[(sorted.len() * share / 100).min(sorted.len() - 1)]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_request_is_short() {
    let n = std::env::var("EVERY").map_or(20, |n| n.parse().unwrap());
    let counter = o200k_base_singleton();
    for lang in [diagnose::Lang::En, diagnose::Lang::Zh] {
        let (model, judge) = judge("good", lang).await;
        let cases = every(n);
        midwatch::eval::scores(&cases, &[judge], 4, |_| {}).await;
        let counted: Vec<(usize, usize)> = model.requests().iter().map(|body| tokens(counter, body)).collect();
        assert_eq!(counted.len(), cases.len(), "one request for each case");
        let mut all: Vec<usize> = counted.iter().map(|(messages, tools)| messages + tools).collect();
        all.sort_unstable();
        println!(
            "{lang:?}: {} cases, first request p50 {} p95 {} max {} tokens (o200k), {} of them tools",
            all.len(),
            at(&all, 50),
            at(&all, 95),
            at(&all, 100),
            counted[0].1
        );
        assert!(at(&all, 95) <= 6_000, "p95 is {}", at(&all, 95));
    }
}
