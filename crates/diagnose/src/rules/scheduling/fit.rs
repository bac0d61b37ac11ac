//! Whether a node could take a pod, as far as fields say: what the scheduler's sentence does not tell of each node.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::evidence::Evidence;
use crate::object::{Object, ObjectRef, strings, text};
use crate::quantity;
use crate::selector;

/// What keeps a pod from a node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// the node's own trouble, as its taints and conditions say
    Unwell,
    Cordoned,
    /// nodes that ordinary pods are never meant for
    Reserved,
    Taint(Value),
    Selector,
    Affinity,
    /// the claim whose volume cannot be used there
    Volume(ObjectRef),
    /// more is asked than is free, of this resource
    Resource(String),
    Pods,
}

pub fn obstacles(evidence: &Evidence, pod: &Object, node: &Object) -> Vec<Obstacle> {
    let mut found = taints(pod, node);
    let labels = node.labels();
    if !selector::matches_map(&strings(pod.at("/spec/nodeSelector")), &labels) {
        found.push(Obstacle::Selector);
    }
    let required = pod.at("/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution");
    if required.is_object() && !terms_match(&required["nodeSelectorTerms"], node) {
        found.push(Obstacle::Affinity);
    }
    for claim in claims(evidence, pod) {
        let Some(volume) = evidence.find("PersistentVolume", "", claim.str("/spec/volumeName")) else { continue };
        let required = volume.at("/spec/nodeAffinity/required");
        if required.is_object() && !terms_match(&required["nodeSelectorTerms"], node) {
            found.push(Obstacle::Volume(claim.re.clone()));
        }
    }
    let room = room(evidence, node);
    if room.is_empty() {
        return found;
    }
    for (resource, wanted) in requests(pod.at("/spec")) {
        if wanted > room.get(&resource).copied().unwrap_or(0.0) {
            found.push(Obstacle::Resource(resource));
        }
    }
    if room.get("pods").is_some_and(|&left| left < 1.0) {
        found.push(Obstacle::Pods);
    }
    found
}

/// The claims that a pod mounts, as far as they are in evidence.
pub fn claims<'a>(evidence: &'a Evidence, pod: &Object) -> Vec<&'a Object> {
    let references = crate::graph::references(pod).into_iter().filter(|r| r.to.kind == "PersistentVolumeClaim");
    references.filter_map(|r| evidence.get(&r.to)).collect()
}

fn taints(pod: &Object, node: &Object) -> Vec<Obstacle> {
    let mut found = Vec::new();
    let cordon = json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"});
    if node.bool("/spec/unschedulable") == Some(true) && !tolerated(pod.list("/spec/tolerations"), &cordon) {
        found.push(Obstacle::Cordoned);
    }
    let marked = node.list("/spec/taints").iter().any(|t| is_health(text(t, "key")));
    let mut unwell = !marked && node.condition("Ready").is_some_and(|c| !c.is_true());
    for taint in node.list("/spec/taints").iter().filter(|t| text(t, "effect") != "PreferNoSchedule") {
        if tolerated(pod.list("/spec/tolerations"), taint) {
            continue;
        }
        match text(taint, "key") {
            "node.kubernetes.io/unschedulable" => {}
            key if is_health(key) => unwell = true,
            key if is_reserved(key) => found.push(Obstacle::Reserved),
            _ => found.push(Obstacle::Taint(taint.clone())),
        }
    }
    if unwell {
        found.push(Obstacle::Unwell);
    }
    found
}

/// Taints that Kubernetes or a cloud sets on a node that is not well.
pub fn is_health(key: &str) -> bool {
    let condition =
        key.strip_prefix("node.kubernetes.io/").or_else(|| key.strip_prefix("node.cloudprovider.kubernetes.io/"));
    matches!(
        condition,
        Some(
            "not-ready"
                | "unreachable"
                | "memory-pressure"
                | "disk-pressure"
                | "pid-pressure"
                | "network-unavailable"
                | "out-of-service"
                | "uninitialized"
                | "shutdown"
        )
    )
}

