//! What is proved to be reversible: every single change has to be on this list.

use serde_json::Value;

use super::change::Change;
use super::{Case, image, metadata};

/// Why one change can be taken back, if it can.
pub fn change(case: &Case<'_>, change: &Change) -> Option<&'static str> {
    let template = matches!(change.path().as_slice(), ["spec", "template", ..]) && case.kind.rolls_out();
    let undo = || (template && undoes(case)).then_some("goes back to an earlier revision");
    listed(case, change).or_else(undo)
}

fn listed(case: &Case<'_>, change: &Change) -> Option<&'static str> {
    let path = change.path();
    let kind = case.kind;
    match path.as_slice() {
        ["metadata", "labels" | "annotations", key] if kind.plain_labels() => {
            let plain = change.after.as_ref().is_none_or(Value::is_string);
            (plain && !metadata::steers(key)).then_some("sets labels or annotations")
        }
        ["spec", "replicas"] if kind.scales() => scale(case, change),
        ["spec", "paused"] if kind.is("apps", "deployments") => boolean(change, "pauses or resumes a roll-out"),
        ["spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"] if kind.rolls_out() => {
            change.after.as_ref()?.as_str().map(|_| "restarts a roll-out")
        }
        ["spec", template @ .., "spec", "containers" | "initContainers", entry, "image"]
            if entry.starts_with('[')
                && matches!(
                    (template, kind.resource),
                    (["template"], _) | (["jobTemplate", "spec", "template"], "cronjobs")
                )
                && (kind.rolls_out() || kind.is("batch", "cronjobs")) =>
        {
            let before = change.before.as_ref().and_then(Value::as_str);
            let after = change.after.as_ref()?.as_str()?;
            image::allowed(&case.scope.registries, before, after).then_some("changes an image to one that is allowed")
        }
        ["spec", "minReplicas" | "maxReplicas"] if kind.is("autoscaling", "horizontalpodautoscalers") => {
            within(case, change).then_some("changes the bounds of an autoscaler")
        }
        ["spec", "unschedulable"] if kind.is("", "nodes") => boolean(change, "cordons or uncordons a node"),
        ["spec", "suspend"] if kind.is("batch", "cronjobs") => boolean(change, "suspends or resumes a CronJob"),
        _ => None,
    }
}

fn boolean(change: &Change, why: &'static str) -> Option<&'static str> {
    change.after.as_ref().is_none_or(Value::is_boolean).then_some(why)
}

fn within(case: &Case<'_>, change: &Change) -> bool {
    let count = change.after.as_ref().and_then(Value::as_u64);
    count.is_some_and(|count| count > 0 && case.scope.replicas.contains(&count))
}

fn scale(case: &Case<'_>, change: &Change) -> Option<&'static str> {
    if !within(case, change) {
        return None;
    }
    // Such a set deletes the claims of the pods that go.
    let live = case.seen.live;
    let deletes =
        live.is_some_and(|live| live["spec"]["persistentVolumeClaimRetentionPolicy"]["whenScaled"] == "Delete");
    let fewer = change.before.as_ref().and_then(Value::as_u64) > change.after.as_ref().and_then(Value::as_u64);
    (!deletes || !fewer).then_some("scales within bounds")
}

/// The template becomes that of a revision which this object owns.
fn undoes(case: &Case<'_>) -> bool {
    let Some(live) = case.seen.live else {
        return false;
    };
    let operations = case.request.body.as_ref().and_then(Value::as_array).map(Vec::as_slice);
    let replaced = match operations {
        Some([one]) if one["op"] == "replace" && one["path"] == "/spec/template" => one.get("value"),
        _ => None,
    };
    let wanted = case.seen.after.map(|after| &after["spec"]["template"]).or(replaced).map(plain);
    let uid = live["metadata"]["uid"].as_str().filter(|uid| !uid.is_empty());
    wanted.is_some_and(|wanted| {
        wanted.is_object()
            && case.seen.revisions.iter().any(|revision| {
                let mut owners = revision["metadata"]["ownerReferences"].as_array().into_iter().flatten();
                let owned = uid.is_some_and(|uid| owners.any(|owner| owner["uid"] == uid));
                let template = match revision["data"]["spec"].get("template") {
                    Some(template) => template,
                    None => &revision["spec"]["template"],
                };
                owned && plain(template) == wanted
            })
    })
}

/// A template without what the controller puts into it.
fn plain(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(map) = template.as_object_mut() {
        map.remove("$patch");
    }
    if let Some(metadata) = template["metadata"].as_object_mut() {
        if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
            labels.remove("pod-template-hash");
        }
        metadata.retain(|_, value| !value.is_null() && value.as_object().is_none_or(|map| !map.is_empty()));
    }
    template
}

/// A pod that its controller makes again.
pub fn replaced_pod(case: &Case<'_>) -> bool {
    const CONTROLLERS: [&str; 5] = ["ReplicaSet", "StatefulSet", "DaemonSet", "Job", "ReplicationController"];
    let owners = case.seen.live.and_then(|live| live["metadata"]["ownerReferences"].as_array());
    let mut owners = owners.into_iter().flatten();
    let controlled = owners.any(|owner| {
        owner["controller"] == true && owner["kind"].as_str().is_some_and(|kind| CONTROLLERS.contains(&kind))
    });
    case.kind.is("", "pods") && case.below.is_none() && controlled
}
