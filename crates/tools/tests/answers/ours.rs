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

fn role(kind: &str, name: &str, rules: serde_json::Value) -> serde_json::Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": name, "namespace": if kind == "Role" { "shop" } else { "" }}, "rules": rules})
}

fn binding(kind: &str, role: (&str, &str), subject: serde_json::Value) -> serde_json::Value {
    json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": kind, "metadata": {"name": format!("{}-binding", role.1), "namespace": if kind == "RoleBinding" { "shop" } else { "" }},
        "roleRef": {"kind": role.0, "name": role.1}, "subjects": [subject]})
}

#[tokio::test]
async fn who_may_do_something() {
    let bench = Bench::of_objects(&[
        role("ClusterRole", "cluster-admin", json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}])),
        role("Role", "debug", json!([{"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]}])),
        role("Role", "reader", json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}])),
        binding("ClusterRoleBinding", ("ClusterRole", "cluster-admin"), json!({"kind": "Group", "name": "ops"})),
        binding("RoleBinding", ("Role", "debug"), json!({"kind": "ServiceAccount", "namespace": "shop", "name": "ci"})),
        binding("RoleBinding", ("Role", "reader"), json!({"kind": "User", "name": "bob"})),
    ]);
    let answer =
        bench.ask("who_can", json!({"verb": "create", "resource": "pods/exec", "namespace": "shop"})).await.unwrap();
    holds(
        &answer.text,
        &[
            "2 may create pods/exec in namespace shop",
            "Group ops (ClusterRole cluster-admin",
            "ServiceAccount shop/ci (Role debug",
        ],
    );
    let everywhere = bench.ask("who_can", json!({"verb": "get", "resource": "pods"})).await.unwrap();
    holds(&everywhere.text, &["1 may get pods in the whole cluster", "Group ops"]);
}

#[tokio::test]
async fn waiting_ends_at_once_when_the_wish_holds_or_cannot() {
    let bench = Bench::of_case("rollout-stuck-new-image");
    let gone = bench
        .text("wait_for", json!({"object": "pod/none", "namespace": "shop", "until": "deleted", "seconds": 5}))
        .await;
    assert_eq!(gone, "Pod none is deleted: it is gone\n");
    let ready =
        bench.text("wait_for", json!({"object": "pod/web-5d7c9f8b6-a2x7k", "namespace": "shop", "seconds": 5})).await;
    holds(&ready, &["is ready: ready 1/1, status Running"]);
    let never = bench.text("wait_for", json!({"object": "deploy/web", "namespace": "shop", "seconds": 1})).await;
    holds(&never, &["is not ready after 1 s", "diagnose"]);
}
