//! What the loop makes of one reply after another.

use agent::{Event, Policy, Step, WhyEnded};
use llm::pretend::{Model, Turn};
use serde_json::{Value, json};

use crate::harness::{go, quick, results, task};

const ANSWER: &str = "The claim asks for 5Gi, its class begins at 10Gi.";

#[tokio::test]
async fn a_call_is_made_and_its_result_told() {
    let turns = vec![Turn::call("pods_list", json!({"namespace": "shop"})), Turn::text(ANSWER)];
    let model = Model::start(turns).await.unwrap();
    let ran = go(&model, task(Policy::ReadOnly), quick()).await;
    assert_eq!(ran.outcome.text, ANSWER);
    assert_eq!(ran.outcome.why_ended, WhyEnded::Answered);
    assert!(!ran.outcome.by_program);
    assert_eq!((ran.outcome.rounds, model.requests().len()), (2, 2));
    assert_eq!(results(&model), ["pods_list {\"namespace\":\"shop\"}"]);
    // the second request begins with the first one, byte for byte
    let requests = model.requests();
    let (first, second) = (requests[0]["messages"].as_array().unwrap(), requests[1]["messages"].as_array().unwrap());
    assert_eq!(first[..], second[..first.len()]);
    assert_eq!(requests[0]["tools"], requests[1]["tools"]);
    // what was written down is what happened
    assert_eq!(*ran.kept.steps.lock().unwrap(), ran.outcome.steps);
    assert!(matches!(ran.events.last(), Some(Event::Ended { .. })));
    assert!(ran.events.iter().any(|event| matches!(event, Event::CallEnded { ok: true, bytes: 30, .. })));
}

#[tokio::test]
async fn calls_of_one_reply_go_side_by_side() {
    let five = (0..5).fold(Turn::text(""), |turn, n| turn.and_call("together", json!({"n": n})));
    let model = Model::start(vec![five, Turn::text(ANSWER)]).await.unwrap();
    let ran = go(&model, task(Policy::ReadOnly), quick()).await;
    // one after another they would wait for ever
    assert_eq!(ran.outcome.text, ANSWER);
    let told: Vec<String> = (0..5).map(|n| format!("together {{\"n\":{n}}}")).collect();
    assert_eq!(results(&model), told);
}

#[tokio::test]
async fn a_run_that_only_reads_never_proposes() {
    let scale = json!({"name": "cart", "replicas": 0});
    let model = Model::start(vec![Turn::call("scale", scale.clone()), Turn::text(ANSWER)]).await.unwrap();
    let ran = go(&model, task(Policy::ReadOnly), quick()).await;
    assert_eq!(ran.tools.made(), Vec::<String>::new());
    assert!(results(&model)[0].contains("not allowed in this run"));
    assert!(!model.requests()[0]["tools"].to_string().contains("scale"));

    let model = Model::start(vec![Turn::call("scale", scale), Turn::text(ANSWER)]).await.unwrap();
    let ran = go(&model, task(Policy::MayPropose), quick()).await;
    assert_eq!(ran.tools.made(), ["scale"]);
}

#[tokio::test]
async fn an_unknown_tool_is_answered_with_the_real_ones_and_three_end_it() {
    let acting = |body: &Value| match body["messages"].as_array().unwrap().last().unwrap()["role"].as_str() {
        Some("tool") if body["messages"].as_array().unwrap().len() > 6 => Turn::call("kubectl", json!({"n": 3})),
        Some("user") if body["messages"].to_string().contains("Sum up") => Turn::text(ANSWER),
        _ => Turn::call("list_pods", json!({"n": body["messages"].as_array().unwrap().len()})),
    };
    let model = Model::acting(acting).await.unwrap();
    let ran = go(&model, task(Policy::ReadOnly), quick()).await;
    assert_eq!(ran.outcome.why_ended, WhyEnded::UnknownTools);
    assert_eq!(ran.outcome.text, ANSWER);
    assert_eq!(ran.tools.made(), Vec::<String>::new());
    let told = results(&model);
    assert!(told[0].contains("Did you mean pods_list?"), "{told:?}");
    assert!(told[0].contains("events_list, never, pods_list, together"), "{told:?}");
    assert_eq!(told.len(), 3);
}

