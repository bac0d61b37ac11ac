//! A recording taken from a served recording is the same recording; what a cluster refuses becomes a gap.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use replay::record::{Error, Gap, Options, Progress, record};
use replay::{Recording, Replay};
use serde_json::{Value, json};

use crate::harness::{self, client, client_of, folder, json as read, replay};

fn options() -> Options {
    Options { name: Some("mixed".to_owned()), ..Options::new("2026-03-01T03:00:00Z".parse().unwrap()) }
}

fn load(dir: &Path) -> Replay {
    let recording = Recording::load(dir).unwrap();
    assert!(recording.warnings().is_empty(), "{:?}", recording.warnings());
    Replay::new(recording)
}

/// Every object that a recording serves, by path.
async fn everything(replay: &Replay) -> Vec<(String, Value)> {
    let mut lists = Vec::new();
    let mut versions = vec!["/api/v1".to_owned()];
    for group in read(replay, "/apis").await["groups"].as_array().unwrap() {
        for version in group["versions"].as_array().unwrap() {
            versions.push(format!("/apis/{}", version["groupVersion"].as_str().unwrap()));
        }
    }
    for version in versions {
        for resource in read(replay, &version).await["resources"].as_array().unwrap() {
            let name = resource["name"].as_str().unwrap();
            if !name.contains('/') {
                let path = format!("{version}/{name}");
                let list = read(replay, &path).await;
                lists.push((path, list));
            }
        }
    }
    lists
}

#[derive(Default)]
struct Steps {
    expected: AtomicUsize,
    done: AtomicUsize,
}

impl Progress for Steps {
    fn expect(&self, steps: usize) {
        self.expected.fetch_add(steps, Ordering::Relaxed);
    }
    fn step(&self, _what: &str) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_recording_of_a_recording_is_the_same() {
    let original = replay("mixed");
    let dir = tempfile::tempdir().unwrap();
    let steps = Steps::default();
    let summary = record(&client(&original), dir.path(), &Options { page_size: 1, ..options() }, &steps).await.unwrap();
    assert!(summary.gaps.is_empty(), "{:?}", summary.gaps);
    // The cart's two containers ran, the setup's too, and the cart ran once before.
    assert_eq!(summary.logs, 4);
    assert_eq!(steps.expected.load(Ordering::Relaxed), steps.done.load(Ordering::Relaxed));
    let again = load(dir.path());
    let (first, second) = (everything(&original).await, everything(&again).await);
    assert_eq!(first.len(), second.len());
    for (one, two) in first.iter().zip(&second) {
        assert_eq!(one, two);
    }
    let log = "/api/v1/namespaces/shop/pods/cart-1/log?container=cart&timestamps=true";
    for path in [log.to_owned(), format!("{log}&previous=true"), "/version".to_owned()] {
        assert_eq!(harness::get(&original, &path).await, harness::get(&again, &path).await, "{path}");
    }
    let bytes = std::fs::read_to_string(dir.path().join("objects/core/secrets.json")).unwrap();
    assert!(!bytes.contains("aHVudGVyMg"), "{bytes}");
}

#[tokio::test]
async fn a_large_kind_gets_a_file_a_namespace() {
    let source = tempfile::tempdir().unwrap();
    let items: Vec<Value> = (0..600)
        .map(|number| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("c{number:03}"), "namespace": format!("n{}", number % 3),
            "managedFields": [{"manager": "m"}]}}))
        .collect();
    std::fs::write(
        source.path().join("all.json"),
        json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string(),
    )
    .unwrap();
    let original = Replay::new(Recording::load(source.path()).unwrap());
    let dir = tempfile::tempdir().unwrap();
    let summary = record(&client(&original), dir.path(), &options(), &()).await.unwrap();
    assert_eq!(summary.objects, 603);
    let file = std::fs::read_to_string(dir.path().join("objects/core/configmaps/n1.json")).unwrap();
    assert_eq!(file.lines().count(), 202);
    assert!(!file.contains("managedFields"));
    let maps = read(&load(dir.path()), "/api/v1/configmaps?limit=1").await;
    assert_eq!(maps["metadata"]["remainingItemCount"], 599);
}

fn forbidden(message: &'static str) -> (StatusCode, axum::Json<Value>) {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": "Forbidden", "code": 403});
    (StatusCode::FORBIDDEN, axum::Json(status))
}

