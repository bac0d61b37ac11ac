//! From a sender's request to rows on disk.

use std::time::Duration;

use midwatch::jobs::{self, Job, Runner};
use serde_json::{Value, json};
use tokio::sync::{mpsc, watch};

use crate::harness::Harness;

/// A webhook with one alert for each pod.
pub fn webhook(status: &str, name: &str, pods: &[&str]) -> Value {
    let ends = if status == "resolved" { "2026-11-24T02:30:00Z" } else { "0001-01-01T00:00:00Z" };
    let alerts: Vec<Value> = pods
        .iter()
        .map(|pod| {
            json!({
                "status": status, "startsAt": "2026-11-24T02:00:00.123456789Z", "endsAt": ends,
                "labels": {"alertname": name, "namespace": "shop", "pod": pod, "severity": "warning"},
                "annotations": {"summary": format!("{pod} is not ready")},
                "generatorURL": "http://prom/graph?g0.expr=up", "fingerprint": "00",
            })
        })
        .collect();
    json!({"version": "4", "status": status, "groupKey": "{}:{}", "truncatedAlerts": 0, "alerts": alerts})
}

#[tokio::test]
async fn an_alert_is_stored_told_and_investigated() {
    let midwatch = Harness::start().await;
    let body = webhook("firing", "KubePodNotReady", &["cart-0", "cart-1"]).to_string();
    assert_eq!(midwatch.post("/webhooks/alertmanager", body).await, (200, "stored\n".to_owned()));
    assert_eq!(midwatch.count("SELECT count(*) FROM alerts").await, 2);
    assert_eq!(midwatch.count("SELECT count(*) FROM episodes WHERE state = 'firing'").await, 2);
    assert_eq!(midwatch.count("SELECT count(*) FROM incidents WHERE state = 'open'").await, 1);
    assert_eq!(midwatch.count("SELECT count(*) FROM outbox WHERE kind = 'plain' AND channel = 'chat'").await, 1);

    let (done, mut seen) = mpsc::unbounded_channel();
    let (stop, stopped) = watch::channel(false);
    let handler = move |job| {
        let done = done.clone();
        async move { done.send(job).map_err(|error| error.to_string()) }
    };
    let worker = tokio::spawn(jobs::run(midwatch.store().clone(), Runner::default(), handler, stopped));
    let job = loop {
        let job = tokio::time::timeout(Duration::from_secs(10), seen.recv()).await.unwrap().unwrap();
        if matches!(job, Job::Investigate { .. }) {
            break job;
        }
    };
    assert_eq!(job, Job::Investigate { incident: 1 });
    stop.send(true).unwrap();
    worker.await.unwrap();
    assert_eq!(midwatch.count("SELECT count(*) FROM jobs WHERE kind = 'investigate' AND state = 'done'").await, 1);

    let resolved = webhook("resolved", "KubePodNotReady", &["cart-0", "cart-1"]).to_string();
    assert_eq!(midwatch.post("/webhooks/alertmanager", resolved).await.0, 200);
    assert_eq!(midwatch.count("SELECT count(*) FROM incidents WHERE state = 'resolved'").await, 1);
    assert_eq!(midwatch.count("SELECT count(*) FROM outbox WHERE kind = 'resolved' AND state = 'queued'").await, 1);
}

#[tokio::test]
async fn readiness_tells_of_the_store() {
    let midwatch = Harness::start().await;
    assert_eq!(midwatch.get("/readyz").await, (200, "store: ok\n".to_owned()));
    assert!(midwatch.folder.path().join("midwatch.db").exists());
}
