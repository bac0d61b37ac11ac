//! Real bodies of Alertmanager, Prometheus and vmalert, and the shapes of the clouds.

use midwatch::alerts::alert::Status;
use midwatch::alerts::parse::parse;
use midwatch::alerts::{Alert, Severity, Source};
use serde_json::{Value, json};

use crate::harness::Harness;

const NOON: i64 = 1_795_521_600_000;

fn captures() -> Vec<Value> {
    include_str!("data/alerts_captures.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn one(body: &Value) -> (Source, Alert) {
    let mut batch = parse(body.to_string().as_bytes(), NOON).unwrap();
    assert_eq!((batch.alerts.len(), batch.invalid.len()), (1, 0), "{body}");
    (batch.source, batch.alerts.remove(0))
}

#[test]
fn every_capture_is_read_without_loss() {
    for capture in captures() {
        let body = &capture["body"];
        let batch = parse(body.to_string().as_bytes(), NOON).unwrap();
        let entries = body.as_array().or_else(|| body["alerts"].as_array()).unwrap();
        assert_eq!(batch.alerts.len(), entries.len());
        assert!(batch.invalid.is_empty());
        assert_eq!(batch.truncated, body["truncatedAlerts"].as_u64().unwrap_or(0));
        let webhook = body.is_object();
        assert_eq!(batch.source, if webhook { Source::Alertmanager } else { Source::Push });
        for (alert, entry) in batch.alerts.iter().zip(entries) {
            assert_eq!(serde_json::to_value(&alert.labels).unwrap(), entry["labels"]);
            assert!(alert.starts_at.is_some());
            let says_end = !entry["endsAt"].as_str().unwrap().starts_with("0001");
            assert_eq!(alert.ends_at.is_some(), says_end);
            if webhook {
                let wanted = if entry["status"] == "resolved" { Status::Resolved } else { Status::Firing };
                assert_eq!(alert.status, wanted);
            }
        }
    }
}

#[tokio::test]
async fn the_captures_in_their_order_leave_nothing_open_that_has_ended() {
    let midwatch = Harness::start().await;
    for capture in captures() {
        let path = if capture["body"].is_array() { "/api/v2/alerts" } else { "/webhooks/alertmanager" };
        assert_eq!(midwatch.post(path, capture["body"].to_string()).await.0, 200);
    }
    let pods = |state: &'static str| {
        let midwatch = &midwatch;
        async move {
            sqlx::query_scalar::<_, String>(
                "SELECT a.labels ->> 'pod' FROM episodes e JOIN alerts a ON a.id = e.alert
                 WHERE a.labels ->> 'alertname' = 'G' AND e.state = $1 ORDER BY 1",
            )
            .bind(state)
            .fetch_all(midwatch.store().read())
            .await
            .unwrap()
        }
    };
    // cart-1 refired unseen: its end names another start and closes the one episode all the same.
    assert_eq!(pods("resolved").await, ["cart-1", "cart-2"]);
    // cart-0 was silenced and then ended: only asking can tell.
    assert_eq!(pods("firing").await, ["cart-0"]);
    assert_eq!(
        midwatch
            .count(
                "SELECT count(*) FROM episodes e JOIN alerts a ON a.id = e.alert
                               WHERE a.labels ->> 'pod' = 'cart-1'"
            )
            .await,
        1
    );
}

#[test]
fn the_clouds_are_told_by_their_shape() {
    let (source, alert) =
        one(&json!({"version": "1", "orgId": 1, "status": "firing", "title": "t", "state": "alerting",
        "alerts": [{"status": "firing", "labels": {"alertname": "A", "n": 5}, "values": {"B": 1.5},
                    "startsAt": "2026-11-24T03:00:00+08:00", "endsAt": "0001-01-01T00:00:00Z"}]}));
    assert_eq!((source, alert.label("n")), (Source::Grafana, "5"));
    assert_eq!(alert.extra["values"], json!({"B": 1.5}));

    let (source, alert) = one(&json!({"status": "firing", "alerts": [{"status": "firing",
        "labels": {"alertname": "0d3c-uuid", "internal_label_alert_level": "P0"},
        "annotations": {"__alerting_rule_name__": "内存过高"}}]}));
    assert_eq!((source, alert.name(), alert.severity()), (Source::VolcengineVmp, "内存过高", Severity::Critical));

    let (source, alert) =
        one(&json!({"alerts": [{"status": "firing", "fingerprint": "0123456789abcdef0123456789abcdef",
        "labels": {"alertname": "Pod状态异常", "_aliyun_arms_alert_level": "P2", "pod_name": "cart-0"}}]}));
    assert_eq!((source, alert.severity()), (Source::AliyunArms, Severity::Warning));

    let (source, alert) = one(&json!({"sessionId": "s", "alarmStatus": "0", "alarmType": "metric",
        "alarmObjInfo": {"region": "gz", "appId": 125, "dimensions": {"pod_name": "cart-0", "namespace": "shop"}},
        "alarmPolicyInfo": {"policyName": "CPU", "conditions": {"metricName": "K8sPodCpu", "currentValue": "97"}},
        "firstOccurTime": "2026-11-24 11:00:00", "recoverTime": "2026-11-24 11:10:00"}));
    assert_eq!((source, alert.status, alert.label("app_id")), (Source::TencentTcop, Status::Resolved, "125"));
    assert_eq!(alert.ends_at.unwrap() - alert.starts_at.unwrap(), 600_000);

    let form = "alertName=cpu&alertState=ALERT&curValue=97&dimensions=%7BuserId%3D1%2C+instanceId%3Di-2%7D&timestamp=1795500000000";
    let batch = parse(form.as_bytes(), NOON).unwrap();
    assert_eq!((batch.source, batch.alerts[0].label("instanceId")), (Source::AliyunCloudMonitor, "i-2"));
}

#[tokio::test]
async fn a_bad_entry_costs_itself_and_a_bad_body_is_kept_and_told() {
    let midwatch = Harness::start().await;
    let mixed = json!([{"labels": {"alertname": "Good"}}, {"labels": {}}, {"labels": 7}, 5]);
    let (status, text) = midwatch.post("/api/v2/alerts", mixed.to_string()).await;
    assert_eq!(status, 400, "{text}");
    assert_eq!(midwatch.count("SELECT count(*) FROM alerts WHERE labels ->> 'alertname' = 'Good'").await, 1);
    assert_eq!(midwatch.count("SELECT count(*) FROM quarantine").await, 3);

    let poison = "<html>not an alert: 磁盘满</html>";
    assert_eq!(midwatch.post("/webhooks/alertmanager", poison).await.0, 200);
    assert_eq!(midwatch.post("/webhooks/alertmanager", "").await.0, 200);
    let kept: Vec<u8> =
        sqlx::query_scalar("SELECT body FROM quarantine WHERE source = 'alertmanager' ORDER BY id LIMIT 1")
            .fetch_one(midwatch.store().read())
            .await
            .unwrap();
    assert_eq!(zstd::stream::decode_all(kept.as_slice()).unwrap(), poison.as_bytes());
    let text: String = sqlx::query_scalar(
        "SELECT annotations ->> 'text' FROM alerts WHERE labels ->> 'source' = 'alertmanager' AND source = 'own'",
    )
    .fetch_one(midwatch.store().read())
    .await
    .unwrap();
    assert!(text.is_empty() || text == poison);
    assert!(midwatch.count("SELECT count(*) FROM outbox WHERE kind = 'notice'").await >= 1);
    assert_eq!(midwatch.count("SELECT count(*) FROM jobs WHERE kind = 'investigate'").await, 1);
}
