//! How long a recording of 200 healthy pods takes to load and to list: `cargo run --release -p replay --example measure [PODS]`.

use std::path::Path;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use http_body_util::BodyExt;
use replay::{Recording, Replay};
use serde_json::{Value, json};
use tower::ServiceExt;

/// The allocator of the binary that people run.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 15;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pods: usize = std::env::args().nth(1).map_or(Ok(200), |pods| pods.parse())?;
    let dir = tempfile::tempdir()?;
    let bytes = write(dir.path(), pods)?;
    let mut load = Vec::new();
    let mut recording = None;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let loaded = Recording::load(dir.path())?;
        load.push(start.elapsed());
        recording = Some(loaded);
    }
    let router = Replay::new(recording.ok_or("nothing loaded")?).router();
    println!("{pods} pods, {bytes} bytes of JSON");
    report("load", load);
    for path in ["/api/v1/pods", "/api/v1/events", "/api/v1/namespaces/shop/pods?labelSelector=app%3Dcart"] {
        let (mut list, mut size) = (Vec::new(), 0);
        for _ in 0..ROUNDS {
            let start = Instant::now();
            let response = router.clone().oneshot(Request::get(path).body(Body::empty())?).await?;
            size = response.into_body().collect().await?.to_bytes().len();
            list.push(start.elapsed());
        }
        report(&format!("GET {path} ({size} bytes)"), list);
    }
    Ok(())
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    println!("{what}: median {median:.2?}, slowest {:.2?}", times.last().copied().unwrap_or_default());
}

fn write(dir: &Path, pods: usize) -> Result<usize, Box<dyn std::error::Error>> {
    let services = ["cart", "checkout", "catalogue", "payment", "shipping", "users", "search", "web", "mail", "orders"];
    let mut kinds: Vec<(&str, Vec<Value>)> =
        vec![("pods", Vec::new()), ("events", Vec::new()), ("replicasets", Vec::new()), ("endpointslices", Vec::new())];
    for number in 0..pods {
        let app = services[number % services.len()];
        kinds[0].1.push(pod(app, number));
        for reason in ["Scheduled", "Pulled", "Created", "Started"] {
            kinds[1].1.push(event(app, number, reason));
        }
    }
    for app in services {
        kinds[2].1.push(json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": format!("{app}-6d5f"), "namespace": "shop", "uid": format!("rs-{app}")},
            "spec": {"replicas": pods / services.len(), "template": {"spec": {"containers": [container(app)]}}}, "status": {"replicas": pods / services.len()}}));
        let endpoints: Vec<Value> = (0..pods / services.len()).map(|number| json!({"addresses": [format!("10.1.0.{number}")], "conditions": {"ready": true}, "targetRef": {"kind": "Pod", "name": format!("{app}-{number}")}})).collect();
        kinds[3].1.push(json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": {"name": format!("{app}-x"), "namespace": "shop"}, "addressType": "IPv4", "endpoints": endpoints}));
    }
    std::fs::create_dir_all(dir.join("objects"))?;
    let mut bytes = 0;
    for (name, items) in kinds {
        let text = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
        bytes += text.len();
        std::fs::write(dir.join("objects").join(format!("{name}.json")), text)?;
    }
    Ok(bytes)
}

fn container(app: &str) -> Value {
    let probe = json!({"httpGet": {"path": "/healthz", "port": "http", "scheme": "HTTP"}, "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3});
    json!({"name": app, "image": format!("registry.example.com/shop/{app}:1.4.2"), "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}],
        "envFrom": [{"configMapRef": {"name": "common"}}], "env": [{"name": "POD_IP", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}}],
        "resources": {"requests": {"cpu": "20m", "memory": "32Mi"}, "limits": {"cpu": "100m", "memory": "64Mi"}}, "readinessProbe": probe, "livenessProbe": probe,
        "volumeMounts": [{"name": "cache", "mountPath": "/cache"}], "terminationMessagePath": "/dev/termination-log", "imagePullPolicy": "IfNotPresent"})
}

fn pod(app: &str, number: usize) -> Value {
    let time = "2026-03-01T02:00:00Z";
    let conditions: Vec<Value> =
        ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
            .iter()
            .map(|kind| json!({"type": kind, "status": "True", "lastProbeTime": null, "lastTransitionTime": time}))
            .collect();
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": format!("{app}-6d5f-{number}"), "generateName": format!("{app}-6d5f-"), "namespace": "shop", "uid": format!("pod-{number}"),
            "resourceVersion": format!("{}", 1000 + number), "creationTimestamp": time, "labels": {"app": app, "pod-template-hash": "6d5f"},
            "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": format!("{app}-6d5f"), "uid": format!("rs-{app}"), "controller": true, "blockOwnerDeletion": true}]},
        "spec": {"containers": [container(app)], "volumes": [{"name": "cache", "emptyDir": {}}], "restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
            "serviceAccountName": app, "nodeName": format!("node-{}", number % 6), "securityContext": {"runAsNonRoot": true, "runAsUser": 1000}, "schedulerName": "default-scheduler",
            "tolerations": [{"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}, {"key": "node.kubernetes.io/unreachable", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}]},
        "status": {"phase": "Running", "conditions": conditions, "hostIP": "10.0.0.1", "podIP": format!("10.1.0.{number}"), "startTime": time, "qosClass": "Burstable",
            "containerStatuses": [{"name": app, "state": {"running": {"startedAt": time}}, "lastState": {}, "ready": true, "restartCount": 0, "started": true,
                "image": format!("registry.example.com/shop/{app}:1.4.2"), "imageID": format!("sha256:{number:064}"), "containerID": format!("containerd://{number:064}")}]}})
}

fn event(app: &str, number: usize, reason: &str) -> Value {
    let time = "2026-03-01T02:00:05Z";
    json!({"apiVersion": "v1", "kind": "Event", "metadata": {"name": format!("{app}-6d5f-{number}.{reason}"), "namespace": "shop", "uid": format!("event-{number}-{reason}"), "creationTimestamp": time},
        "involvedObject": {"kind": "Pod", "namespace": "shop", "name": format!("{app}-6d5f-{number}"), "uid": format!("pod-{number}"), "apiVersion": "v1", "resourceVersion": "1000"},
        "reason": reason, "message": format!("{reason}: container {app} of pod {app}-6d5f-{number}"), "source": {"component": "kubelet", "host": "node-1"},
        "firstTimestamp": time, "lastTimestamp": time, "count": 1, "type": "Normal", "eventTime": null, "reportingComponent": "kubelet", "reportingInstance": "node-1"})
}
