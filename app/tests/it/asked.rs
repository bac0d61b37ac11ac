//! What the sources' APIs say against what their messages said.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::get;
use midwatch::alerts::reconcile::{Peer, PeerKind};
use midwatch::store;
use serde_json::{Value, json};

use crate::harness::Harness;
use crate::intake::webhook;

/// A pretend Alertmanager and Prometheus that list what they are told to; None answers 500.
struct Pretend {
    lists: Arc<Mutex<Option<Value>>>,
    url: String,
}

impl Pretend {
    async fn start() -> Self {
        let lists: Arc<Mutex<Option<Value>>> = Arc::default();
        let shown = lists.clone();
        let handler = move || {
            let answer = shown.lock().unwrap().clone();
            async move { answer.map(axum::Json).ok_or(axum::http::StatusCode::INTERNAL_SERVER_ERROR) }
        };
        let router = Router::new().route("/api/v2/alerts", get(handler.clone())).route("/api/v1/alerts", get(handler));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { lists, url }
    }

    fn list(&self, answer: Value) {
        *self.lists.lock().unwrap() = Some(answer);
    }

    fn fail(&self) {
        *self.lists.lock().unwrap() = None;
    }

    fn peer(&self, kind: PeerKind) -> Vec<Peer> {
        vec![Peer { kind, url: self.url.clone(), authorization: None }]
    }
}

fn listed(pod: &str, state: &str, by: (&str, &[&str])) -> Value {
    let mut status = json!({"state": state, "silencedBy": [], "inhibitedBy": []});
    status[by.0] = json!(by.1);
    json!({"labels": {"alertname": "A", "namespace": "shop", "pod": pod, "severity": "warning"}, "annotations": {},
           "startsAt": "2026-11-24T02:00:00.123Z", "endsAt": "2099-01-01T00:00:00Z", "status": status})
}

async fn state(midwatch: &Harness, pod: &str) -> String {
    sqlx::query_scalar("SELECT e.state FROM episodes e JOIN alerts a ON a.id = e.alert WHERE a.labels ->> 'pod' = $1")
        .bind(pod)
        .fetch_one(midwatch.store().read())
        .await
        .unwrap()
}

#[tokio::test]
async fn asking_finds_what_no_message_said() {
    let midwatch = Harness::start().await;
    let pretend = Pretend::start().await;
    let peers = pretend.peer(PeerKind::Alertmanager);
    let start = store::now();
    assert_eq!(
        midwatch.post("/webhooks/alertmanager", webhook("firing", "A", &["cart-0", "cart-1"]).to_string()).await.0,
        200
    );
    pretend.list(json!([
        listed("cart-0", "active", ("silencedBy", &[])),
        listed("cart-1", "suppressed", ("silencedBy", &["s1"])),
        listed("cart-2", "active", ("silencedBy", &[])),
        listed("cart-3", "suppressed", ("inhibitedBy", &["x"])),
    ]));
    midwatch.intake.reconcile(&midwatch.client, &peers, start).await.unwrap();
    assert_eq!(state(&midwatch, "cart-0").await, "firing");
    assert_eq!(state(&midwatch, "cart-1").await, "silenced");
    assert_eq!(state(&midwatch, "cart-2").await, "firing", "its message was lost");
    assert_eq!(state(&midwatch, "cart-3").await, "inhibited");

    pretend.fail();
    let outcome = midwatch.intake.reconcile(&midwatch.client, &peers, start + 60_000).await.unwrap();
    assert_eq!((outcome.absent, outcome.failed.len()), (0, 1));
    assert_eq!(state(&midwatch, "cart-0").await, "firing", "a source that does not answer says nothing");

    pretend.list(json!([listed("cart-2", "active", ("silencedBy", &[]))]));
    midwatch.intake.reconcile(&midwatch.client, &peers, start + 120_000).await.unwrap();
    for gone in ["cart-0", "cart-1", "cart-3"] {
        assert_eq!(state(&midwatch, gone).await, "resolved", "{gone}");
    }
    assert_eq!(state(&midwatch, "cart-2").await, "firing");
    pretend.list(json!([]));
    midwatch.intake.reconcile(&midwatch.client, &peers, start + 180_000).await.unwrap();
    assert_eq!(midwatch.count("SELECT count(*) FROM incidents WHERE state = 'open'").await, 0);
    assert_eq!(midwatch.count("SELECT count(*) FROM outbox WHERE kind = 'resolved' AND state = 'queued'").await, 1);
}

#[tokio::test]
async fn a_prometheus_lists_without_external_labels_and_it_is_the_same_alert() {
    let midwatch = Harness::start().await;
    let pretend = Pretend::start().await;
    let peers = pretend.peer(PeerKind::Prometheus);
    let start = store::now();
    let push = r#"[{"labels":{"alertname":"A","pod":"p","cluster":"c1"},"endsAt":"2099-01-01T00:00:00Z"}]"#;
    assert_eq!(midwatch.post("/api/v2/alerts", push).await.0, 200);
    let one = json!({"labels": {"alertname": "A", "pod": "p"}, "annotations": {}, "state": "firing",
                     "activeAt": "2026-11-24T02:00:00Z", "value": "1"});
    pretend.list(
        json!({"status": "success", "data": {"alerts": [one, {"labels": {"alertname": "B"}, "state": "pending"}]}}),
    );
    midwatch.intake.reconcile(&midwatch.client, &peers, start).await.unwrap();
    assert_eq!(midwatch.count("SELECT count(*) FROM alerts").await, 1);
    pretend.list(json!({"status": "success", "data": {"alerts": []}}));
    midwatch.intake.reconcile(&midwatch.client, &peers, start + 60_000).await.unwrap();
    assert_eq!(state(&midwatch, "p").await, "resolved");
}

#[tokio::test]
async fn a_heartbeat_that_stops_is_told_and_so_is_its_return() {
    let midwatch = Harness::start().await;
    let beat = |value: &str| {
        format!(r#"{{"alerts":[{{"status":"firing","labels":{{"alertname":"Watchdog","n":"{value}"}}}}]}}"#)
    };
    let accept = |body: String, at: i64| midwatch.intake.accept("alertmanager", body.into(), at);
    let start = store::now();
    let minute = 60_000;
    accept(beat("1"), start).await.unwrap();
    accept(beat("2"), start + 5 * minute).await.unwrap();
    midwatch.intake.sweep(start + 15 * minute).await.unwrap();
    assert_eq!(midwatch.count("SELECT count(*) FROM incidents").await, 0);
    midwatch.intake.sweep(start + 21 * minute).await.unwrap();
    midwatch.intake.sweep(start + 22 * minute).await.unwrap();
    assert_eq!(
        midwatch.count("SELECT count(*) FROM incidents WHERE kind = 'notice' AND severity = 'critical'").await,
        1
    );
    assert_eq!(midwatch.count("SELECT count(*) FROM outbox WHERE kind = 'notice'").await, 1);
    accept(beat("3"), start + 30 * minute).await.unwrap();
    assert_eq!(midwatch.count("SELECT count(*) FROM incidents WHERE state = 'resolved'").await, 1);
    assert_eq!(midwatch.count("SELECT count(*) FROM alerts WHERE labels ->> 'alertname' = 'Watchdog'").await, 0);
}
