//! An object without what changes by itself: bookkeeping of the API server, status, and names that it makes up anew in
//! every dry run.

use serde_json::{Map, Value};

/// Fields of the metadata that the API server alone writes.
const BOOKKEEPING: [&str; 7] =
    ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink", "deletionTimestamp"];
const MADE_UP: &str = "(the cluster chooses)";
/// Labels and selectors of a Job that hold its future UID.
const JOB_UIDS: [&str; 2] = ["batch.kubernetes.io/controller-uid", "controller-uid"];
/// What a Service is given when it asks for nothing.
const SERVICE_CHOICES: [&str; 4] = ["clusterIP", "clusterIPs", "healthCheckNodePort", "nodePort"];

/// What of an object people decide on.
pub fn clean(object: &Value) -> Value {
    let mut object = object.clone();
    let Value::Object(map) = &mut object else { return object };
    // A status subresource is out of reach here, so a status never is what was asked for.
    map.remove("status");
    if let Some(Value::Object(metadata)) = map.get_mut("metadata") {
        metadata.retain(|key, _| !BOOKKEEPING.contains(&key.as_str()));
    }
    object
}

/// The same for an object that a dry run made: what the cluster chose by chance is not part of what is approved.
pub fn clean_new(object: &Value, asked: &Value) -> Value {
    let mut object = clean(object);
    let kind = object["kind"].as_str().unwrap_or_default().to_owned();
    if asked["metadata"]["name"].is_null() {
        object["metadata"]["name"] = MADE_UP.into();
    }
    match kind.as_str() {
        "Pod" => made_up_volumes(&mut object["spec"], &asked["spec"]),
        "Job" => {
            job_uids(&mut object["metadata"]["labels"]);
            job_uids(&mut object["spec"]["selector"]["matchLabels"]);
            job_uids(&mut object["spec"]["template"]["metadata"]["labels"]);
        }
        "Service" => service_choices(&mut object["spec"], &asked["spec"]),
        _ => {}
    }
    prune_nulls(&mut object);
    object
}

/// The token volume that admission adds ends in five characters made up anew each time.
fn made_up_volumes(spec: &mut Value, asked: &Value) {
    const PREFIX: &str = "kube-api-access-";
    let own = |name: &str| {
        asked["volumes"].as_array().into_iter().flatten().any(|volume| volume["name"].as_str() == Some(name))
    };
    let rename = |name: &mut Value| {
        let made_up = name.as_str().is_some_and(|text| text.starts_with(PREFIX) && !own(text));
        if made_up {
            *name = format!("{PREFIX}{MADE_UP}").into();
        }
    };
    for volume in spec["volumes"].as_array_mut().into_iter().flatten() {
        rename(&mut volume["name"]);
    }
    for list in ["containers", "initContainers"] {
        for container in spec[list].as_array_mut().into_iter().flatten() {
            for mount in container["volumeMounts"].as_array_mut().into_iter().flatten() {
                rename(&mut mount["name"]);
            }
        }
    }
}

fn job_uids(labels: &mut Value) {
    let Value::Object(labels) = labels else { return };
    for key in JOB_UIDS {
        if let Some(value) = labels.get_mut(key) {
            *value = MADE_UP.into();
        }
    }
}

fn service_choices(spec: &mut Value, asked: &Value) {
    choose(spec, asked);
    let asked_ports = asked["ports"].as_array().cloned().unwrap_or_default();
    for (index, port) in spec["ports"].as_array_mut().into_iter().flatten().enumerate() {
        choose(port, asked_ports.get(index).unwrap_or(&Value::Null));
    }
}

fn choose(given: &mut Value, asked: &Value) {
    let Value::Object(given) = given else { return };
    for key in SERVICE_CHOICES {
        let wished = !asked[key].is_null() || (key == "clusterIPs" && !asked["clusterIP"].is_null());
        if let Some(value) = given.get_mut(key).filter(|value| !wished && value.as_str() != Some("None")) {
            *value = MADE_UP.into();
        }
    }
}

/// Indexing for writing leaves nulls behind where nothing was.
fn prune_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, value| !value.is_null());
            map.values_mut().for_each(prune_nulls);
            map.retain(|key, value| !is_hollow(key, value));
        }
        Value::Array(list) => list.iter_mut().for_each(prune_nulls),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn is_hollow(key: &str, value: &Value) -> bool {
    let by_us = ["volumes", "containers", "initContainers", "volumeMounts", "labels", "selector", "matchLabels"];
    by_us.contains(&key) && value.as_object().is_some_and(Map::is_empty)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bookkeeping_and_status_go_and_the_rest_stays() {
        let object = json!({"kind": "Deployment", "metadata": {"name": "a", "labels": {"x": "y"}, "uid": "u",
            "resourceVersion": "7", "generation": 3, "managedFields": []}, "spec": {"replicas": 1}, "status": {"a": 1}});
        let cleaned = clean(&object);
        let expected =
            json!({"kind": "Deployment", "metadata": {"name": "a", "labels": {"x": "y"}}, "spec": {"replicas": 1}});
        assert_eq!(cleaned, expected);
    }

    #[test]
    fn two_dry_runs_of_one_new_object_are_equal() {
        let asked = json!({"kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "c"}]}});
        let run = |end: &str| {
            let volume = format!("kube-api-access-{end}");
            json!({"kind": "Pod", "metadata": {"name": "a", "uid": end}, "spec": {"volumes": [{"name": volume}],
                "containers": [{"name": "c", "volumeMounts": [{"name": volume, "mountPath": "/var/run"}]}]}})
        };
        assert_eq!(clean_new(&run("abcde"), &asked), clean_new(&run("fghij"), &asked));
        let service = |ip: &str, port: i64| {
            json!({"kind": "Service", "metadata": {"name": "s"}, "spec": {"clusterIP": ip, "clusterIPs": [ip],
                "ports": [{"port": 80, "nodePort": port}]}})
        };
        let asked = json!({"metadata": {"name": "s"}, "spec": {"ports": [{"port": 80}]}});
        assert_eq!(clean_new(&service("10.0.0.1", 1), &asked), clean_new(&service("10.0.0.2", 2), &asked));
        let asked = json!({"metadata": {"name": "s"}, "spec": {"clusterIP": "10.0.0.1", "ports": [{"port": 80}]}});
        assert_ne!(clean_new(&service("10.0.0.1", 1), &asked), clean_new(&service("10.0.0.2", 1), &asked));
    }
}
