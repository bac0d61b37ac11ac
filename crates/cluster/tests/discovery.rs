//! Discovery with and without aggregation, and with parts of the API broken.

use axum::{Json, Router, extract::Request, http::StatusCode, response::IntoResponse};
use cluster::{Limits, discovery};
use serde_json::{Value, json};

async fn discover(
    answer: impl Fn(&str, &str) -> Result<Value, StatusCode> + Clone + Send + Sync + 'static,
) -> discovery::Discovery {
    let router = Router::new().fallback(move |request: Request| {
        let accept = request.headers().get("accept").and_then(|accept| accept.to_str().ok()).unwrap_or_default();
        let response = match answer(request.uri().path(), accept) {
            Ok(body) => Json(body).into_response(),
            Err(status) => (status, "service unavailable").into_response(),
        };
        std::future::ready(response)
    });
    discovery::discover(&cluster::over("test", router, &Limits::default()).client).await
}

fn plurals(found: &discovery::Discovery) -> Vec<String> {
    found.kinds.iter().map(|kind| format!("{}/{}/{}", kind.group, kind.version, kind.plural)).collect()
}

/// A server before aggregation, whose metrics API is down.
fn classic(path: &str, _: &str) -> Result<Value, StatusCode> {
    let group = |name: &str, versions: &[&str], preferred: &str| {
        let versions: Vec<Value> = versions
            .iter()
            .map(|version| json!({"groupVersion": format!("{name}/{version}"), "version": version}))
            .collect();
        json!({"name": name, "versions": versions, "preferredVersion": {"groupVersion": "", "version": preferred}})
    };
    let resource = |name: &str, kind: &str, namespaced: bool| json!({"name": name, "kind": kind, "namespaced": namespaced, "verbs": ["get", "list"]});
    match path {
        "/api" => Ok(json!({"kind": "APIVersions", "versions": ["v1"]})),
        "/apis" => Ok(json!({"kind": "APIGroupList", "groups": [
            group("metrics.k8s.io", &["v1beta1"], "v1beta1"), group("autoscaling", &["v1", "v2"], "v2")]})),
        "/api/v1" => Ok(json!({"kind": "APIResourceList", "resources": [
            resource("pods", "Pod", true), resource("pods/log", "Pod", true), resource("nodes", "Node", false)]})),
        "/apis/autoscaling/v1" | "/apis/autoscaling/v2" => Ok(
            json!({"kind": "APIResourceList", "resources": [resource("horizontalpodautoscalers", "HorizontalPodAutoscaler", true)]}),
        ),
        _ => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}

#[tokio::test]
async fn one_broken_group_is_a_gap_and_the_others_are_found() {
    let found = discover(classic).await;
    assert_eq!(plurals(&found), ["/v1/pods", "/v1/nodes", "autoscaling/v2/horizontalpodautoscalers"]);
    assert_eq!(found.kinds.iter().map(|kind| kind.namespaced).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(found.gaps.len(), 1, "{:?}", found.gaps);
    assert_eq!(found.gaps[0].what, "metrics.k8s.io/v1beta1");
    assert_eq!(found.gaps[0].why, "HTTP 503: service unavailable");
}

#[tokio::test]
async fn a_server_that_knows_only_plain_json_is_asked_again() {
    let found = discover(
        |path, accept| if accept.contains("as=") { Err(StatusCode::NOT_ACCEPTABLE) } else { classic(path, accept) },
    )
    .await;
    assert_eq!(found, discover(classic).await);
}

#[tokio::test]
async fn aggregated_discovery_takes_two_requests_and_tells_what_is_stale() {
    let found = discover(|path, accept| {
        assert!(accept.contains("v=v2;as=APIGroupDiscoveryList"), "{accept}");
        let resource = |name: &str, kind: &str| json!({"resource": name, "responseKind": {"group": "", "version": "", "kind": kind}, "scope": "Namespaced", "verbs": ["list"]});
        let version = |name: &str, freshness: &str, resources: Value| json!({"version": name, "freshness": freshness, "resources": resources});
        match path {
            "/api" => Ok(json!({"kind": "APIGroupDiscoveryList", "items": [{"versions": [version("v1", "Current", json!([resource("pods", "Pod")]))]}]})),
            "/apis" => Ok(json!({"kind": "APIGroupDiscoveryList", "items": [
                {"metadata": {"name": "apps"}, "versions": [version("v1", "Current", json!([resource("deployments", "Deployment")]))]},
                {"metadata": {"name": "metrics.k8s.io"}, "versions": [version("v1beta1", "Stale", json!([]))]}]})),
            other => panic!("{other} was not needed"),
        }
    })
    .await;
    assert_eq!(plurals(&found), ["/v1/pods", "apps/v1/deployments"]);
    assert_eq!(found.gaps.iter().map(|gap| gap.what.as_str()).collect::<Vec<_>>(), ["metrics.k8s.io/v1beta1"]);
}

#[tokio::test]
async fn without_any_answer_there_are_only_gaps() {
    let found = discover(|_, _| Err(StatusCode::FORBIDDEN)).await;
    assert!(found.kinds.is_empty());
    assert_eq!(found.gaps.iter().map(|gap| gap.what.as_str()).collect::<Vec<_>>(), ["/api", "/apis"]);
    let strange = discover(|_, _| Ok(json!({"kind": "Mystery"}))).await;
    assert!(strange.kinds.is_empty() && strange.gaps.len() == 2);
}
