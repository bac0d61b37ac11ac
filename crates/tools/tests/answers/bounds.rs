//! Large clusters: the answer keeps to its room, says how much it leaves out, and pages show everything once.

use std::collections::BTreeSet;

use axum::Router;
use axum::body::Bytes;
use axum::routing::get;
use cluster::Limits;
use serde_json::{Value, json};

use crate::harness::{Bench, holds};

fn pod(n: usize) -> Value {
    let bad = n % 500 == 7;
    let set = format!("app-{}-6d4b75cb6d", n / 50);
    let state = if bad {
        json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}})
    } else {
        json!({"running": {}})
    };
    json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": format!("{set}-{n:05}"), "namespace": format!("team-{}", n % 5), "uid": format!("u{n}"),
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": set, "uid": "r", "controller": true}]},
        "spec": {"nodeName": "node-1", "containers": [{"name": "main", "image": "app:1"}]},
        "status": {"phase": "Running", "containerStatuses": [{"name": "main", "ready": !bad, "restartCount": if bad { 9 } else { 0 }, "state": state}]}})
}

fn event(n: usize) -> Value {
    let warning = n % 10_000 == 5;
    json!({"apiVersion": "v1", "kind": "Event", "type": if warning { "Warning" } else { "Normal" },
        "metadata": {"name": format!("e{n}"), "namespace": "team-0"},
        "involvedObject": {"kind": "Pod", "namespace": "team-0", "name": format!("app-6d4b75cb6d-{n:05}")},
        "reason": if warning { "FailedMount".to_owned() } else { format!("Reason{}", n % 300) }, "count": 1,
        "message": format!("what happened to app-6d4b75cb6d-{n:05} on node-{}", n % 9), "lastTimestamp": "2026-01-01T11:59:00Z"})
}

/// An API server with one list.
fn serving(path: &str, items: Vec<Value>) -> Bench {
    let list = Bytes::from(json!({"kind": "List", "apiVersion": "v1", "metadata": {}, "items": items}).to_string());
    let answer = get(move || async { ([(http::header::CONTENT_TYPE, "application/json")], list) });
    let cluster = cluster::over("made", Router::new().route(path, answer), &Limits::default());
    Bench::over(Ok(cluster), "2026-01-01T12:00:00Z".parse().unwrap())
}

#[tokio::test]
async fn five_thousand_pods_in_pages() {
    let mut bench = serving("/api/v1/pods", (0..5000).map(pod).collect());
    let first = bench.text("pods_list", json!({})).await;
    holds(&first, &["5000 pods in all namespaces, 10 in trouble", "CrashLoopBackOff 9", "go on with cursor"]);
    // fewer pages: each reads all pods anew
    bench.context.room = 48 << 10;
    let mut seen = BTreeSet::new();
    let mut cursor = Some("0".to_owned());
    while let Some(from) = cursor {
        let page = bench.ask("pods_list", json!({"cursor": from})).await.unwrap();
        assert!(page.text.len() <= bench.context.room);
        for item in page.data["items"].as_array().unwrap() {
            assert!(seen.insert(item["name"].as_str().unwrap().to_owned()), "{item} is shown twice");
        }
        cursor = page.data["cursor"].as_str().map(str::to_owned);
    }
    assert_eq!(seen.len(), 5000);
}

#[tokio::test]
async fn twenty_thousand_events_are_grouped() {
    let bench = serving("/api/v1/events", (0..20_000).map(event).collect());
    let text = bench.text("events_list", json!({})).await;
    holds(&text, &["20000 events in all namespaces", "Warning FailedMount x2", "go on with cursor"]);
    assert!(text.lines().nth(1).unwrap().starts_with("Warning FailedMount"), "warnings come first:\n{text}");
}
