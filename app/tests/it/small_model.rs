//! An alert with a real model of 135 million parameters, which has no tools, a window of 4,096 tokens and no idea.

use std::time::Duration;

use serde_json::json;

use crate::model::{seen_within, stands};

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the small model: make small-model"]
async fn an_alert_ends_with_the_cause_of_the_rules() {
    let named = std::env::var("SMALL_MODEL_URL");
    let url = named.unwrap_or_else(|_| panic!("SMALL_MODEL_URL names no server: testbed/small-model/run starts one"));
    let models = json!([{"name": "small", "url": url, "model": "smollm2", "deadline_s": 240, "max_output": 400}]);
    let seen = seen_within(Duration::from_secs(400), models, || 0).await;
    stands(&seen, "the small model");
    assert!(!seen.words["dropped"].as_array().unwrap().is_empty(), "{}", seen.words);
    println!("{}\n{:#}", seen.cards.last().unwrap(), seen.words);
}
