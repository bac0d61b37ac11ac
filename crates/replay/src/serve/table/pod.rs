//! A pod's line in `kubectl get pods`: how many containers are ready, one word for its state, its restarts.

use serde_json::{Value, json};

use super::at;

fn list<'a>(object: &'a Value, path: &str) -> &'a [Value] {
    at(object, path).as_array().map(Vec::as_slice).unwrap_or_default()
}

/// An init container that keeps running beside the main ones.
fn is_sidecar(pod: &Value, name: &Value) -> bool {
    list(pod, "spec.initContainers")
        .iter()
        .any(|container| container["name"] == *name && container["restartPolicy"] == "Always")
}

pub(super) fn ready(pod: &Value) -> Value {
    let sidecars = list(pod, "spec.initContainers").iter().filter(|container| container["restartPolicy"] == "Always");
    let total = list(pod, "spec.containers").len() + sidecars.count();
    let main = list(pod, "status.containerStatuses")
        .iter()
        .filter(|status| status["ready"] == true && status["state"]["running"].is_object());
    let beside = list(pod, "status.initContainerStatuses")
        .iter()
        .filter(|status| is_sidecar(pod, &status["name"]) && status["ready"] == true);
    Value::from(format!("{}/{total}", main.count() + beside.count()))
}

pub(super) fn gates(pod: &Value) -> Value {
    let gates = list(pod, "spec.readinessGates");
    if gates.is_empty() {
        return json!("<none>");
    }
    let holds = |gate: &&Value| {
        list(pod, "status.conditions").iter().any(|one| one["type"] == gate["conditionType"] && one["status"] == "True")
    };
    json!(format!("{}/{}", gates.iter().filter(holds).count(), gates.len()))
}

pub(super) fn restarts(pod: &Value) -> Value {
    let main = list(pod, "status.containerStatuses").iter();
    let beside = list(pod, "status.initContainerStatuses")
        .iter()
        .filter(|status| initialising(pod).is_some() || is_sidecar(pod, &status["name"]));
    json!(main.chain(beside).filter_map(|status| status["restartCount"].as_u64()).sum::<u64>())
}

pub(super) fn status(pod: &Value) -> Value {
    let mut word =
        at(pod, "status.reason").as_str().or(at(pod, "status.phase").as_str()).unwrap_or("Unknown").to_owned();
    let gated = list(pod, "status.conditions")
        .iter()
        .any(|condition| condition["type"] == "PodScheduled" && condition["reason"] == "SchedulingGated");
    if gated {
        word = "SchedulingGated".to_owned();
    }
    if let Some(stage) = initialising(pod) {
        word = stage;
    } else {
        word = of_containers(pod).unwrap_or(word);
    }
    if at(pod, "metadata.deletionTimestamp").is_string() {
        word = if at(pod, "status.reason") == "NodeLost" { "Unknown" } else { "Terminating" }.to_owned();
    }
    Value::from(word)
}

/// What the first init container that is not done yet is doing.
fn initialising(pod: &Value) -> Option<String> {
    let total = list(pod, "spec.initContainers").len();
    for (position, status) in list(pod, "status.initContainerStatuses").iter().enumerate() {
        let (terminated, waiting) = (&status["state"]["terminated"], &status["state"]["waiting"]);
        if terminated["exitCode"] == 0 {
            continue;
        }
        if is_sidecar(pod, &status["name"]) && status["started"] == true {
            continue;
        }
        if terminated.is_object() {
            return Some(format!("Init:{}", ending(terminated)));
        }
        let reason = waiting["reason"].as_str().unwrap_or_default();
        if !reason.is_empty() && reason != "PodInitializing" {
            return Some(format!("Init:{reason}"));
        }
        return Some(format!("Init:{position}/{total}"));
    }
    None
}

fn of_containers(pod: &Value) -> Option<String> {
    let mut word = None;
    let mut running = false;
    for status in list(pod, "status.containerStatuses").iter().rev() {
        let (waiting, terminated) = (&status["state"]["waiting"], &status["state"]["terminated"]);
        let reason = waiting["reason"].as_str().filter(|reason| !reason.is_empty());
        if let Some(reason) = reason {
            word = Some(reason.to_owned());
        } else if terminated.is_object() {
            word = Some(ending(terminated));
        } else if status["ready"] == true && status["state"]["running"].is_object() {
            running = true;
        }
    }
    // One container is done and another still runs: the pod as a whole runs.
    if running && word.as_deref() == Some("Completed") {
        let ready = list(pod, "status.conditions")
            .iter()
            .any(|condition| condition["type"] == "Ready" && condition["status"] == "True");
        return Some(if ready { "Running" } else { "NotReady" }.to_owned());
    }
    word
}

fn ending(terminated: &Value) -> String {
    if let Some(reason) = terminated["reason"].as_str().filter(|reason| !reason.is_empty()) {
        return reason.to_owned();
    }
    match terminated["signal"].as_i64() {
        Some(signal) if signal != 0 => format!("Signal:{signal}"),
        Some(_) | None => format!("ExitCode:{}", terminated["exitCode"].as_i64().unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(status: Value) -> Value {
        json!({"spec": {"initContainers": [{"name": "i"}], "containers": [{"name": "a"}, {"name": "b"}]}, "status": status})
    }

    #[test]
    fn one_word_for_the_state() {
        for (given, expected) in [
            (json!({"phase": "Pending"}), "Pending"),
            (json!({"phase": "Failed", "reason": "Evicted"}), "Evicted"),
            (
                json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}),
                "Init:CrashLoopBackOff",
            ),
            (
                json!({"phase": "Pending", "initContainerStatuses": [{"name": "i", "state": {"running": {}}}]}),
                "Init:0/1",
            ),
            (
                json!({"phase": "Running", "containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "ImagePullBackOff"}}}, {"name": "b", "ready": true, "state": {"running": {}}}]}),
                "ImagePullBackOff",
            ),
            (
                json!({"phase": "Failed", "containerStatuses": [{"name": "a", "state": {"terminated": {"exitCode": 3}}}]}),
                "ExitCode:3",
            ),
            (
                json!({"phase": "Running", "containerStatuses": [{"name": "a", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}, {"name": "b", "ready": true, "state": {"running": {}}}]}),
                "NotReady",
            ),
        ] {
            assert_eq!(status(&pod(given.clone())), expected, "{given}");
        }
    }
}
