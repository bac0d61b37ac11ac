//! Through the gate comes what a Helm release is, and no value of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write;

use axum::{Json, Router, routing::get};
use base64::{Engine, engine::general_purpose::STANDARD};
use cluster::{Limits, RELEASE};
use flate2::{Compression, write::GzEncoder};
use serde_json::{Value, json};

fn release() -> String {
    let release = json!({"name": "db", "namespace": "shop", "version": 3, "info": {"status": "deployed", "notes": "hunter2"},
        "chart": {"metadata": {"name": "postgresql", "version": "15.2.1"}}, "config": {"auth": {"password": "hunter2"}}, "manifest": "hunter2"});
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(release.to_string().as_bytes()).unwrap();
    STANDARD.encode(packer.finish().unwrap())
}

#[tokio::test]
async fn secrets_and_config_maps_alike() {
    let metadata = json!({"name": "sh.helm.release.v1.db.v3", "namespace": "shop", "labels": {"owner": "helm"}});
    let secret = json!({"apiVersion": "v1", "kind": "SecretList", "metadata": {}, "items": [
        {"type": "helm.sh/release.v1", "metadata": metadata, "data": {"release": STANDARD.encode(release())}}]});
    let map = json!({"apiVersion": "v1", "kind": "ConfigMapList", "metadata": {}, "items": [
        {"metadata": metadata, "data": {"release": release()}}]});
    let router = Router::new()
        .route("/api/v1/secrets", get(move || async { Json(secret) }))
        .route("/api/v1/configmaps", get(move || async { Json(map) }));
    let cluster = cluster::over("made", router, &Limits::default());
    for kind in ["secrets", "configmaps"] {
        let request = http::Request::get(format!("/api/v1/{kind}")).body(Vec::new()).unwrap();
        let list: Value = cluster.client.request(request).await.unwrap();
        let item = &list["items"][0];
        assert_eq!(item["data"]["release"], "", "{kind}");
        let told = item["metadata"]["annotations"][RELEASE].as_str().unwrap();
        let told: Value = serde_json::from_str(told).unwrap();
        assert_eq!(
            (&told["chart"], &told["revision"], &told["valuesGiven"]),
            (&json!("postgresql"), &json!(3), &json!(["auth.password"])),
            "{kind}"
        );
        assert!(!list.to_string().contains("hunter2"), "{kind}");
    }
}