/// Taints of nodes that carry no ordinary pods by design.
pub fn is_reserved(key: &str) -> bool {
    matches!(
        key,
        "node-role.kubernetes.io/control-plane"
            | "node-role.kubernetes.io/master"
            | "node-role.kubernetes.io/etcd"
            | "virtual-kubelet.io/provider"
            | "eks.amazonaws.com/compute-type"
    )
}

fn tolerated(tolerations: &[Value], taint: &Value) -> bool {
    tolerations.iter().any(|toleration| {
        let effect = text(toleration, "effect");
        let key = text(toleration, "key");
        let exists = text(toleration, "operator") == "Exists";
        (effect.is_empty() || effect == text(taint, "effect"))
            && (key == text(taint, "key") || key.is_empty() && exists)
            && (exists || text(toleration, "value") == text(taint, "value"))
    })
}

/// `nodeSelectorTerms`: one of them must match; an empty term matches nothing.
pub fn terms_match(terms: &Value, node: &Object) -> bool {
    let labels = node.labels();
    let name = BTreeMap::from([("metadata.name", node.name())]);
    terms.as_array().into_iter().flatten().any(|term| {
        let by_label = term["matchExpressions"].as_array().map_or(&[] as &[Value], Vec::as_slice);
        let by_field = term["matchFields"].as_array().map_or(&[] as &[Value], Vec::as_slice);
        !(by_label.is_empty() && by_field.is_empty())
            && by_label.iter().all(|e| selector::expression(e, &labels))
            && by_field.iter().all(|e| selector::expression(e, &name))
    })
}

/// What a pod spec asks for: the sum of its containers and sidecars, or its largest init container, plus the overhead.
pub fn requests(spec: &Value) -> BTreeMap<String, f64> {
    let mut sum: BTreeMap<String, f64> = BTreeMap::new();
    let mut first: BTreeMap<String, f64> = BTreeMap::new();
    let amounts = |value: &Value| -> Vec<(String, f64)> {
        strings(value).into_iter().filter_map(|(k, v)| Some((k.to_owned(), quantity::parse(v)?))).collect()
    };
    for container in spec["containers"].as_array().into_iter().flatten() {
        for (resource, amount) in amounts(&asked(container)) {
            *sum.entry(resource).or_default() += amount;
        }
    }
    for container in spec["initContainers"].as_array().into_iter().flatten() {
        for (resource, amount) in amounts(&asked(container)) {
            if text(container, "restartPolicy") == "Always" {
                *sum.entry(resource).or_default() += amount;
            } else {
                let most = first.entry(resource).or_default();
                *most = most.max(amount);
            }
        }
    }
    for (resource, amount) in first {
        let most = sum.entry(resource).or_default();
        *most = most.max(amount);
    }
    for (resource, amount) in amounts(&spec["overhead"]) {
        *sum.entry(resource).or_default() += amount;
    }
    sum.retain(|_, amount| *amount > 0.0);
    sum
}

/// A container's requests; a limit without a request is one.
fn asked(container: &Value) -> Value {
    let mut asked = container["resources"]["limits"].as_object().cloned().unwrap_or_default();
    if let Some(requests) = container["resources"]["requests"].as_object() {
        asked.extend(requests.clone());
    }
    Value::Object(asked)
}

/// What is left of a node's allocatable resources after the pods that are in evidence: at most this much is free.
pub fn room(evidence: &Evidence, node: &Object) -> BTreeMap<String, f64> {
    let mut room: BTreeMap<String, f64> = strings(node.at("/status/allocatable"))
        .into_iter()
        .filter_map(|(resource, amount)| Some((resource.to_owned(), quantity::parse(amount)?)))
        .collect();
    let here = evidence.kind("Pod").filter(|pod| {
        pod.str("/spec/nodeName") == node.name() && !matches!(pod.str("/status/phase"), "Succeeded" | "Failed")
    });
    for pod in here {
        for (resource, amount) in requests(pod.at("/spec")) {
            if let Some(left) = room.get_mut(&resource) {
                *left -= amount;
            }
        }
        if let Some(left) = room.get_mut("pods") {
            *left -= 1.0;
        }
    }
    room
}
