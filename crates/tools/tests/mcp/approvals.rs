//! M7, M8, M13: a proposal's way to a person and back.

use http::StatusCode;
use serde_json::{Value, json};
use tools::Standing;

use super::harness::{Answer, Post, Subject, call, old, session, subject};

const TARGET: &str = "api-7d9c5b8f6d-x7k2p";

fn delete() -> Post {
    call("pods_delete", json!({"name": TARGET, "namespace": "shop"}))
}

/// A call that ends in a request for approval; its state.
async fn asked(subject: &Subject) -> (Answer, String) {
    let answer = delete().opens_pages().to(subject).await;
    let state = answer.result()["requestState"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned();
    (answer, state)
}

fn back(mut post: Post, state: &str, action: &str) -> Post {
    post.body["params"]["requestState"] = state.into();
    post.body["params"]["inputResponses"] = json!({"approval": {"action": action}});
    post
}

fn refused(answer: &Answer) -> bool {
    answer.message()["error"]["message"] == "requestState is not valid: call again without it"
}

#[tokio::test]
async fn m13_the_person_is_sent_to_our_page_and_never_asked_in_a_form() {
    let subject = subject();
    let (answer, _) = asked(&subject).await;
    let asked = &answer.result()["inputRequests"]["approval"];
    assert_eq!(asked["method"], "elicitation/create");
    assert_eq!(asked["params"]["mode"], "url");
    let url = asked["params"]["url"].as_str().unwrap();
    assert_eq!(url, "https://midwatch.example/approvals/P-1", "the address carries no right of its own");
    assert!(asked["params"]["requestedSchema"].is_null());
}

#[tokio::test]
async fn m13_an_accepted_elicitation_is_no_approval() {
    let subject = subject();
    let (_, state) = asked(&subject).await;
    subject.hands.decide("P-1", Standing::Denied);
    let answer = back(delete().opens_pages(), &state, "accept").to(&subject).await;
    assert!(answer.said().starts_with("P-1 was denied, nothing has changed"), "{answer:?}");
    assert_eq!(answer.result()["structuredContent"]["proposal"]["standing"], "denied");
}

#[tokio::test]
async fn m13_once_a_person_approved_the_answer_tells_the_outcome() {
    let subject = subject();
    let (_, state) = asked(&subject).await;
    subject.hands.decide("P-1", Standing::Done);
    let answer = back(delete().opens_pages(), &state, "accept").to(&subject).await;
    assert!(answer.said().starts_with("P-1 is done"), "{answer:?}");
    assert_eq!(subject.hands.proposals.lock().unwrap().len(), 1, "coming back proposes nothing new");
}

#[tokio::test]
async fn m13_a_client_that_cannot_open_pages_is_told_where() {
    let subject = subject();
    let answer = delete().to(&subject).await;
    assert!(answer.said().starts_with("approval needed: P-1, https://midwatch.example/approvals/P-1\n"), "{answer:?}");
    assert_eq!(answer.result()["structuredContent"]["proposal"]["id"], "P-1");
    assert_eq!(answer.result()["isError"], false);
}

#[tokio::test]
async fn m13_a_declined_page_leaves_the_proposal_waiting() {
    let subject = subject();
    for action in ["decline", "cancel", "nonsense"] {
        let (_, state) = asked(&subject).await;
        let answer = back(delete().opens_pages(), &state, action).to(&subject).await;
        assert!(answer.said().starts_with("approval needed: "), "{answer:?}");
    }
}

#[tokio::test]
async fn m13_an_older_client_is_asked_on_its_stream() {
    let subject = subject();
    let id = session(&subject, "alice", json!({"elicitation": {"url": {}}})).await;
    let params = json!({"name": "pods_delete", "arguments": {"name": TARGET, "namespace": "shop"}, "_meta": {}});
    let request = old("tools/call", params, Some(&id)).request();
    let router = subject.router.clone();
    let running = tokio::spawn(async move { super::sse::events(router, request).await });
    let (mut events, _stream) = running.await.unwrap();
    let elicitation = events.next_message().await;
    assert_eq!(elicitation["method"], "elicitation/create");
    assert_eq!(elicitation["params"]["mode"], "url");
    assert_eq!(elicitation["params"]["elicitationId"], "P-1");
    subject.hands.decide("P-1", Standing::Done);
    let mut reply = old("x", json!({"_meta": {}}), Some(&id));
    reply.body = json!({"jsonrpc": "2.0", "id": elicitation["id"], "result": {"action": "accept"}});
    assert_eq!(reply.to(&subject).await.status, StatusCode::ACCEPTED);
    let answer = events.next_message().await;
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.starts_with("P-1 is done"), "{answer}");
}

