//! What only raw requests see: tables, the review, OpenAPI, metrics, exchanging the recording.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::harness::{get, json as read, json_as, names, recording, replay, send};

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

fn cells(table: &Value) -> Vec<Vec<String>> {
    let rows = table["rows"].as_array().unwrap_or_else(|| panic!("{table}"));
    let text = |cell: &Value| cell.as_str().map_or_else(|| cell.to_string(), str::to_owned);
    rows.iter().map(|row| row["cells"].as_array().unwrap().iter().map(text).collect()).collect()
}

#[tokio::test]
async fn tables_have_the_columns_of_kubectl() {
    let replay = replay("mixed");
    let table = json_as(&replay, "/api/v1/namespaces/shop/pods", TABLE).await;
    assert_eq!(
        cells(&table),
        [
            ["cart-1", "1/2", "CrashLoopBackOff", "4", "120m", "10.0.0.7", "node-1", "<none>", "<none>"],
            ["web-1", "0/1", "ImagePullBackOff", "0", "2m", "<none>", "node-2", "<none>", "<none>"],
        ]
    );
    assert_eq!(table["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    assert_eq!(
        table["columnDefinitions"].as_array().unwrap().len(),
        table["rows"][0]["cells"].as_array().unwrap().len()
    );
    let table = json_as(&replay, "/apis/apps/v1/namespaces/shop/deployments/cart", TABLE).await;
    assert_eq!(cells(&table)[0][..5], ["cart", "1/2", "2", "1", "<unknown>"]);
    let table = json_as(&replay, "/apis/sea.example.com/v1/namespaces/shop/octopi", TABLE).await;
    assert_eq!(cells(&table), [["inky", "8"]]);
    let table = json_as(&replay, "/api/v1/namespaces/shop/events?includeObject=Object", TABLE).await;
    assert_eq!(cells(&table)[0][..4], ["60s", "Warning", "BackOff", "pod/cart-1"]);
    assert_eq!(table["rows"][0]["object"]["kind"], "Event");
}

#[tokio::test]
async fn each_kind_is_summed_up_as_kubectl_does() {
    let replay = replay("kinds");
    for (path, expected) in [
        (
            "/api/v1/nodes",
            "node-1|NotReady,SchedulingDisabled|control-plane|28d|v1.36.0|10.0.0.1|<none>|Debian|6.1 (amd64)|containerd://2.1.4",
        ),
        ("/api/v1/services", "web|LoadBalancer|10.96.0.9|<pending>|80:30080/TCP,443/TCP|<unknown>|app=web"),
        (
            "/apis/discovery.k8s.io/v1/endpointslices",
            "web-x|IPv4|8080|10.1.0.1,10.1.0.2,10.1.0.3 + 1 more...|<unknown>",
        ),
        ("/apis/networking.k8s.io/v1/ingresses", "web|nginx|a.example.com,*||80, 443|<unknown>"),
        ("/api/v1/persistentvolumeclaims", "data|Bound|pv-1|10Gi|RWO|cbs|<unset>|10m|null"),
        ("/api/v1/persistentvolumes", "pv-1|10Gi|RWO,ROX|Delete|Bound|shop/data|cbs|<unset>|null|<unknown>|null"),
        (
            "/apis/autoscaling/v2/horizontalpodautoscalers",
            "web|Deployment/web|cpu: 130%/80%,memory: <unknown>/70%|1|5|5|<unknown>",
        ),
        ("/apis/batch/v1/jobs", "import|Failed|1/2|3m5s|60m"),
        ("/apis/batch/v1/cronjobs", "nightly|0 3 * * *|True|0|60s|24h"),
        ("/apis/policy/v1/poddisruptionbudgets", "web|2|N/A|0|<unknown>"),
        ("/apis/rbac.authorization.k8s.io/v1/rolebindings", "readers|Role/reader|<unknown>|ann||shop/web"),
        ("/apis/batch.example.com/v1/jobs", "theirs|60m"),
    ] {
        let table = json_as(&replay, path, TABLE).await;
        assert_eq!(cells(&table)[0].join("|"), expected, "{path}");
    }
}

#[tokio::test]
async fn recorded_usage_is_served_as_the_metrics_api() {
    let replay = replay("kinds");
    let pod = read(&replay, "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods/web-1").await;
    assert_eq!(pod["containers"][0]["usage"]["cpu"], "250m");
    assert!(pod["metadata"].get("uid").is_none(), "{pod}");
    assert_eq!(names(&replay, "/apis/metrics.k8s.io/v1beta1/nodes").await, ["node-1"]);
    assert_eq!(names(&replay, "/api/v1/pods").await, [""; 0]);
}

#[tokio::test]
async fn every_built_in_kind_answers_in_every_form() {
    let replay = replay("mixed");
    let mut asked = 0;
    for group in [
        "/api/v1",
        "/apis/apps/v1",
        "/apis/batch/v1",
        "/apis/storage.k8s.io/v1",
        "/apis/networking.k8s.io/v1",
        "/apis/policy/v1",
        "/apis/autoscaling/v2",
    ] {
        for resource in read(&replay, group).await["resources"].as_array().unwrap() {
            let name = resource["name"].as_str().unwrap();
            if name.contains('/') {
                continue;
            }
            let path = format!("{group}/{name}");
            let list = read(&replay, &path).await;
            assert_eq!(list["kind"], format!("{}List", resource["kind"].as_str().unwrap()), "{path}");
            assert_eq!(json_as(&replay, &path, TABLE).await["kind"], "Table", "{path}");
            asked += 1;
        }
    }
    assert!(asked > 35, "{asked}");
}

#[tokio::test]
async fn everyone_may_read_and_nobody_may_write() {
    let replay = replay("mixed");
    let may = async |verb: &str| {
        let review = json!({"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "spec": {"resourceAttributes": {"verb": verb, "resource": "pods"}}});
        let request = Request::post("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews")
            .header("content-type", "application/json");
        let (status, body) = send(&replay, request.body(Body::from(review.to_string())).unwrap()).await;
        assert_eq!(status, StatusCode::CREATED);
        serde_json::from_str::<Value>(&body).unwrap()["status"]["allowed"] == true
    };
    assert!(may("list").await);
    assert!(!may("delete").await);
    let request = Request::post("/api/v1/namespaces/shop/pods").body(Body::from("{}")).unwrap();
    let (status, body) = send(&replay, request).await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
    assert!(body.contains("recorded cluster, it can only be read"), "{body}");
}

#[tokio::test]
async fn wrong_requests_are_named() {
    let replay = replay("mixed");
    for (path, status, text) in [
        ("/api/v1/pods?labelSelector=a%20in%20(b", StatusCode::BAD_REQUEST, "unable to parse labelSelector"),
        ("/api/v1/pods?limit=many", StatusCode::BAD_REQUEST, "limit: invalid value"),
        ("/api/v1/widgets", StatusCode::NOT_FOUND, "the server could not find the requested resource"),
        ("/apis/no.such/v1", StatusCode::NOT_FOUND, "the server could not find the requested resource"),
        ("/apis/apps/v1/namespaces/shop/deployments/x", StatusCode::NOT_FOUND, "deployments.apps \\\"x\\\" not found"),
        ("/api/v1/namespaces/shop/pods/cart-1/exec", StatusCode::NOT_FOUND, "the server could not find"),
        ("/metrics", StatusCode::NOT_FOUND, "404 page not found"),
    ] {
        let (got, body) = get(&replay, path).await;
        assert_eq!(got, status, "{path}: {body}");
        assert!(body.contains(text), "{path}: {body}");
    }
}

#[tokio::test]
async fn an_exchanged_recording_is_served_at_once() {
    let replay = replay("mixed");
    let router = replay.router();
    let page = read(&replay, "/api/v1/pods?limit=1").await;
    replay.swap(recording("must-gather"));
    assert_eq!(names(&replay, "/api/v1/pods").await, ["cart-1"]);
    let request = Request::get("/api/v1/nodes").body(Body::empty()).unwrap();
    let response = tower::ServiceExt::oneshot(router, request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let stale = format!("/api/v1/pods?limit=1&continue={}", page["metadata"]["continue"].as_str().unwrap());
    assert_eq!(get(&replay, &stale).await.0, StatusCode::GONE);
}

#[tokio::test]
async fn recorded_metrics_answer_as_a_prometheus() {
    let replay = replay("mixed");
    let answer = read(&replay, "/prometheus/api/v1/query?query=up%20%3D%3D%200").await;
    assert_eq!((&answer["status"], &answer["data"]["resultType"]), (&json!("success"), &json!("vector")));
    assert_eq!(answer["data"]["result"][0]["metric"]["job"], "node");
    let answer = read(&replay, "/prometheus/api/v1/query?query=up+%3D%3D+1").await;
    assert_eq!(answer["data"], json!({"resultType": "vector", "result": []}));
    let answer = read(&replay, "/prometheus/api/v1/query?query=rate(x%5B5m%5D)").await;
    assert_eq!(answer["data"]["result"][0]["value"][1], "2");
    let answer = read(&replay, "/prometheus/api/v1/query_range?query=count(kube_pod_info)&start=0&end=1&step=1").await;
    assert_eq!(
        answer["data"],
        json!({"resultType": "matrix", "result": [{"metric": {}, "values": [[1_772_334_000.0, "2"]]}]})
    );
    let request = Request::post("/prometheus/api/v1/query").header("content-type", "application/x-www-form-urlencoded");
    let (_, body) = send(&replay, request.body(Body::from("query=up+%3D%3D+0")).unwrap()).await;
    assert!(body.contains("\"job\":\"node\""), "{body}");
    assert_eq!(get(&replay, "/prometheus/api/v1/query").await.0, StatusCode::BAD_REQUEST);
    assert!(recording("mixed").metrics().lookup("rate(x[5m])").is_some());
}

#[tokio::test]
async fn openapi_is_there() {
    let replay = replay("mixed");
    assert_eq!(
        read(&replay, "/openapi/v3").await["paths"]["apis/apps/v1"]["serverRelativeURL"],
        "/openapi/v3/apis/apps/v1"
    );
    assert_eq!(read(&replay, "/openapi/v3/apis/apps/v1").await["openapi"], "3.0.0");
    assert_eq!(read(&replay, "/openapi/v2").await["swagger"], "2.0");
}
