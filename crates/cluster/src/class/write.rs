//! Writes: reversible where that is proved, else destructive.

use serde_json::Value;

use super::change::Change;
use super::{Case, Class, Verdict, reversible};
use crate::canonical::Verb;

/// Parameters that change nothing about how far a write reaches.
const NEUTRAL: [&str; 8] = [
    "dryRun",
    "pretty",
    "fieldValidation",
    "timeoutSeconds",
    "timeout",
    "propagationPolicy",
    "gracePeriodSeconds",
    "force",
];

pub fn judge(case: &Case<'_>, verdict: &mut Verdict) {
    if let Some((class, why)) = question(case) {
        verdict.add(class, why);
        return;
    }
    match case.verb() {
        Verb::Delete => delete(case, verdict),
        Verb::Create => verdict.add(Class::D, if case.below == Some("eviction") { EVICTS } else { reason(case) }),
        Verb::Update | Verb::Patch | Verb::Apply => change(case, verdict),
        Verb::DeleteCollection | Verb::Connect | Verb::Get | Verb::List | Verb::Watch => {}
    }
    let unknown = case.request.query.keys().any(|name| !NEUTRAL.contains(&name.as_str()));
    verdict.add_if(unknown, Class::D, "has a parameter that is not known");
    verdict.add_if(
        case.query("force").is_some_and(|value| !matches!(value, "false" | "0")),
        Class::D,
        "takes fields from their owners (force=true)",
    );
    verdict.add_if(case.protected(), Class::D, "changes something in a protected namespace, or with a protected label");
}

const EVICTS: &str = "evicts a pod, as a drain does";

/// What comes as a write and only asks.
fn question(case: &Case<'_>) -> Option<(Class, &'static str)> {
    let asks = matches!(case.kind.group, "authorization.k8s.io" | "authentication.k8s.io");
    if !asks || case.verb() != Verb::Create || case.below.is_some() {
        return None;
    }
    match case.kind.resource {
        "selfsubjectaccessreviews" | "selfsubjectrulesreviews" | "selfsubjectreviews" => {
            Some((Class::R, "asks for one's own rights"))
        }
        "subjectaccessreviews" | "localsubjectaccessreviews" | "tokenreviews" => {
            Some((Class::S, "asks for somebody else's rights"))
        }
        _ => None,
    }
}

fn delete(case: &Case<'_>, verdict: &mut Verdict) {
    let at_once = case.query("gracePeriodSeconds").is_some_and(|seconds| seconds.parse::<u32>().is_ok_and(|s| s == 0));
    verdict.add_if(at_once, Class::D, "deletes without waiting for the end (gracePeriodSeconds=0)");
    if reversible::replaced_pod(case) {
        verdict.add(Class::W, "deletes a pod that its controller makes again");
        return;
    }
    let why = match (case.kind.group, case.kind.resource) {
        ("", "pods") if case.seen.live.is_none() => {
            "deletes a pod of which is not known whether a controller makes it again"
        }
        ("", "pods") => "deletes a pod that no controller makes again",
        ("", "namespaces") => "deletes a namespace with everything in it",
        ("", "secrets") if case.seen.live.is_some_and(is_release) => "removes a Helm release",
        ("", "persistentvolumeclaims" | "persistentvolumes") => "deletes storage",
        _ => reason(case),
    };
    verdict.add(Class::D, why);
}

fn is_release(secret: &Value) -> bool {
    secret["type"].as_str().is_some_and(|kind| kind.starts_with("helm.sh/release"))
}

fn change(case: &Case<'_>, verdict: &mut Verdict) {
    if !matches!(case.below, None | Some("scale")) {
        verdict.add(Class::D, "writes below an object");
        return;
    }
    if !case.changes.complete {
        verdict.add(Class::D, "what it changes is not known without the object and a dry run");
    }
    for change in &case.changes.list {
        match reversible::change(case, change) {
            Some(why) => verdict.add(Class::W, why),
            None => verdict.add(Class::D, hard(case, change)),
        }
    }
    if case.changes.complete && case.changes.list.is_empty() {
        let (class, why) = match case.kind.plain_labels() {
            true => (Class::W, "changes nothing"),
            false => (Class::D, reason(case)),
        };
        verdict.add(class, why);
    }
}

/// Why a change that is not known to be reversible is hard to undo.
fn hard(case: &Case<'_>, change: &Change) -> &'static str {
    let kind = case.kind;
    let count = change.after.as_ref().and_then(Value::as_u64);
    match change.path().as_slice() {
        ["spec", "replicas"] if kind.scales() && count == Some(0) => "scales to 0",
        ["spec", "replicas"] if kind.scales() => "scales out of bounds, or deletes claims",
        ["spec", "minReplicas" | "maxReplicas"] => "sets the bounds of an autoscaler too wide",
        ["spec", "taints", ..] if taints_no_execute(change) => "taints a node so that its pods go (NoExecute)",
        ["spec", "taints", ..] => "taints a node",
        [.., "image"] => "changes an image to one from a registry that is not allowed",
        ["spec", "volumeClaimTemplates", ..] => "changes the storage of a StatefulSet",
        ["metadata", "labels" | "annotations", ..] => "sets labels or annotations that steer Kubernetes itself",
        _ => reason(case),
    }
}

fn taints_no_execute(change: &Change) -> bool {
    let text = change.after.as_ref().map(Value::to_string).unwrap_or_default();
    text.contains("NoExecute")
}

/// Why a write of this kind is hard to undo.
fn reason(case: &Case<'_>) -> &'static str {
    match (case.kind.group, case.kind.resource) {
        ("policy", "poddisruptionbudgets") => "changes how many pods may go at once (PodDisruptionBudget)",
        ("networking.k8s.io", "networkpolicies") | ("cilium.io" | "crd.projectcalico.org" | "projectcalico.org", _) => {
            "changes who may talk to whom (NetworkPolicy)"
        }
        ("networking.k8s.io" | "gateway.networking.k8s.io" | "route.openshift.io", _) => {
            "changes the way of traffic into the cluster (Ingress)"
        }
        ("", "services" | "endpoints") | ("discovery.k8s.io", _) => "changes where a Service leads",
        ("rbac.authorization.k8s.io", _) => "changes who may do what (RBAC)",
        ("", "secrets") => "writes a Secret",
        ("", "configmaps") => "writes a ConfigMap",
        ("", "persistentvolumeclaims" | "persistentvolumes") | ("storage.k8s.io", _) => "changes storage",
        ("apiextensions.k8s.io", _) => "changes a kind (CustomResourceDefinition)",
        ("", "namespaces") => "changes a namespace",
        (group, _) if !known(group) => "writes an object of a kind that is not known here",
        _ => "changes what is not known to be reversible",
    }
}

/// Groups that Kubernetes itself serves.
fn known(group: &str) -> bool {
    matches!(group, "apps" | "batch" | "autoscaling" | "policy") || group.is_empty() || group.ends_with(".k8s.io")
}
