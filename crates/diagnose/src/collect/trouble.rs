//! Which objects deserve a closer look: their references are followed and their logs read.

use jiff::{SignedDuration, Timestamp};

use crate::evidence::Evidence;
use crate::graph::references;
use crate::object::Object;
use crate::pod;

/// A pod that is not plainly well.
pub fn pod_in_trouble(pod: &Object, now: Timestamp) -> bool {
    if pod::is_over(pod) {
        return false;
    }
    if !pod::is_ready(pod) || pod.deleting_since().is_some() {
        return true;
    }
    pod::containers(pod).any(|c| !c.waiting().0.is_empty() || restarted_lately(&c, now))
}

fn restarted_lately(container: &pod::Container<'_>, now: Timestamp) -> bool {
    let Some(exit) = container.exit() else { return false };
    let finished: Option<Timestamp> = exit.value["finishedAt"].as_str().and_then(|t| t.parse().ok());
    finished.is_some_and(|at| now.duration_since(at) < SignedDuration::from_hours(1))
}

/// An object whose status says that it has not what it wants.
pub fn in_trouble(object: &Object, now: Timestamp) -> bool {
    let short =
        |want: &str, have: &str, default: i64| object.int(want).unwrap_or(default) > object.int(have).unwrap_or(0);
    match object.kind() {
        "Pod" => pod_in_trouble(object, now),
        "PersistentVolumeClaim" => object.str("/status/phase") != "Bound",
        "Deployment" | "StatefulSet" => short("/spec/replicas", "/status/readyReplicas", 1),
        "DaemonSet" => short("/status/desiredNumberScheduled", "/status/numberReady", 0),
        "Job" => object.int("/status/failed").unwrap_or(0) > 0 || object.int("/status/active").unwrap_or(0) > 0,
        "Ingress" | "HorizontalPodAutoscaler" => true,
        _ => object.deleting_since().is_some(),
    }
}

/// What is in trouble, and the claims of such pods: a bound claim is well, but its volume may be out of the pod's reach.
pub fn troubled(evidence: &Evidence) -> Vec<&Object> {
    let mut found: Vec<&Object> = evidence.objects().filter(|o| in_trouble(o, evidence.now)).collect();
    let pods = found.iter().filter(|o| o.kind() == "Pod");
    let claims = pods.flat_map(|pod| references(pod)).filter(|r| r.to.kind == "PersistentVolumeClaim");
    found.extend(claims.filter_map(|r| evidence.get(&r.to)).collect::<Vec<_>>());
    found
}
