//! M11, M12, M14, M15, M16: tools listed and called.

use std::sync::atomic::Ordering;
use std::time::Duration;

use cluster::Class;
use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tools::tool::Hints;
use tools::{Decision, TOOLS};
use tower::ServiceExt;

use super::hands::SECRET;
use super::harness::{Subject, call, limited, post, subject};

async fn listed(subject: &Subject, token: &str) -> Vec<Value> {
    let answer = post("tools/list", json!({})).by(token).to(subject).await;
    answer.result()["tools"].as_array().unwrap().clone()
}

#[tokio::test]
async fn m11_arguments_are_checked_by_name() {
    let subject = subject();
    for (tool, arguments, said) in [
        ("pods_get", json!({}), "argument name: it is required"),
        ("pods_get", json!({"name": 7}), "argument name: it has to be a string, not a number"),
        (
            "pods_get",
            json!({"name": "a", "nmespace": "b"}),
            "argument nmespace: there is no such argument; did you mean namespace?",
        ),
        ("pods_log", json!({"name": "a", "tail": "many"}), "argument tail: it has to be an integer, not a string"),
    ] {
        let answer = call(tool, arguments).to(&subject).await;
        assert_eq!(answer.said(), said);
        assert_eq!(answer.result()["isError"], true);
    }
}

#[tokio::test]
async fn m11_calls_of_one_caller_are_limited_and_others_go_on() {
    let subject = limited(3);
    for _ in 0..3 {
        assert!(call("namespaces_list", json!({})).to(&subject).await.said().contains("shop"));
    }
    let answer = call("namespaces_list", json!({})).to(&subject).await;
    assert!(answer.said().starts_with("Too many calls: 3 a minute are allowed. Wait "), "{answer:?}");
    assert!(call("namespaces_list", json!({})).by("bob").to(&subject).await.said().contains("shop"));
}

#[tokio::test]
async fn m11_every_way_out_is_redacted() {
    let subject = subject();
    let answers = [
        call("alerts_list", json!({})).to(&subject).await,
        call("pods_get", json!({"name": SECRET, "namespace": "shop"})).to(&subject).await,
        call("pods_get", json!({"name": "a", SECRET: 1})).to(&subject).await,
        post("resources/list", json!({})).to(&subject).await,
        post("resources/read", json!({"uri": "midwatch://incident/7"})).to(&subject).await,
    ];
    for answer in answers {
        assert_eq!(answer.status, StatusCode::OK);
        assert!(!answer.text.contains(SECRET), "{}", answer.text);
    }
}

#[tokio::test]
async fn m11_a_sensitive_call_that_cannot_be_recorded_does_not_happen() {
    let subject = subject();
    subject.hands.audit_broken.store(true, Ordering::Relaxed);
    let answer = call("pods_delete", json!({"name": "api-7d9c5b8f6d-x7k2p", "namespace": "shop"})).to(&subject).await;
    assert_eq!(answer.said(), "The audit log cannot be written.");
    assert!(subject.hands.proposals.lock().unwrap().is_empty());
}

#[tokio::test]
async fn m12_what_is_listed_can_be_called_and_nothing_else() {
    let subject = subject();
    for token in ["alice", "viewer"] {
        let names: Vec<String> =
            listed(&subject, token).await.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect();
        assert!(!names.is_empty());
        for tool in TOOLS {
            let answer = call(tool.name, json!({"no-such-argument": 1})).by(token).to(&subject).await;
            let called = answer.status == StatusCode::OK && answer.message()["error"].is_null();
            assert_eq!(called, names.iter().any(|name| name == tool.name), "{token} {}: {answer:?}", tool.name);
        }
    }
    let answer = call("no_such_tool", json!({})).to(&subject).await;
    assert_eq!(answer.message()["error"]["code"], -32602, "{answer:?}");
}

#[tokio::test]
async fn m12_a_role_taken_away_is_gone_from_both_at_once() {
    let subject = subject();
    let before = listed(&subject, "alice").await.len();
    subject.hands.may_write.store(false, Ordering::Relaxed);
    let after = listed(&subject, "alice").await;
    assert!(after.len() < before);
    assert!(after.iter().all(|tool| tool["annotations"]["readOnlyHint"] == true));
    let answer = call("pods_delete", json!({"name": "a"})).to(&subject).await;
    assert_eq!(answer.message()["error"]["message"], "Unknown tool: pods_delete");
}

