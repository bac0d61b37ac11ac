//! The tools that kubernetes-mcp-server has too.

use serde_json::json;

use crate::harness::{Bench, holds};

#[tokio::test]
async fn the_stuck_claim_and_its_pod_come_first() {
    let bench = Bench::of_case("volume_size_below_minimum-aws");
    let pods = bench.text("pods_list", json!({})).await;
    println!("{pods}");
    let claims = bench.text("resources_list", json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim"})).await;
    println!("{claims}");
    let events = bench.text("events_list", json!({})).await;
    println!("{events}");
    holds(&events, &["Warning ProvisioningFailed", "PersistentVolumeClaim"]);
    holds(&claims, &["Pending", "in trouble"]);
}

#[tokio::test]
async fn a_pod_without_noise() {
    let bench = Bench::of_case("oom_killed-limit");
    let pod = bench.text("pods_get", json!({"namespace": "shop", "name": "api-7d9c5b8f6d-x7k2p"})).await;
    println!("{pod}");
    holds(&pod, &["OOMKilled", "kind: Pod", "namespace: shop"]);
    assert!(!pod.contains("managedFields") && !pod.contains("terminationMessagePath"), "{pod}");
    let same = bench
        .text(
            "resources_get",
            json!({"apiVersion": "v1", "kind": "Pod", "namespace": "shop", "name": "api-7d9c5b8f6d-x7k2p"}),
        )
        .await;
    assert_eq!(pod, same);
}

#[tokio::test]
async fn the_log_of_the_run_before() {
    let bench = Bench::of_case("oom_killed-limit");
    let log =
        bench.text("pods_log", json!({"namespace": "shop", "name": "api-7d9c5b8f6d-x7k2p", "previous": true})).await;
    println!("{log}");
    assert!(!log.is_empty());
}

#[tokio::test]
async fn errors_say_what_to_do_next() {
    let bench = Bench::of_case("oom_killed-limit");
    let elsewhere = bench.trouble("pods_get", json!({"name": "api-7d9c5b8f6d-x7k2p"})).await;
    holds(&elsewhere, &["namespace default", "api-7d9c5b8f6d-x7k2p in namespace shop"]);
    let near = bench.trouble("pods_get", json!({"namespace": "shop", "name": "api"})).await;
    holds(&near, &["api-7d9c5b8f6d-x7k2p"]);
    let kind = bench.trouble("resources_list", json!({"apiVersion": "apps/v1", "kind": "Deploymnt"})).await;
    holds(&kind, &["kind Deploymnt", "Deployment"]);
    let namespace = bench.trouble("pods_list_in_namespace", json!({"namespace": "shopp"})).await;
    holds(&namespace, &["namespace shopp was not found"]);
    let path = bench.trouble("pods_get", json!({"namespace": "shop", "name": "x/log"})).await;
    holds(&path, &["argument name"]);
    let metrics = bench.trouble("nodes_top", json!({})).await;
    holds(&metrics, &["metrics-server"]);
}

#[tokio::test]
async fn kinds_may_be_written_as_kubectl_takes_them() {
    let bench = Bench::of_case("volume_size_below_minimum-aws");
    let proper = bench.text("resources_list", json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim"})).await;
    for (version, kind) in [("v1", "pvc"), ("v1", "persistentvolumeclaims"), ("apps/v1", "PersistentVolumeClaim")] {
        assert_eq!(
            bench.text("resources_list", json!({"apiVersion": version, "kind": kind})).await,
            proper,
            "{version} {kind}"
        );
    }
}
