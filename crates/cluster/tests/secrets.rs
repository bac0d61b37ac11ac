//! Values of Secrets do not pass the gate, in whatever answer they come; names, keys and sizes do.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use axum::{
    Router,
    http::{StatusCode, header},
    response::IntoResponse,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use cluster::{Limits, REGISTRIES, SIZES};
use futures::AsyncReadExt;
use proptest::prelude::*;
use serde_json::{Value, json};

const ONE: &str = "/api/v1/namespaces/a/secrets/s";
const ALL: &str = "/api/v1/secrets";

async fn ask(path: &str, status: u16, kind: &str, body: String) -> Result<String, String> {
    let answer = (StatusCode::from_u16(status).unwrap(), [(header::CONTENT_TYPE, kind.to_owned())], body);
    let router = Router::new().fallback(move || async move { answer.into_response() });
    let cluster = cluster::over("test", router, &Limits::default());
    let request = http::Request::get(path).body(Vec::new()).unwrap();
    if path.contains("watch=") {
        let mut stream = Box::pin(cluster.client.request_stream(request).await.map_err(|error| error.to_string())?);
        let mut text = String::new();
        return stream.read_to_string(&mut text).await.map(|_| text).map_err(|error| error.to_string());
    }
    cluster.client.request_text(request).await.map_err(|error| cluster::reason(&error))
}

async fn read(path: &str, body: &Value) -> Result<String, String> {
    ask(path, 200, "application/json", body.to_string()).await
}

fn secret() -> Value {
    let copy = json!({"kind": "Secret", "data": {"password": STANDARD.encode("hunter2!")}}).to_string();
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {"name": "db", "namespace": "a", "annotations": {
            "team": "shop", "kubectl.kubernetes.io/last-applied-configuration": copy}},
        "data": {"password": STANDARD.encode("hunter2!"), "user": STANDARD.encode("app")},
        "stringData": {"token": "hunter2!"},
        "surprise": "hunter2!",
    })
}

#[tokio::test]
async fn names_keys_and_sizes_stay() {
    let clean: Value = serde_json::from_str(&read(ONE, &secret()).await.unwrap()).unwrap();
    let sizes = clean["metadata"]["annotations"][SIZES].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(sizes).unwrap(), json!({"password": 8, "user": 3, "token": 8}));
    assert_eq!(clean["metadata"]["name"], "db");
    assert_eq!(clean["type"], "Opaque");
    assert_eq!(clean["data"], json!({"password": "", "user": ""}));
    assert_eq!(clean["stringData"], json!({"token": ""}));
    assert_eq!(clean["metadata"]["annotations"]["team"], "shop");
    // A recorded cluster is read through the gate once more: what was noted then still holds.
    let again: Value = serde_json::from_str(&read(ONE, &clean).await.unwrap()).unwrap();
    assert_eq!(again, clean);
}

/// Every answer in which a Secret can come.
fn answers(secret: &Value) -> Vec<(&'static str, Value)> {
    let mut bare = secret.clone();
    bare.as_object_mut().unwrap().remove("kind");
    let event = |kind: &str| json!({"type": kind, "object": secret});
    vec![
        (ONE, secret.clone()),
        (ALL, json!({"kind": "SecretList", "items": [bare, secret]})),
        (ALL, json!({"kind": "List", "items": [{"kind": "ConfigMap", "data": {"a": "b"}}, secret, bare]})),
        (
            ALL,
            json!({"kind": "Table", "rows": [{"cells": ["db", "Opaque", 2], "object": secret}, {"cells": [], "object": bare}]}),
        ),
        (ALL, json!({"kind": "PartialObjectMetadataList", "items": [bare]})),
        ("/api/v1/secrets?watch=true", event("ADDED")),
        ("/api/v1/secrets?watch=1", event("DELETED")),
        ("/api/v1/secrets?watch=0", event("ADDED")),
        ("/api/v1/namespaces/a/pods", json!({"kind": "List", "items": [{"kind": "Pod"}, secret]})),
        ("/apis/apps/v1/deployments", json!({"kind": "List", "items": [{"kind": "SecretList", "items": [secret]}]})),
        ("/api/v1/namespaces/a/s%65crets/s", secret.clone()),
    ]
}

#[tokio::test]
async fn values_go_from_every_kind_of_answer() {
    for (path, body) in answers(&secret()) {
        let clean = read(path, &body).await.unwrap();
        assert!(clean.contains("db") || clean.contains("items"), "{path}: {clean}");
        for value in ["hunter2!".to_owned(), STANDARD.encode("hunter2!")] {
            assert!(!clean.contains(&value), "{path}: {clean}");
        }
    }
}

#[tokio::test]
async fn other_objects_pass_as_they_are() {
    let pods = r#"{"kind":"PodList","items":[{"spec":{"volumes":[{"secret":{"secretName":"db"}}]}}]}"#;
    let events = r#"{"kind":"EventList","items":[{"involvedObject":{"kind":"Secret","name":"db"},  "message":"m"}]}"#;
    assert_eq!(ask("/api/v1/pods", 200, "application/json", pods.to_owned()).await.unwrap(), pods);
    let passed: Value =
        serde_json::from_str(&ask("/api/v1/events", 200, "application/json", events.to_owned()).await.unwrap())
            .unwrap();
    assert_eq!(passed, serde_json::from_str::<Value>(events).unwrap());
}

