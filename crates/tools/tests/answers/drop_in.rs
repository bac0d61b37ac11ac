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

#[tokio::test]
async fn helm_releases_without_their_values() {
    let labels =
        |status: &str, version: &str| json!({"owner": "helm", "name": "db", "status": status, "version": version});
    // as the gate notes it beside the blanking, and as a recording keeps it
    let told = json!({"name": "db", "status": "deployed", "chart": "postgresql", "version": "15.2.1", "appVersion": "17.0",
        "lastDeployed": "2026-01-01T11:00:00Z", "valuesGiven": ["auth.password"]});
    let secret = |version: &str, status: &str| {
        json!({"apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1", "data": {"release": ""},
            "metadata": {"name": format!("sh.helm.release.v1.db.v{version}"), "namespace": "shop", "labels": labels(status, version),
                "annotations": {cluster::RELEASE: told.to_string()}}})
    };
    let bench = Bench::of_objects(&[secret("2", "superseded"), secret("3", "deployed")]);
    let answer = bench.ask("helm_list", json!({"namespace": "shop"})).await.unwrap();
    holds(&answer.text, &["1 Helm releases in shop", "shop/db deployed postgresql-15.2.1 17.0 r3 60m"]);
    assert!(answer.data.to_string().contains("auth.password"));
    holds(
        &bench.trouble("helm_install", json!({"chart": "oci://x/y"})).await,
        &["No helm program is set up", "resources_create_or_update"],
    );
    holds(&bench.trouble("helm_uninstall", json!({"name": "bd", "namespace": "shop"})).await, &["Helm release bd"]);
}

#[tokio::test]
async fn without_a_cluster_a_call_says_what_is_missing() {
    let bench = Bench::over(Err("no kubeconfig was found".to_owned()), jiff::Timestamp::UNIX_EPOCH);
    for tool in tools::TOOLS.iter().filter(|tool| tool.cluster_aware) {
        let arguments = json!({"namespace": "a", "name": "b", "object": "pod/b", "kind": "Pod", "apiVersion": "v1", "image": "i", "chart": "c",
            "pattern": "x", "verb": "get", "resource": "pods", "query": "q", "id": "E1", "action": "status", "command": ["ls"]});
        let said = match bench.ask(tool.name, arguments).await {
            Ok(answer) => answer.text,
            Err(trouble) => trouble.to_string(),
        };
        let other_reason = said.contains("argument resource") || said.contains("No helm program");
        assert!(said.contains("no kubeconfig was found") || other_reason, "{}: {said}", tool.name);
    }
}
