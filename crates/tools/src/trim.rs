//! An object without its noise: what the server filled in by itself, who owns which field, times of every condition.

use diagnose::Object;
use diagnose::object::text;
use diagnose::pod::containers;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::age::age;

/// Bookkeeping of the server and of tools that keep a copy of the object.
const METADATA: [&str; 6] =
    ["managedFields", "resourceVersion", "selfLink", "generateName", "generation", "creationTimestamp"];

/// What a pod template holds when nobody wrote it.
const DEFAULTS: &[(&str, &str)] = &[
    ("dnsPolicy", "ClusterFirst"),
    ("restartPolicy", "Always"),
    ("schedulerName", "default-scheduler"),
    ("preemptionPolicy", "PreemptLowerPriority"),
    ("terminationMessagePath", "/dev/termination-log"),
    ("terminationMessagePolicy", "File"),
    ("protocol", "TCP"),
    ("scheme", "HTTP"),
    ("sessionAffinity", "None"),
    ("internalTrafficPolicy", "Cluster"),
    ("ipFamilyPolicy", "SingleStack"),
    ("podManagementPolicy", "OrderedReady"),
    ("volumeMode", "Filesystem"),
];

const NUMBERS: &[(&str, i64)] = &[
    ("terminationGracePeriodSeconds", 30),
    ("priority", 0),
    ("successThreshold", 1),
    ("failureThreshold", 3),
    ("timeoutSeconds", 1),
    ("periodSeconds", 10),
    ("defaultMode", 420),
    ("revisionHistoryLimit", 10),
    ("progressDeadlineSeconds", 600),
];

/// The object as a model should read it.
pub fn trim(object: &Object, now: Timestamp) -> Value {
    let mut value = object.value.clone();
    if let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|key, _| !METADATA.contains(&key.as_str()));
        trim_annotations(metadata);
        if let Some(created) = object.created() {
            metadata.insert("created".to_owned(), format!("{created} ({} ago)", age(Some(created), now)).into());
        }
        owners(metadata);
    }
    if object.kind() == "Secret" {
        value["data"] = sizes(object);
    }
    if object.pod_spec_path().is_some() {
        drop_token_volumes(&mut value);
    }
    if let Some(spec) = value.get_mut("spec") {
        drop_defaults(spec);
    }
    if value.get("status").is_some() {
        value["status"] = status(object, now);
    }
    drop_empty(&mut value);
    value
}

fn trim_annotations(metadata: &mut Map<String, Value>) {
    let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) else { return };
    let noise = ["last-applied-configuration", "midwatch.dev/secret-sizes", "pv.kubernetes.io/bind-completed"];
    annotations.retain(|key, _| !noise.iter().any(|ending| key.ends_with(ending)));
}

/// `ReplicaSet web-7d9f8b6c5` says all that an owner reference holds.
fn owners(metadata: &mut Map<String, Value>) {
    if let Some(Value::Array(owners)) = metadata.remove("ownerReferences") {
        let names: Vec<String> = owners.iter().map(|o| format!("{} {}", text(o, "kind"), text(o, "name"))).collect();
        metadata.insert("owner".to_owned(), names.join(", ").into());
    }
}

/// Which keys a Secret has and how large they are; the values never came here.
fn sizes(object: &Object) -> Value {
    let sizes: Value = serde_json::from_str(object.annotation(cluster::SIZES)).unwrap_or_default();
    let keys = object.at("/data").as_object().into_iter().flatten().map(|(key, _)| key);
    keys.map(|key| (key.clone(), sizes[key].as_u64().map_or(json!("hidden"), |n| json!(format!("{n} bytes, hidden")))))
        .collect()
}

/// The service account's token is mounted into every pod.
fn drop_token_volumes(value: &mut Value) {
    let token = |entry: &Value| text(entry, "name").starts_with("kube-api-access-");
    let spec = &mut value["spec"];
    if let Some(volumes) = spec.get_mut("volumes").and_then(Value::as_array_mut) {
        volumes.retain(|volume| !token(volume));
    }
    for group in ["containers", "initContainers"] {
        for container in spec.get_mut(group).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(mounts) = container.get_mut("volumeMounts").and_then(Value::as_array_mut) {
                mounts.retain(|mount| !token(mount));
            }
        }
    }
    if let Some(tolerations) = spec.get_mut("tolerations").and_then(Value::as_array_mut) {
        let usual = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
        tolerations.retain(|t| !(usual.contains(&text(t, "key")) && t["tolerationSeconds"] == 300));
    }
    if let Some(spec) = spec.as_object_mut() {
        spec.retain(|key, _| key != "serviceAccount");
    }
}

fn drop_defaults(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|key, value| {
                let usual_text = value.as_str().is_some_and(|v| DEFAULTS.contains(&(key.as_str(), v)));
                let usual_number = value.as_i64().is_some_and(|v| NUMBERS.contains(&(key.as_str(), v)));
                let pulled = key == "imagePullPolicy" && (value == "IfNotPresent" || value == "Always");
                !(usual_text || usual_number || pulled || (key == "enableServiceLinks" && value == &Value::Bool(true)))
            });
            map.values_mut().for_each(drop_defaults);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_defaults),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Empty maps and lists below the top say nothing, but `emptyDir: {}` and selectors do.
