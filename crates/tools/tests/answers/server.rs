//! Tools that need more of an API server than a recording gives: schemas, dry runs, metrics, a kubelet.

use std::sync::Arc;

use axum::routing::{get, patch};
use axum::{Json, Router};
use cluster::Limits;
use futures::FutureExt;
use serde_json::{Value, json};

use crate::harness::{Bench, holds};

fn bench(router: Router) -> Bench {
    let now = "2026-01-01T12:00:00Z".parse().unwrap();
    Bench::over(Ok(cluster::over("made", router, &Limits::default())), now)
}

fn answers(value: Value) -> axum::routing::MethodRouter {
    get(move || async { Json(value) })
}

fn schema() -> Value {
    let named = |kind: &str| json!([{"group": "apps", "version": "v1", "kind": kind}]);
    json!({"components": {"schemas": {
        "a.Deployment": {"type": "object", "description": "A workload.", "x-kubernetes-group-version-kind": named("Deployment"),
            "properties": {"spec": {"allOf": [{"$ref": "#/components/schemas/a.Spec"}], "description": "What is wished."}}},
        "a.Spec": {"type": "object", "required": ["selector"], "properties": {
            "replicas": {"type": "integer", "description": "How many. More words."},
            "selector": {"type": "object", "additionalProperties": {"type": "string"}},
            "containers": {"type": "array", "items": {"$ref": "#/components/schemas/a.Container"}}}},
        "a.Container": {"type": "object", "properties": {"image": {"type": "string"}, "pull": {"type": "string", "enum": ["Always", "Never"]}}}}}})
}

#[tokio::test]
async fn fields_of_a_kind() {
    let bench = bench(Router::new().route("/openapi/v3/apis/apps/v1", answers(schema())));
    let spec = bench.text("explain", json!({"kind": "deploy", "field": "spec"})).await;
    assert_eq!(
        spec,
        "apps/v1 Deployment.spec (object)\nWhat is wished.\nselector (map[string]string, required): \ncontainers ([]object): \nreplicas (integer): How many\n"
    );
    holds(
        &bench.text("explain", json!({"kind": "Deployment", "field": "spec.containers[0].pull"})).await,
        &["(string)", "one of \"Always\", \"Never\""],
    );
    holds(
        &bench.trouble("explain", json!({"kind": "Deployment", "field": "spec.replica"})).await,
        &["field replica of spec was not found", "replicas"],
    );
}

#[tokio::test]
async fn a_preview_shows_what_would_change_and_writes_nothing() {
    let live = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop", "uid": "u", "resourceVersion": "1"}, "data": {"a": "1"}});
    let mut after = live.clone();
    after["data"] = json!({"a": "2", "b": "3"});
    let dry = patch(move |uri: http::Uri| async move {
        assert!(uri.query().unwrap_or_default().contains("dryRun=All"), "{uri}");
        Json(after)
    });
    let router = Router::new()
        .route(
            "/api/v1/namespaces/kube-system",
            answers(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": "c1"}})),
        )
        .route("/api/v1/namespaces/shop/configmaps/settings", dry.get(move || async { Json(live) }));
    let manifest =
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\ndata: {a: '2', b: '3'}";
    let text = bench(router).text("apply_preview", json!({"resource": manifest})).await;
    assert_eq!(text, "dry run, nothing was written\nConfigMap shop/settings:\n~ data.a: 1 -> 2\n+ data.b: 3\n");
}

#[tokio::test]
async fn usage_from_the_metrics_api() {
    let used = |name: &str, cpu: &str, memory: &str| json!({"metadata": {"name": name}, "usage": {"cpu": cpu, "memory": memory}});
    let node =
        |name: &str| json!({"metadata": {"name": name}, "status": {"allocatable": {"cpu": "4", "memory": "8Gi"}}});
    let pod = json!({"metadata": {"name": "web-0", "namespace": "shop"}, "containers": [
        {"name": "main", "usage": {"cpu": "250m", "memory": "512Mi"}}, {"name": "side", "usage": {"cpu": "1m", "memory": "8Mi"}}]});
    let router = Router::new()
        .route(
            "/apis/metrics.k8s.io/v1beta1/nodes",
            answers(json!({"items": [used("n1", "400m", "1Gi"), used("n2", "3800m", "4Gi")]})),
        )
        .route("/apis/metrics.k8s.io/v1beta1/pods", answers(json!({"items": [pod]})))
        .route("/api/v1/nodes", answers(json!({"kind": "NodeList", "items": [node("n1"), node("n2")]})));
    let bench = bench(router);
    assert_eq!(
        bench.text("nodes_top", json!({})).await,
        "NAME CPU CPU% MEMORY MEMORY%\nn2 3800m 95% 4096Mi 50%\nn1 400m 10% 1024Mi 13%\n"
    );
    holds(
        &bench.text("pods_top", json!({})).await,
        &["1 pods, together 251m CPU, 520Mi", "shop/web-0 251m 520Mi (main 250m 512Mi, side 1m 8Mi)"],
    );
}

#[tokio::test]
async fn a_node_by_its_kubelet() {
    let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"}});
    let stats = json!({"node": {"nodeName": "n1", "cpu": {"usageNanoCores": 500_000_000}, "memory": {"workingSetBytes": 1_073_741_824_u64, "availableBytes": 0,
            "psi": {"some": {"avg10": 1.5}, "full": {"avg10": 0.5}}}},
        "pods": [{"podRef": {"name": "web-0", "namespace": "shop"}, "memory": {"workingSetBytes": 10_485_760}}]});
    let router = Router::new()
        .route("/api/v1/nodes/n1", answers(node))
        .route("/api/v1/nodes/n1/proxy/stats/summary", answers(stats))
        .route(
            "/api/v1/nodes/n1/proxy/logs/",
            get(|uri: http::Uri| async move { format!("asked {}\nlast line\n", uri.query().unwrap_or_default()) }),
        );
    // the hub gives leave for such reads, or does not
    let leave: cluster::Leave = Arc::new(|_, _| std::future::ready(Ok(())).boxed());
    let cluster = cluster::over("made", router, &Limits::default()).reading(cluster::Scope::default(), leave);
    let bench = Bench::over(Ok(cluster), "2026-01-01T12:00:00Z".parse().unwrap());
    let said = [
        bench.ask("nodes_stats_summary", json!({"name": "n1"})).await,
        bench.ask("nodes_log", json!({"name": "n1", "query": "kubelet", "tailLines": 5})).await,
    ];
    let texts: Vec<String> =
        said.map(|answer| answer.map_or_else(|trouble| trouble.to_string(), |answer| answer.text)).into();
    holds(&texts[0], &["n1: CPU 500m, memory 1024Mi", "memory pressure: some 1.5% full 0.5%", "shop/web-0 0m 10Mi"]);
    holds(&texts[1], &["query=kubelet&tailLines=5", "last line"]);
}