#[tokio::test]
async fn what_is_not_understood_is_dropped() {
    let cases = [
        ("text/plain", secret().to_string()),
        ("application/vnd.kubernetes.protobuf", "k8s\0hunter2!".to_owned()),
        ("application/json", "{\"kind\":\"Secret\",\"data\":{\"a\":\"hunter2!\"".to_owned()),
        ("application/json", json!({"kind": "Mystery", "data": {"a": "hunter2!"}}).to_string()),
        ("application/json", json!({"kind": "Secret", "data": ["hunter2!"]}).to_string()),
        ("application/json", json!({"kind": "SecretList", "items": ["hunter2!"]}).to_string()),
        ("application/json", json!({"kind": "Secret", "metadata": {"annotations": "hunter2!"}}).to_string()),
    ];
    for (kind, body) in cases {
        let why = ask(ALL, 200, kind, body.clone()).await.unwrap_err();
        assert!(why.contains("the answer was dropped"), "{body}: {why}");
        assert!(!why.contains("hunter2"), "{why}");
    }
    let why =
        ask("/api/v1/secrets?watch=1", 200, "application/json", "not json hunter2!\n".to_owned()).await.unwrap_err();
    assert!(why.contains("the answer was dropped"), "{why}");
}

#[tokio::test]
async fn refusals_of_the_server_stay_readable() {
    let status = json!({"kind": "Status", "status": "Failure", "code": 403, "message": "secrets is forbidden", "reason": "Forbidden"});
    let why = ask(ALL, 403, "application/json", status.to_string()).await.unwrap_err();
    assert_eq!(why, "HTTP 403: secrets is forbidden");
    let why = ask(ALL, 502, "text/html", "<html>hunter2!</html>".to_owned()).await.unwrap_err();
    assert!(why.contains("502") && !why.contains("hunter2"), "{why}");
}

#[tokio::test]
async fn a_pull_secret_names_its_registries() {
    let config = json!({"auths": {
        "https://index.docker.io/v1/": {"username": "ci", "password": "hunter2!"},
        "user:hunter2!@r.example.com:5000": {"auth": "aHVudGVyMiE="},
        "hunter2!": {}}});
    let body = json!({"kind": "Secret", "type": "kubernetes.io/dockerconfigjson", "metadata": {"name": "pull"},
        "data": {".dockerconfigjson": STANDARD.encode(config.to_string())}});
    let clean = read(ONE, &body).await.unwrap();
    let object: Value = serde_json::from_str(&clean).unwrap();
    assert_eq!(object["metadata"]["annotations"][REGISTRIES], "index.docker.io,r.example.com:5000");
    assert!(!clean.contains("hunter2"), "{clean}");
    let again: Value = serde_json::from_str(&read(ONE, &object).await.unwrap()).unwrap();
    assert_eq!(again, object);
}

#[tokio::test]
async fn a_certificate_stays_and_a_key_beside_it_does_not() {
    let der = STANDARD.encode([&[0x30, 0x82, 0x01, 0x0a][..], &[7; 90]].concat());
    let certificate = format!("-----BEGIN CERTIFICATE-----\n{der}\n-----END CERTIFICATE-----\n");
    let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQ==\n-----END PRIVATE KEY-----\n";
    let tls = |crt: &str| json!({"kind": "Secret", "type": "kubernetes.io/tls", "data": {"tls.crt": STANDARD.encode(crt), "tls.key": STANDARD.encode(key)}});
    let kept: Value = serde_json::from_str(&read(ONE, &tls(&certificate)).await.unwrap()).unwrap();
    assert_eq!(kept["data"], json!({"tls.crt": STANDARD.encode(&certificate), "tls.key": ""}));
    for mixed in [format!("{certificate}{key}"), format!("note\n{certificate}"), "hunter2!".to_owned()] {
        let blanked: Value = serde_json::from_str(&read(ONE, &tls(&mixed)).await.unwrap()).unwrap();
        assert_eq!(blanked["data"]["tls.crt"], "", "{mixed}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_planted_value_never_survives(
        value in "[ -~]{0,20}Kx7[A-Za-z0-9 \"\\\\=]{9,40}",
        key in "[a-z][a-z.]{0,12}",
        kind in prop::sample::select(vec!["Opaque", "kubernetes.io/tls", "kubernetes.io/dockerconfigjson", "helm.sh/release.v1", ""]),
        place in 0..5,
    ) {
        let key = match kind {
            "kubernetes.io/tls" => "tls.crt".to_owned(),
            "kubernetes.io/dockerconfigjson" => ".dockerconfigjson".to_owned(),
            _ => key,
        };
        let encoded = STANDARD.encode(&value);
        let planted = match place {
            0 => json!({"data": {&key: &encoded}}),
            1 => json!({"stringData": {&key: &value}}),
            2 => json!({"data": {&key: {"nested": &value}}}),
            3 => json!({"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": format!("{{\"data\":{{\"k\":\"{encoded}\"}}}}")}}}),
            _ => json!({"metadata": {"annotations": {"some.tool/copy": json!({"stringData": {"k": &value}}).to_string()}}}),
        };
        let mut secret = json!({"kind": "Secret", "type": kind, "metadata": {"name": "db"}});
        for (field, part) in planted.as_object().unwrap() {
            secret[field] = part.clone();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        for (path, body) in answers(&secret) {
            let clean = runtime.block_on(read(path, &body)).unwrap();
            let quoted = json!(value).to_string();
            for form in [value.as_str(), encoded.as_str(), quoted.trim_matches('"')] {
                prop_assert!(!clean.contains(form), "{path}: {clean}");
            }
            // Nor in base64 of anything that is left.
            for word in clean.split(|c: char| !(c.is_ascii_alphanumeric() || "+/=".contains(c))) {
                let plain = STANDARD.decode(word).unwrap_or_default();
                prop_assert!(!String::from_utf8_lossy(&plain).contains(&value), "{path}: {word}");
            }
        }
    }
}
