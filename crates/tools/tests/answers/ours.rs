//! The tools that only Midwatch has.

use serde_json::json;

use crate::harness::{Bench, holds};

#[tokio::test]
async fn the_cause_of_a_stuck_pod_in_one_call() {
    let bench = Bench::of_case("volume_size_below_minimum-aws");
    let text = bench.text("diagnose", json!({"namespace": "shop"})).await;
    println!("{text}");
    holds(
        &text,
        &[
            "volume_size_below_minimum",
            "PersistentVolumeClaim shop/data",
            "125Gi",
            "cannot be less than 125 GiB",
            "fix:",
        ],
    );
    // about 4 bytes a token: the cause has to be cheap
    assert!(text.len() < 1600, "{} bytes", text.len());
    let alert = bench
        .text("diagnose", json!({"alert": {"labels": {"namespace": "shop", "persistentvolumeclaim": "data"}}}))
        .await;
    holds(&alert, &["volume_size_below_minimum"]);
    let evidence = bench.text("evidence", json!({"namespace": "shop", "id": "E1"})).await;
    println!("{evidence}");
    holds(&evidence, &["E1 "]);
    let near = bench.trouble("evidence", json!({"namespace": "shop", "id": "E99"})).await;
    holds(&near, &["evidence E99 was not found", "E1"]);
}

#[tokio::test]
async fn an_object_with_its_surroundings() {
    let bench = Bench::of_case("volume_size_below_minimum-aws");
    let text = bench.text("describe", json!({"object": "pvc/data", "namespace": "shop"})).await;
    println!("{text}");
    holds(
        &text,
        &[
            "PersistentVolumeClaim shop/data: status Pending",
            "used by:",
            "Pod shop/web",
            "events:",
            "ProvisioningFailed",
        ],
    );
    let wrong = bench.trouble("describe", json!({"object": "data"})).await;
    holds(&wrong, &["kind/name"]);
}

#[tokio::test]
async fn a_release_with_its_revisions() {
    let bench = Bench::of_case("rollout-stuck-new-image");
    let text = bench.text("search", json!({"name": "web"})).await;
    println!("{text}");
    let status = bench.text("rollout", json!({"action": "status", "object": "deploy/web", "namespace": "shop"})).await;
    println!("{status}");
    let history =
        bench.text("rollout", json!({"action": "history", "object": "deploy/web", "namespace": "shop"})).await;
    println!("{history}");
    let changes = bench.text("changes", json!({"namespace": "shop", "minutes": 100_000})).await;
    println!("{changes}");
    let refused =
        bench.trouble("rollout", json!({"action": "restart", "object": "deploy/web", "namespace": "shop"})).await;
    holds(&refused, &["nothing can be changed here"]);
}

#[tokio::test]
async fn lines_of_logs_over_pods() {
    let bench = Bench::of_case("volume_size_below_minimum-two-hops");
    let text = bench
        .text(
            "logs_search",
            json!({"namespace": "shop", "pattern": "(?i)refused|error|fail", "previous": true, "minutes": 100_000}),
        )
        .await;
    println!("{text}");
    let bad = bench.trouble("logs_search", json!({"namespace": "shop", "pattern": "("})).await;
    holds(&bad, &["argument pattern"]);
}

#[tokio::test]
async fn near_names_are_offered() {
    let bench = Bench::of_case("volume_size_below_minimum-aws");
    holds(&bench.trouble("search", json!({"name": "dtaa"})).await, &["PersistentVolumeClaim shop/data"]);
}