fn drop_empty(value: &mut Value) {
    let says_something =
        ["emptyDir", "podSelector", "namespaceSelector", "selector", "ingress", "egress", "from", "to"];
    if let Value::Object(map) = value {
        map.values_mut().for_each(drop_empty);
        map.retain(|key, value| {
            let empty = value.is_null()
                || value.as_object().is_some_and(Map::is_empty)
                || value.as_array().is_some_and(Vec::is_empty);
            !empty || says_something.contains(&key.as_str())
        });
    } else if let Value::Array(items) = value {
        items.iter_mut().for_each(drop_empty);
    }
}

/// The status with conditions and containers as sentences.
fn status(object: &Object, now: Timestamp) -> Value {
    let mut status = object.at("/status").clone();
    let Some(map) = status.as_object_mut() else { return status };
    map.retain(|key, _| {
        !matches!(
            key.as_str(),
            "observedGeneration"
                | "podIPs"
                | "hostIPs"
                | "images"
                | "daemonEndpoints"
                | "containerStatuses"
                | "initContainerStatuses"
        )
    });
    if map.get("conditions").is_some_and(Value::is_array) {
        map.insert("conditions".to_owned(), object.conditions().map(|c| condition(&c, now)).collect());
    }
    if object.kind() == "Pod" {
        let containers: Map<String, Value> =
            containers(object).filter_map(|c| Some((c.name.to_owned(), container(c.status?, now).into()))).collect();
        map.insert("containers".to_owned(), Value::Object(containers));
    }
    status
}

fn condition(c: &diagnose::object::Condition<'_>, now: Timestamp) -> Value {
    let mut words = format!("{}={}", c.kind, c.status);
    for part in [c.reason, c.message] {
        if !part.is_empty() {
            words.push_str(&format!(" {part}"));
        }
    }
    if c.since.is_some() {
        words.push_str(&format!(", for {}", age(c.since, now)));
    }
    words.into()
}

/// `running for 5m, ready, 3 restarts, before: exit 137 OOMKilled 6m ago`
fn container(status: &Value, now: Timestamp) -> String {
    let mut parts = Vec::new();
    let state = |state: &Value| {
        let time = |key: &str| state[key].as_str().and_then(|t| t.parse::<Timestamp>().ok());
        let said = [text(state, "reason"), text(state, "message")].join(" ").trim().to_owned();
        match state["exitCode"].as_i64() {
            Some(code) => format!("exit {code} {said} {} ago", age(time("finishedAt"), now)),
            None if time("startedAt").is_some() => format!("running for {}", age(time("startedAt"), now)),
            None => format!("waiting {said}"),
        }
    };
    let states = status["state"].as_object().into_iter().flatten();
    parts.extend(states.map(|(_, value)| state(value)));
    parts.push(if status["ready"] == true { "ready" } else { "not ready" }.to_owned());
    let restarts = status["restartCount"].as_i64().unwrap_or_default();
    if restarts > 0 {
        parts.push(format!("{restarts} restarts"));
    }
    if status["lastState"]["terminated"].is_object() {
        parts.push(format!("before: {}", state(&status["lastState"]["terminated"])));
    }
    parts.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_goes_and_facts_stay() {
        let pod = Object::new(json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "web-1", "namespace": "shop", "uid": "u1", "resourceVersion": "7", "managedFields": [{}],
                "creationTimestamp": "2026-01-01T00:00:00Z", "ownerReferences": [{"kind": "ReplicaSet", "name": "web"}]},
            "spec": {"dnsPolicy": "ClusterFirst", "nodeName": "node-1", "volumes": [{"name": "kube-api-access-x"}, {"name": "tmp", "emptyDir": {}}],
                "containers": [{"name": "main", "image": "web:1", "imagePullPolicy": "IfNotPresent", "ports": [{"containerPort": 80, "protocol": "TCP"}],
                    "volumeMounts": [{"name": "kube-api-access-x", "mountPath": "/var"}]}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady"}],
                "containerStatuses": [{"name": "main", "ready": false, "restartCount": 3, "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-01T00:05:00Z"}}}]}}))
        .unwrap();
        let trimmed = trim(&pod, "2026-01-01T00:06:00Z".parse().unwrap());
        assert_eq!(
            trimmed,
            json!({"apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": "web-1", "namespace": "shop", "uid": "u1", "created": "2026-01-01T00:00:00Z (6m ago)", "owner": "ReplicaSet web"},
                "spec": {"nodeName": "node-1", "volumes": [{"name": "tmp", "emptyDir": {}}],
                    "containers": [{"name": "main", "image": "web:1", "ports": [{"containerPort": 80}]}]},
                "status": {"phase": "Running", "conditions": ["Ready=False ContainersNotReady"],
                    "containers": {"main": "waiting CrashLoopBackOff, not ready, 3 restarts, before: exit 137 OOMKilled 60s ago"}}})
        );
    }

    #[test]
    fn a_secret_shows_its_keys_and_sizes() {
        let secret =
            Object::new(json!({"kind": "Secret", "type": "Opaque", "metadata": {"name": "db", "namespace": "shop",
            "annotations": {cluster::SIZES: "{\"password\": 12}"}}, "data": {"password": ""}}))
            .unwrap();
        let trimmed = trim(&secret, Timestamp::UNIX_EPOCH);
        assert_eq!(trimmed["data"], json!({"password": "12 bytes, hidden"}));
    }
}
