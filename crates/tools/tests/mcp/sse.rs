//! The old transport: streams that belong to one person, and what they carry.

use std::time::Duration;

use axum::Router;
use axum::body::{Body, BodyDataStream};
use futures::StreamExt;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tools::Settings;
use tools::http::Front;
use tower::ServiceExt;

use super::harness::{HOST, Subject, post, send, session, subject, subject_with};

/// Events as they come.
pub struct Events {
    body: BodyDataStream,
    rest: String,
}

impl Events {
    /// The next event's data that is not empty.
    pub async fn next(&mut self) -> String {
        loop {
            while let Some(end) = self.rest.find('\n') {
                let line: String = self.rest.drain(..=end).collect();
                if let Some(data) = line.trim_end().strip_prefix("data:")
                    && !data.trim().is_empty()
                {
                    return data.trim().to_owned();
                }
            }
            let more = self.body.next().await.expect("the stream goes on").unwrap();
            self.rest.push_str(std::str::from_utf8(&more).unwrap());
        }
    }

    pub async fn next_message(&mut self) -> Value {
        serde_json::from_str(&self.next().await).unwrap()
    }
}

/// Sends a request and reads its answer as a stream.
pub async fn events(router: Router, request: Request<Body>) -> (Events, StatusCode) {
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    (Events { body: response.into_body().into_data_stream(), rest: String::new() }, status)
}

async fn open(subject: &Subject, token: &str) -> (Events, String) {
    let request = Request::get("/sse").header("host", HOST).header("authorization", format!("Bearer {token}"));
    let (mut stream, status) = events(subject.router.clone(), request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    let endpoint = stream.next().await;
    (stream, endpoint)
}

fn message(endpoint: &str, token: &str, body: &Value) -> Request<Body> {
    let request = Request::post(endpoint).header("host", HOST).header("content-type", "application/json");
    request.header("authorization", format!("Bearer {token}")).body(Body::from(body.to_string())).unwrap()
}

#[tokio::test]
async fn a_client_of_2024_lists_and_calls() {
    let subject = subject();
    let (mut stream, endpoint) = open(&subject, "alice").await;
    let hello = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params":
        {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "n8n", "version": "1"}}});
    let call = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "namespaces_list"}});
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    for body in [&hello, &ready, &call] {
        assert_eq!(send(&subject, message(&endpoint, "alice", body)).await.status, StatusCode::ACCEPTED);
    }
    assert_eq!(stream.next_message().await["result"]["protocolVersion"], "2024-11-05");
    let answer = stream.next_message().await;
    assert!(answer["result"]["content"][0]["text"].as_str().unwrap().contains("shop"), "{answer}");
}

#[tokio::test]
async fn m07_somebody_elses_stream_is_as_unknown_as_none() {
    let subject = subject();
    let (_stream, endpoint) = open(&subject, "alice").await;
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    let others = send(&subject, message(&endpoint, "bob", &ping)).await;
    let unknown = send(&subject, message("/messages?session_id=none", "bob", &ping)).await;
    assert_eq!((others.status, others.text), (StatusCode::NOT_FOUND, unknown.text));
}

#[tokio::test]
async fn a_stream_that_is_dropped_is_gone() {
    let subject = subject();
    let (stream, endpoint) = open(&subject, "alice").await;
    drop(stream);
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    assert_eq!(send(&subject, message(&endpoint, "alice", &ping)).await.status, StatusCode::NOT_FOUND);
}

/// The connection may begin to listen a moment after it answered.
async fn told_of_change(subject: &Subject, stream: &mut Events) -> Value {
    loop {
        subject.server.rights_changed();
        if let Ok(message) = tokio::time::timeout(Duration::from_millis(50), stream.next_message()).await {
            return message;
        }
    }
}

#[tokio::test]
async fn m12_clients_hear_that_the_list_changed() {
    let subject = subject();
    let listen = post("subscriptions/listen", json!({"notifications": {"toolsListChanged": true}}));
    let (mut stream, _) = events(subject.router.clone(), listen.request()).await;
    assert_eq!(stream.next_message().await["method"], "notifications/subscriptions/acknowledged");
    assert_eq!(told_of_change(&subject, &mut stream).await["method"], "notifications/tools/list_changed");

    let id = session(&subject, "alice", json!({})).await;
    let request = Request::get("/mcp").header("host", HOST).header("authorization", "Bearer alice");
    let request = request.header("accept", "text/event-stream").header("mcp-session-id", id);
    let (mut stream, status) = events(subject.router.clone(), request.body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(told_of_change(&subject, &mut stream).await["method"], "notifications/tools/list_changed");
}

#[tokio::test]
async fn without_the_option_there_is_no_old_transport() {
    let subject = subject_with(Settings::default(), Front::default(), None);
    let request = Request::get("/sse").header("host", HOST).header("authorization", "Bearer alice");
    assert_eq!(send(&subject, request.body(Body::empty()).unwrap()).await.status, StatusCode::NOT_FOUND);
}