#[tokio::test]
async fn m08_a_state_opens_once() {
    let subject = subject();
    let (_, state) = asked(&subject).await;
    subject.hands.decide("P-1", Standing::Done);
    let again = || back(delete().opens_pages(), &state, "accept");
    assert!(again().to(&subject).await.said().starts_with("P-1 is done"));
    assert!(refused(&again().to(&subject).await));
}

#[tokio::test]
async fn m08_any_bit_turned_is_refused() {
    let subject = subject();
    let (_, state) = asked(&subject).await;
    for at in (0..state.len()).step_by(3) {
        for bit in [1, 4] {
            let mut bytes = state.clone().into_bytes();
            bytes[at] ^= bit;
            let Ok(turned) = String::from_utf8(bytes) else { continue };
            let answer = back(delete().opens_pages(), &turned, "accept").to(&subject).await;
            assert!(refused(&answer), "byte {at} bit {bit}: {answer:?}");
        }
    }
    for wrong in ["", ".", "a.b", &state[1..], &format!("{state}x"), &format!("{state}{state}"), &"x".repeat(100_000)] {
        assert!(refused(&back(delete().opens_pages(), wrong, "accept").to(&subject).await), "{wrong}");
    }
}

#[tokio::test]
async fn m08_a_state_is_bound_to_person_tool_arguments_and_time() {
    let subject = subject();
    let (_, state) = asked(&subject).await;
    let scale =
        call("resources_scale", json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "api", "scale": 2}));
    let elsewhere = call("pods_delete", json!({"name": TARGET, "namespace": "other"}));
    for (what, post) in [("person", delete().by("bob")), ("tool", scale), ("arguments", elsewhere)] {
        assert!(refused(&back(post.opens_pages(), &state, "accept").to(&subject).await), "another {what}");
    }
    subject.hands.later(16);
    assert!(refused(&back(delete().opens_pages(), &state, "accept").to(&subject).await), "too late");
}

#[tokio::test]
async fn m08_the_order_of_arguments_does_not_matter() {
    let subject = subject();
    let (_, state) = asked(&subject).await;
    subject.hands.decide("P-1", Standing::Done);
    let turned = call("pods_delete", json!({"namespace": "shop", "name": TARGET})).opens_pages();
    assert!(back(turned, &state, "accept").to(&subject).await.said().starts_with("P-1 is done"));
}

#[tokio::test]
async fn m08_another_server_does_not_know_the_state() {
    let (one, other) = (subject(), subject());
    let (_, state) = asked(&one).await;
    assert!(refused(&back(delete().opens_pages(), &state, "accept").to(&other).await));
}

#[tokio::test]
async fn m07_somebody_elses_proposal_is_as_unknown_as_none() {
    let subject = subject();
    asked(&subject).await;
    let ask = |id: &str, token: &str| call("proposal_status", json!({"id": id})).by(token);
    let own = ask("P-1", "alice").to(&subject).await;
    assert!(own.said().contains("P-1"), "{own:?}");
    let others = ask("P-1", "bob").to(&subject).await.said().replace("P-1", "");
    let unknown = ask("P-9", "bob").to(&subject).await.said().replace("P-9", "");
    assert_eq!(others, unknown);
    assert!(!others.contains("midwatch.example"), "{others}");
}

#[tokio::test]
async fn a_state_on_a_read_is_checked_too() {
    let subject = subject();
    let mut post = call("namespaces_list", json!({}));
    post.body["params"]["requestState"] = Value::from("made up");
    assert!(refused(&post.to(&subject).await));
}
