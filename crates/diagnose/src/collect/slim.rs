//! What of an object is kept: bookkeeping that no rule reads is dropped as soon as it arrives, and a healthy pod keeps
//! only what its neighbours are judged by.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::trouble;
use crate::object::Object;

/// A config map's value is read for host names only; a megabyte of it would drown the rest.
const LONGEST_VALUE: usize = 64 * 1024;

pub fn slim(mut value: Value, now: Timestamp, keep_pods_whole: bool) -> Option<Object> {
    match value["kind"].as_str() {
        Some("Node") => {
            if let Some(status) = value.get_mut("status").and_then(Value::as_object_mut) {
                status.remove("images");
            }
        }
        Some("ConfigMap") => cut_values(&mut value),
        _ => {}
    }
    let mut object = Object::new(value)?;
    if object.kind() == "Pod" && !keep_pods_whole && !trouble::pod_in_trouble(&object, now) {
        object.value = healthy_pod(&object);
    }
    Some(object)
}

fn cut_values(map: &mut Value) {
    for value in map.get_mut("data").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
        let Some(text) = value.as_str().filter(|t| t.len() > LONGEST_VALUE) else { continue };
        let mut end = LONGEST_VALUE;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        *value = Value::from(&text[..end]);
    }
}

fn healthy_pod(pod: &Object) -> Value {
    let containers: Vec<Value> = pod
        .list("/spec/containers")
        .iter()
        .map(|c| json!({"name": c["name"], "image": c["image"], "ports": c["ports"], "resources": c["resources"]}))
        .collect();
    let volumes: Vec<&Value> =
        pod.list("/spec/volumes").iter().filter(|v| v["persistentVolumeClaim"].is_object()).collect();
    json!({
        "kind": "Pod",
        "metadata": pod.at("/metadata"),
        "spec": {
            "nodeName": pod.at("/spec/nodeName"),
            "hostNetwork": pod.at("/spec/hostNetwork"),
            "serviceAccountName": pod.at("/spec/serviceAccountName"),
            "containers": containers,
            "volumes": volumes,
        },
        "status": {
            "phase": pod.at("/status/phase"),
            "podIP": pod.at("/status/podIP"),
            "startTime": pod.at("/status/startTime"),
            "conditions": pod.at("/status/conditions"),
            "containerStatuses": pod.at("/status/containerStatuses"),
        },
    })
}