#[tokio::test]
async fn m12_the_list_is_the_same_on_every_connection() {
    let (one, other) = (subject(), subject());
    let first = listed(&one, "alice").await;
    assert_eq!(first, listed(&one, "bob").await);
    assert_eq!(first, listed(&other, "alice").await);
}

#[tokio::test]
async fn m14_closing_the_stream_stops_the_tool_and_is_written_down() {
    let subject = subject();
    let waiting = json!({"object": "pod/api-7d9c5b8f6d-x7k2p", "namespace": "shop", "until": "Ready", "seconds": 60});
    let request = call("wait_for", waiting).request();
    let router = subject.router.clone();
    let running = tokio::spawn(async move {
        let response = router.oneshot(request).await.unwrap();
        response.into_body().collect().await.unwrap().to_bytes()
    });
    let recorded = |decision: Decision| {
        let recorded = subject.hands.recorded.lock().unwrap();
        recorded.iter().any(|(_, tool, what)| tool == "wait_for" && *what == decision)
    };
    wait_until(|| recorded(Decision::Allowed)).await;
    running.abort();
    wait_until(|| recorded(Decision::Cancelled)).await;
}

/// Fails the test when it does not come true.
async fn wait_until(mut is: impl FnMut() -> bool) {
    for _ in 0..500 {
        if is() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("it did not come true");
}

#[test]
fn m15_no_schema_refers_to_anything_outside_itself() {
    fn walk(value: &Value, path: &str) {
        match value {
            Value::Object(map) => {
                for (key, inner) in map {
                    assert!(!["$ref", "$dynamicRef", "$schema", "$id"].contains(&key.as_str()), "{path}/{key}");
                    walk(inner, &format!("{path}/{key}"));
                }
            }
            Value::Array(items) => items.iter().for_each(|inner| walk(inner, path)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    for tool in TOOLS {
        walk(&(tool.input)(), tool.name);
        walk(&(tool.output)(), tool.name);
    }
}

#[tokio::test]
async fn m15_arguments_like_bombs_are_bounded() {
    let subject = subject();
    let mut deep = json!("x");
    for _ in 0..200 {
        deep = json!([deep]);
    }
    let answer = call("pods_get", json!({"name": deep})).to(&subject).await;
    assert!(answer.status == StatusCode::OK || answer.status.is_client_error(), "{answer:?}");
    let wide: serde_json::Map<String, Value> = (0..20_000).map(|i| (format!("a{i}"), json!(1))).collect();
    let answer = call("pods_get", Value::Object(wide)).to(&subject).await;
    assert!(answer.said().starts_with("argument "), "{answer:?}");
}

#[tokio::test]
async fn m16_all_four_annotations_are_said_and_equal_the_class() {
    let subject = subject();
    for shown in listed(&subject, "alice").await {
        let tool = TOOLS.iter().find(|tool| tool.name == shown["name"]).unwrap();
        let hints = Hints::of(tool.class);
        let expected = json!({"readOnlyHint": hints.read_only, "destructiveHint": hints.destructive,
            "idempotentHint": hints.idempotent, "openWorldHint": hints.open_world});
        assert_eq!(shown["annotations"], expected, "{}", tool.name);
    }
    let of = |class| (Hints::of(class).read_only, Hints::of(class).destructive);
    assert_eq!(of(Class::R), (true, false));
    assert_eq!(of(Class::S), (true, false));
    assert_eq!(of(Class::W), (false, false));
    assert_eq!([of(Class::D), of(Class::X), of(Class::N)], [(false, true); 3]);
}

#[test]
fn m16_what_can_end_in_a_proposal_promises_nothing_else() {
    for tool in TOOLS.iter().filter(|tool| tool.class > Class::S) {
        let required = (tool.output)()["required"].clone();
        assert!(required.is_null() || required == json!([]), "{}: {required}", tool.name);
    }
}
