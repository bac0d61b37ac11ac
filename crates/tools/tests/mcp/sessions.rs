//! M18 and M7 for the older revisions: sessions prove nothing and belong to one person.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;

use super::harness::{HOST, old, send, session, subject};

#[tokio::test]
async fn m18_ids_are_long_visible_and_never_the_same() {
    let subject = subject();
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(session(&subject, "alice", json!({})).await);
    }
    for id in &ids {
        assert!(id.len() >= 32 && id.bytes().all(|byte| (0x21..=0x7e).contains(&byte)), "{id}");
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20);
}

#[tokio::test]
async fn m18_an_unknown_id_is_404_and_none_is_400() {
    let subject = subject();
    let unknown = old("tools/list", json!({}), Some("00000000-0000-0000-0000-000000000000")).to(&subject).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND, "{unknown:?}");
    let none = old("tools/list", json!({}), None).to(&subject).await;
    assert!(none.status.is_client_error(), "{none:?}");
}

#[tokio::test]
async fn m18_a_session_does_not_stand_for_a_token() {
    let subject = subject();
    let id = session(&subject, "alice", json!({})).await;
    let answer = old("tools/list", json!({}), Some(&id)).by_nobody().to(&subject).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(old("tools/list", json!({}), Some(&id)).to(&subject).await.status, StatusCode::OK);
}

#[tokio::test]
async fn m07_somebody_elses_session_is_as_unknown_as_none() {
    let subject = subject();
    let id = session(&subject, "alice", json!({})).await;
    let others = old("tools/list", json!({}), Some(&id)).by("bob").to(&subject).await;
    let unknown = old("tools/list", json!({}), Some("no-such-session")).by("bob").to(&subject).await;
    assert_eq!((others.status, &others.text), (StatusCode::NOT_FOUND, &unknown.text));
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    for method in ["GET", "DELETE"] {
        let request = Request::builder().method(method).uri("/mcp").header("host", HOST).header("mcp-session-id", &id);
        let request = request.header("accept", "text/event-stream").header("authorization", "Bearer bob");
        let answer = send(&subject, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method}");
    }
    assert_eq!(old("tools/list", json!({}), Some(&id)).to(&subject).await.status, StatusCode::OK, "it still lives");
}

#[tokio::test]
async fn m18_an_ended_session_is_gone() {
    let subject = subject();
    let id = session(&subject, "alice", json!({})).await;
    let request = Request::delete("/mcp").header("host", HOST).header("mcp-session-id", &id);
    let ended = send(&subject, request.header("authorization", "Bearer alice").body(Body::empty()).unwrap()).await;
    assert!(ended.status.is_success(), "{ended:?}");
    assert_eq!(old("tools/list", json!({}), Some(&id)).to(&subject).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn m18_what_a_session_may_is_what_the_request_may() {
    let subject = subject();
    let id = session(&subject, "alice", json!({})).await;
    let list = old("tools/list", json!({}), Some(&id)).to(&subject).await;
    let names = list.result()["tools"].to_string();
    assert!(names.contains("\"pods_delete\"") && names.contains("\"namespaces_list\""), "{names}");
    let called = old("tools/call", json!({"name": "namespaces_list", "_meta": {}}), Some(&id)).to(&subject).await;
    assert!(called.said().contains("shop"), "{called:?}");
}