#[tokio::test]
async fn what_is_refused_is_a_gap_and_is_refused_again() {
    let original = replay("mixed");
    // Aggregated discovery is broken too, so that each group must be asked by itself.
    let cluster = Router::new()
        .route("/apis/policy/v1", get(|| async { (StatusCode::SERVICE_UNAVAILABLE, "service unavailable") }))
        .route("/api", get(|| async { axum::Json(json!({"kind": "APIVersions", "versions": ["v1"]})) }))
        .route(
            "/api/v1/secrets",
            get(|| async { forbidden("secrets is forbidden: User \"u\" cannot list resource \"secrets\"") }),
        )
        .route(
            "/api/v1/namespaces/{ns}/pods/{pod}/log",
            get(|| async { forbidden("pods \"cart-1\" is forbidden: no pods/log") }),
        )
        .route(
            "/apis",
            get({
                let original = original.clone();
                move || async move { axum::Json(read(&original, "/apis").await) }
            }),
        )
        .fallback_service(original.router());
    let dir = tempfile::tempdir().unwrap();
    let summary = record(&client_of(cluster), dir.path(), &options(), &()).await.unwrap();
    let whats: Vec<&str> = summary.gaps.iter().map(|gap| gap.what.as_str()).collect();
    let logs = ["log shop/cart-1/cart", "log shop/cart-1/proxy", "log shop/cart-1/setup"];
    assert_eq!(whats, [&logs[..], &["policy/v1", "previous log shop/cart-1/cart", "secrets"]].concat());
    assert!(summary.gaps[3].why.contains("503"), "{:?}", summary.gaps[3]);
    let written: Vec<Gap> = serde_json::from_slice(&std::fs::read(dir.path().join("gaps.json")).unwrap()).unwrap();
    assert_eq!(written, summary.gaps);

    let again = load(dir.path());
    let (status, body) = harness::get(&again, "/api/v1/namespaces/shop/secrets").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(body.contains("cannot list resource"), "{body}");
    let (status, _) = harness::get(&again, "/api/v1/namespaces/shop/pods/cart-1/log?container=cart").await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(harness::names(&again, "/api/v1/pods").await.len(), 3);
}

#[tokio::test]
async fn pages_that_expire_are_read_again_in_one_piece() {
    let original = replay("mixed");
    let served = original.clone();
    let pods = get(move |uri: axum::http::Uri| async move {
        if uri.query().is_some_and(|query| query.contains("continue=")) {
            let status =
                json!({"kind": "Status", "status": "Failure", "message": "too old", "reason": "Expired", "code": 410});
            return (StatusCode::GONE, axum::Json(status));
        }
        (StatusCode::OK, axum::Json(read(&served, &uri.to_string()).await))
    });
    let cluster = Router::new().route("/api/v1/pods", pods).fallback_service(original.router());
    let dir = tempfile::tempdir().unwrap();
    let summary = record(&client_of(cluster), dir.path(), &Options { page_size: 2, ..options() }, &()).await.unwrap();
    assert!(summary.gaps.is_empty(), "{:?}", summary.gaps);
    assert_eq!(harness::names(&load(dir.path()), "/api/v1/pods").await, ["dns-1", "cart-1", "web-1"]);
}

#[tokio::test]
async fn only_an_earlier_recording_is_replaced_and_only_when_told() {
    let client = client(&replay("mixed"));
    let dir = tempfile::tempdir().unwrap();
    record(&client, dir.path(), &options(), &()).await.unwrap();
    std::fs::write(dir.path().join("objects/core/left-over.json"), "{}").unwrap();
    assert!(matches!(record(&client, dir.path(), &options(), &()).await, Err(Error::Recorded(_))));
    let force = Options { force: true, ..options() };
    let down = client_of(Router::new());
    assert!(matches!(record(&down, dir.path(), &force, &()).await, Err(Error::Discovery(_))));
    assert!(dir.path().join("objects/core/pods.json").exists());
    record(&client, dir.path(), &force, &()).await.unwrap();
    assert!(!dir.path().join("objects/core/left-over.json").exists());

    let other = tempfile::tempdir().unwrap();
    std::fs::copy(folder("mixed").join("metrics.json"), other.path().join("metrics.json")).unwrap();
    assert!(matches!(record(&client, other.path(), &force, &()).await, Err(Error::NotEmpty(_))));
    assert!(other.path().join("metrics.json").exists());
}