#[tokio::test]
async fn wrong_arguments_are_answered_with_the_schema() {
    let turns = vec![Turn::call("scale", json!({"name": "cart", "replicas": "many"})), Turn::text(ANSWER)];
    let model = Model::start(turns).await.unwrap();
    let ran = go(&model, task(Policy::MayPropose), quick()).await;
    assert_eq!(ran.tools.made(), Vec::<String>::new());
    let told = results(&model);
    assert!(told[0].contains("replicas has to be integer") && told[0].contains("\"required\""), "{told:?}");
}

#[tokio::test]
async fn the_same_call_is_made_once_and_the_third_time_ends_it() {
    let acting = |body: &Value| match body["messages"].to_string().contains("Sum up") {
        true => Turn::text(ANSWER),
        false => Turn::call("pods_list", json!({"namespace": "shop"})),
    };
    let model = Model::acting(acting).await.unwrap();
    let ran = go(&model, task(Policy::ReadOnly), quick()).await;
    assert_eq!(ran.tools.made(), ["pods_list"]);
    assert_eq!(ran.outcome.why_ended, WhyEnded::Repeating { name: "pods_list".to_owned() });
    assert_eq!(ran.outcome.text, ANSWER);
    let told = results(&model);
    assert!(
        told[1].contains("You already called pods_list") && told[1].contains("{\"namespace\":\"shop\"}"),
        "{told:?}"
    );
    assert_eq!(model.requests().len(), 4);
}

#[tokio::test]
async fn an_announcement_is_reminded_of_three_times() {
    let model = Model::acting(|_| Turn::text("Let me check the events.")).await.unwrap();
    let ran = go(&model, task(Policy::ReadOnly), quick()).await;
    assert_eq!(ran.outcome.why_ended, WhyEnded::NothingButAnnouncements);
    assert!(ran.outcome.by_program);
    let nudged = ran.outcome.steps.iter().filter(|step| matches!(step, Step::Nudged { .. })).count();
    // four rounds, and the order to sum up
    assert_eq!((nudged, model.requests().len()), (3, 5));

    let turns = vec![Turn::text("Let me check the pods."), Turn::call("pods_list", json!({})), Turn::text(ANSWER)];
    let model = Model::start(turns).await.unwrap();
    let ran = go(&model, task(Policy::ReadOnly), quick()).await;
    assert_eq!((ran.outcome.text.as_str(), ran.outcome.why_ended), (ANSWER, WhyEnded::Answered));
}

#[tokio::test]
async fn a_thousand_calls_at_once_are_sixteen() {
    let many =
        (0..1000).fold(Turn::text(""), |turn, n| turn.and_call("events_list", json!({"namespace": n.to_string()})));
    let model = Model::start(vec![many, Turn::text(ANSWER)]).await.unwrap();
    let ran = go(&model, task(Policy::ReadOnly), quick()).await;
    assert_eq!(ran.tools.made().len(), 16);
    assert_eq!(ran.outcome.text, ANSWER);
    assert!(ran.outcome.steps.iter().any(|step| matches!(step, Step::Cut { what } if what.contains("984 of 1000"))));
}

#[tokio::test]
async fn an_answer_has_the_form_that_was_asked_for() {
    let turns = vec![Turn::text(ANSWER), Turn::text("```json\n{\"cause\": \"5Gi\"}\n```")];
    let model = Model::start(turns).await.unwrap();
    let mut task = task(Policy::ReadOnly);
    task.schema = Some(json!({"type": "object", "required": ["cause"], "properties": {"cause": {"type": "string"}}}));
    let ran = go(&model, task, quick()).await;
    assert_eq!(ran.outcome.structured, Some(json!({"cause": "5Gi"})));
    assert_eq!(ran.outcome.why_ended, WhyEnded::Answered);
}
