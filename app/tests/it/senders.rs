//! Who may send, and how much, and how slowly.

use std::collections::BTreeMap;
use std::io::Write as _;

use aws_lc_rs::hmac;
use midwatch::alerts;
use midwatch::http::{Credential, Proof, Settings, Signature};
use midwatch::store;

use crate::harness::Harness;
use crate::intake::webhook;

fn settings() -> Settings {
    let basic = Proof::Basic { username: "am".to_owned(), password: "s3cret".to_owned() };
    let bearer = Proof::Bearer { token: "t0ken".to_owned() };
    Settings {
        credentials: vec![
            Credential { proof: basic, only: Vec::new() },
            Credential { proof: bearer, only: vec!["team-a".to_owned()] },
        ],
        ..Settings::default()
    }
}

#[tokio::test]
async fn any_of_several_credentials_opens_its_own_paths() {
    let midwatch = Harness::with(alerts::Settings::default(), settings()).await;
    let body = webhook("firing", "A", &["p"]).to_string();
    let send = |path: &str, name: &str, value: &str| {
        let url = format!("http://{}{path}", midwatch.address);
        let request = midwatch.client.post(url).body(body.clone()).header(name, value);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    let basic = "Basic YW06czNjcmV0";
    assert_eq!(send("/webhooks/alertmanager", "authorization", basic).await, 200);
    assert_eq!(send("/webhooks/alertmanager", "x-none", "").await, 401);
    assert_eq!(send("/webhooks/alertmanager", "authorization", "Basic YW06czNjcmV1").await, 401);
    assert_eq!(send("/webhooks/alertmanager", "authorization", "Basic !!").await, 401);
    assert_eq!(send("/webhooks/team-a", "authorization", "Bearer t0ken").await, 200);
    assert_eq!(send("/webhooks/team-b", "authorization", "Bearer t0ken").await, 401);
    assert_eq!(send("/api/v2/alerts", "authorization", "bearer t0ken").await, 401);
    assert_eq!(midwatch.count("SELECT count(*) FROM receipts").await, 1);
}

#[tokio::test]
async fn a_grafana_signature_is_checked_with_its_time() {
    let signature = Signature {
        secret: "k".to_owned(),
        header: "x-grafana-alerting-signature".to_owned(),
        timestamp_header: Some("x-time".to_owned()),
    };
    let http = Settings { signatures: BTreeMap::from([("grafana".to_owned(), signature)]), ..Settings::default() };
    let midwatch = Harness::with(alerts::Settings::default(), http).await;
    let body = webhook("firing", "A", &["p"]).to_string();
    let send = |seconds: i64, key: &[u8]| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let tag = hmac::sign(&key, format!("{seconds}:{body}").as_bytes());
        let hex: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        let url = format!("http://{}/webhooks/grafana", midwatch.address);
        let request = midwatch.client.put(url).body(body.clone());
        let request = request.header("x-grafana-alerting-signature", hex).header("x-time", seconds.to_string());
        async move { request.send().await.unwrap().status().as_u16() }
    };
    let now = store::now() / 1_000;
    assert_eq!(send(now, b"k").await, 200);
    assert_eq!(send(now, b"other").await, 401);
    assert_eq!(send(now - 3_600, b"k").await, 401);
    assert_eq!(midwatch.post("/webhooks/grafana", body.clone()).await.0, 401);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_a_compressed_one_counts_unpacked() {
    let http = Settings { body_limit: 1 << 20, ..Settings::default() };
    let midwatch = Harness::with(alerts::Settings::default(), http).await;
    let large = vec![b' '; 2 << 20];
    assert_eq!(midwatch.post("/webhooks/alertmanager", large.clone()).await.0, 413);
    let gzip = |bytes: &[u8]| {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    };
    let send = |body: Vec<u8>| {
        let url = format!("http://{}/webhooks/alertmanager", midwatch.address);
        let request = midwatch.client.post(url).header("content-encoding", "gzip").body(body);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    let bomb = gzip(&large);
    assert!(bomb.len() < 16 << 10);
    assert_eq!(send(bomb).await, 413);
    assert_eq!(send(gzip(webhook("firing", "A", &["p"]).to_string().as_bytes())).await, 200);
    assert_eq!(midwatch.count("SELECT count(*) FROM alerts").await, 1);
}

#[tokio::test]
async fn the_alertmanager_api_and_metrics_answer() {
    let midwatch = Harness::start().await;
    assert_eq!(midwatch.post("/api/v2/alerts", r#"[{"labels":{"alertname":"A"}}]"#).await, (200, String::new()));
    for path in ["/-/ready", "/-/healthy", "/healthz", "/api/v2/status"] {
        assert_eq!(midwatch.get(path).await.0, 200, "{path}");
    }
    let (status, text) = midwatch.get("/metrics").await;
    assert_eq!(status, 200);
    for name in ["midwatch_intake_duration_seconds_bucket", "midwatch_incidents_open 1", "# TYPE midwatch_jobs gauge"] {
        assert!(text.contains(name), "{name} in\n{text}");
    }
}
