//! A recording from `tests/data`, asked by raw requests or through a Kubernetes client, without a socket.

use std::path::PathBuf;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use replay::{Recording, Replay};
use serde_json::Value;
use tower::ServiceExt;

pub fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

pub fn recording(name: &str) -> Recording {
    Recording::load(&folder(name)).unwrap()
}

pub fn replay(name: &str) -> Replay {
    Replay::new(recording(name))
}

#[expect(
    clippy::disallowed_methods,
    reason = "the gate guards real clusters; this client speaks to a router in the same process"
)]
pub fn client_of(router: axum::Router) -> kube::Client {
    kube::Client::new(router, "default")
}

pub fn client(replay: &Replay) -> kube::Client {
    client_of(replay.router())
}

pub async fn send(replay: &Replay, request: Request<Body>) -> (StatusCode, String) {
    let response = replay.router().oneshot(request).await.unwrap();
    let status = response.status();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

pub async fn get(replay: &Replay, path: &str) -> (StatusCode, String) {
    send(replay, Request::get(path).body(Body::empty()).unwrap()).await
}

pub async fn json(replay: &Replay, path: &str) -> Value {
    serde_json::from_str(&get(replay, path).await.1).unwrap()
}

pub async fn json_as(replay: &Replay, path: &str, accept: &str) -> Value {
    let request = Request::get(path).header("accept", accept).body(Body::empty()).unwrap();
    serde_json::from_str(&send(replay, request).await.1).unwrap()
}

/// The names of a list's items.
pub async fn names(replay: &Replay, path: &str) -> Vec<String> {
    let list = json(replay, path).await;
    let items = list["items"].as_array().unwrap_or_else(|| panic!("{path}: {list}"));
    items.iter().map(|item| item["metadata"]["name"].as_str().unwrap().to_owned()).collect()
}
