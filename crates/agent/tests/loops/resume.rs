//! A run that was broken off after any of its steps goes on, and makes no proposal twice.

use agent::{Policy, Step, WhyEnded};
use llm::pretend::{Model, Turn};
use serde_json::{Value, json};

use crate::harness::{Kept, go, go_on, quick, task};

const ANSWER: &str = "A change to five replicas is proposed.";

/// What a sensible model does next, judged from the conversation alone.
fn next(body: &Value) -> Turn {
    let messages = body["messages"].as_array().unwrap();
    match messages.iter().filter(|message| message["role"] == "assistant").count() {
        0 => Turn::call("pods_list", json!({})).and_call("events_list", json!({})),
        1 => {
            Turn::call("scale", json!({"name": "cart", "replicas": 5})).and_call("pods_list", json!({"namespace": "a"}))
        }
        _ => Turn::text(ANSWER),
    }
}

#[tokio::test]
async fn from_every_step_on() {
    let model = Model::acting(next).await.unwrap();
    let whole = go(&model, task(Policy::MayPropose), quick()).await;
    assert_eq!(whole.outcome.text, ANSWER);
    let steps = whole.outcome.steps;
    assert_eq!(steps.len(), 3 * 2 + 4 * 2 + 1);
    let begun =
        steps.iter().position(|step| matches!(step, Step::Calling { call, .. } if call.name == "scale")).unwrap();
    let done = steps.iter().position(|step| matches!(step, Step::Called { call, .. } if call.name == "scale")).unwrap();
    for length in 0..=steps.len() {
        let model = Model::acting(next).await.unwrap();
        let kept = Kept::default();
        let past: Vec<Step> = steps[..length].to_vec();
        let mut other = task(Policy::MayPropose);
        // the record's own beginning counts, whatever the caller words now
        if length > 0 {
            other.messages.clear();
        }
        let ran = go_on(&model, other, quick(), past, kept).await;
        assert_eq!((ran.outcome.text.as_str(), &ran.outcome.why_ended), (ANSWER, &WhyEnded::Answered), "{length}");
        let again = ran.tools.made().iter().filter(|name| *name == "scale").count();
        assert_eq!(again, usize::from(length <= begun), "after {length} steps");
        let unknown = ran.outcome.steps.iter().any(
            |step| matches!(step, Step::Called { call, result, .. } if call.name == "scale" && result.text.contains("unknown whether")),
        );
        assert_eq!(unknown, length > begun && length <= done, "after {length} steps");
        let ends = ran.outcome.steps.iter().filter(|step| matches!(step, Step::Ended { .. })).count();
        assert_eq!(ends, 1);
    }
}
