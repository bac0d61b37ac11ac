//! Every end has an answer: limits, cancelling, a model that is not there or does not stop, a full disk.

use std::time::Duration;

use agent::{Budget, Limit, Policy, Step, WhyEnded};
use llm::pretend::{Model, Turn};
use serde_json::{Value, json};

use crate::harness::{Kept, Tools, go, go_on, models, quick, task};

fn calling_for_ever(body: &Value) -> Turn {
    Turn::call("pods_list", json!({"namespace": body["messages"].as_array().unwrap().len().to_string()}))
}

#[tokio::test]
async fn at_the_end_of_the_rounds_it_is_told_to_sum_up() {
    let model = Model::acting(|body| match body["messages"].to_string().contains("Sum up") {
        true => Turn::text("The pods are fine.").and_call("pods_list", json!({"namespace": "late"})),
        false => calling_for_ever(body),
    });
    let model = model.await.unwrap();
    let ran = go(&model, task(Policy::ReadOnly), Budget { rounds: 3, ..quick() }).await;
    assert_eq!(ran.outcome.why_ended, WhyEnded::Budget { limit: Limit::Rounds });
    assert_eq!((ran.outcome.text.as_str(), ran.outcome.by_program), ("The pods are fine.", false));
    // the call that still came was not made
    assert_eq!(ran.tools.made().len(), 3);
    let requests = model.requests();
    assert_eq!(requests.len(), 4);
    let last = requests[3]["messages"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((last["role"].as_str(), last["content"].as_str()), (Some("user"), Some("Sum up now, call nothing.")));
    assert_eq!(requests[0]["tools"], requests[3]["tools"]);
}

#[tokio::test]
async fn where_no_summary_comes_the_program_writes_one() {
    let model = Model::acting(calling_for_ever).await.unwrap();
    let ran = go(&model, task(Policy::ReadOnly), Budget { calls: 2, ..quick() }).await;
    assert_eq!(ran.outcome.why_ended, WhyEnded::Budget { limit: Limit::Calls });
    assert!(ran.outcome.by_program);
    assert_eq!(ran.tools.made().len(), 2);
    let text = ran.outcome.text;
    assert!(text.starts_with("No model finished; this was read:"), "{text}");
    assert!(text.contains("- pods_list {\"namespace\":\"2\"}: pods_list {\"namespace\":\"2\"}"), "{text}");
    assert!(matches!(ran.outcome.messages.last(), Some(llm::Message::Assistant { content, .. }) if *content == text));
}

#[tokio::test]
async fn a_model_that_does_not_stop_is_stopped() {
    let model = Model::acting(|_| Turn::text("The claim is too small. ").rate(200).endless()).await.unwrap();
    let budget = Budget { time: Duration::from_millis(400), ..Budget::default() };
    let ran = go(&model, task(Policy::ReadOnly), budget).await;
    assert_eq!(ran.outcome.why_ended, WhyEnded::Budget { limit: Limit::Time });
    assert!(ran.outcome.by_program);
    // what it had said is not thrown away
    assert!(ran.outcome.text.contains("The claim"), "{}", ran.outcome.text);
    while model.open() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_call_that_does_not_return_is_given_up_and_the_model_sums_up() {
    let turns = vec![
        Turn::call("never", json!({})).and_call("pods_list", json!({})),
        Turn::text("The pods are fine, the rest did not answer."),
    ];
    let model = Model::start(turns).await.unwrap();
    let budget = Budget { time: Duration::from_secs(3), ..Budget::default() };
    let ran = go(&model, task(Policy::ReadOnly), budget).await;
    assert_eq!(ran.outcome.why_ended, WhyEnded::Budget { limit: Limit::Time });
    assert_eq!(ran.outcome.text, "The pods are fine, the rest did not answer.");
    let told = crate::harness::results(&model);
    assert!(told[0].starts_with("Given up"), "{told:?}");
    assert_eq!(told[1], "pods_list {}");
}

#[tokio::test]
async fn a_run_is_cancelled_while_the_model_speaks_and_while_a_call_goes() {
    for turn in [Turn::text("Slowly. ").rate(50).endless(), Turn::call("never", json!({}))] {
        let model = Model::start(vec![turn]).await.unwrap();
        let task = task(Policy::ReadOnly);
        let cancel = task.cancel.clone();
        let (models, tools, kept) = (models(&model.url), Tools::default(), Kept::default());
        let mut on = |event: agent::Event| match event {
            agent::Event::Model { model: llm::Event::Text { .. } } | agent::Event::CallBegan { .. } => cancel.cancel(),
            _ => {}
        };
        let outcome = agent::run(&models, &tools, task, quick(), &kept, Vec::new(), &mut on).await;
        assert_eq!(outcome.why_ended, WhyEnded::Cancelled);
        assert!(!outcome.text.is_empty());
        assert_eq!(model.requests().len(), 1);
    }
}

#[tokio::test]
async fn without_a_model_there_is_an_answer() {
    let gone = Model::start(Vec::new()).await.unwrap();
    let url = gone.url.clone();
    drop(gone);
    let (tools, kept) = (Tools::default(), Kept::default());
    let outcome =
        agent::run(&models(&url), &tools, task(Policy::ReadOnly), quick(), &kept, Vec::new(), &mut |_| {}).await;
    let WhyEnded::Model { tried, .. } = &outcome.why_ended else { panic!("{:?}", outcome.why_ended) };
    assert_eq!(tried.iter().map(|one| one.class).collect::<Vec<_>>(), [llm::Class::Unreachable]);
    assert_eq!(outcome.text, "No model finished; this was read:");
}

#[tokio::test]
async fn a_step_that_cannot_be_written_down_is_not_gone_on_from() {
    // asked, replied, and no more: the proposal's beginning cannot be kept, so it is not made
    let model = Model::acting(|_| Turn::call("scale", json!({"name": "cart", "replicas": 5}))).await.unwrap();
    let kept = Kept { full_after: Some(2), ..Kept::default() };
    let ran = go_on(&model, task(Policy::MayPropose), quick(), Vec::new(), kept).await;
    assert_eq!(ran.tools.made(), Vec::<String>::new());
    assert_eq!(ran.outcome.why_ended, WhyEnded::Record { message: "the disk is full".to_owned() });
    assert!(!ran.outcome.steps.iter().any(|step| matches!(step, Step::Calling { .. })));
}

#[tokio::test]
async fn tokens_and_money_are_limits() {
    let model = Model::acting(calling_for_ever).await.unwrap();
    let ran = go(&model, task(Policy::ReadOnly), Budget { tokens: 1, ..quick() }).await;
    assert_eq!(ran.outcome.why_ended, WhyEnded::Budget { limit: Limit::Tokens });
    let spent = agent::Spent { rounds: 1, calls: 1, tokens: 10, money: 0.5 };
    assert_eq!(Budget { money: Some(0.5), ..quick() }.reached(&spent), Some(Limit::Money));
    assert_eq!(Budget { money: Some(0.6), ..quick() }.reached(&spent), None);
}
