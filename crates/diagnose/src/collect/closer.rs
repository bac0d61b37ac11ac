//! Second looks: lists that only some troubles need, asked for when an event, a status or a log line calls for them.

use serde_json::Value;

use crate::evidence::{Evidence, Target};
use crate::kinds::{self, Kind};
use crate::object::ObjectRef;

/// What one second look reads.
pub struct Look {
    pub kind: &'static Kind,
    pub namespace: String,
    pub filter: &'static str,
}

/// The lists that are called for and were not read.
pub fn looks(evidence: &Evidence, events: &[Value], absent: &[ObjectRef]) -> Vec<Look> {
    let said = |words: &[&str]| {
        let in_event = |event: &Value| {
            let message = event["message"].as_str().or_else(|| event["note"].as_str()).unwrap_or_default();
            words.iter().any(|word| message.contains(word))
        };
        let in_log = |text: &str| words.iter().any(|word| text.contains(word));
        events.iter().any(in_event) || evidence.logs.iter().any(|log| in_log(&log.text))
    };
    let mut looks = Vec::new();
    let mut look = |names: &[&str], namespace: &str, filter: &'static str| {
        for kind in names.iter().filter_map(|name| kinds::kind(name)) {
            let namespace = if kind.namespaced { namespace } else { "" };
            if !evidence.is_listed(kind.name, namespace) {
                looks.push(Look { kind, namespace: namespace.to_owned(), filter });
            }
        }
    };
    let pending = |claim: &crate::object::Object| claim.str("/status/phase") != "Bound";
    if evidence.kind("PersistentVolumeClaim").any(pending) {
        look(&["PersistentVolume"], "", "");
    }
    // how full the nodes are takes the pods of every namespace
    if said(&["Insufficient ", "Too many pods"]) {
        look(&["Pod"], "", "&fieldSelector=status.phase!%3DSucceeded,status.phase!%3DFailed");
    }
    if said(&["Multi-Attach", "AttachVolume", "attach"]) {
        look(&["VolumeAttachment"], "", "");
    }
    if said(&["is forbidden: User", "cannot list resource", "cannot get resource", "cannot watch resource"]) {
        look(&["Role", "RoleBinding"], "", "");
        look(&["ClusterRole", "ClusterRoleBinding"], "", "");
    }
    if said(&["no matches for kind", "could not find the requested resource"]) {
        look(&["CustomResourceDefinition"], "", "");
    }
    for namespace in evidence.kind("Namespace").filter(|n| n.deleting_since().is_some()) {
        look(&["ConfigMap", "Secret", "ServiceAccount"], namespace.name(), "");
    }
    if said(&["error looking up service account", "serviceaccount \""]) {
        let namespaces: std::collections::BTreeSet<&str> = evidence.kind("Deployment").map(|d| d.namespace()).collect();
        namespaces.into_iter().take(3).for_each(|namespace| look(&["ServiceAccount"], namespace, ""));
    }
    // a control plane component that stopped acting shows in its pod
    if evidence.kind("Lease").any(|lease| is_old(evidence, lease)) {
        look(&["Pod", "Event"], "kube-system", "");
    }
    // names that nearly match are offered only if the names are known
    for object in absent.iter().filter(|re| NEAR.contains(&re.kind.as_str())) {
        look(&[object.kind.as_str()], &object.namespace, "");
    }
    if matches!(&evidence.target, Target::Object(object) if object.kind == "ServiceAccount") {
        look(&["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"], "", "");
    }
    looks
}

/// The scheduler and the controller manager renew theirs every few seconds.
fn is_old(evidence: &Evidence, lease: &crate::object::Object) -> bool {
    let renewed = lease.time("/spec/renewTime").or_else(|| lease.time("/spec/acquireTime"));
    let component = matches!(lease.name(), "kube-scheduler" | "kube-controller-manager");
    component && renewed.is_some_and(|at| evidence.now.duration_since(at).as_secs() > 60)
}

/// Whether a program says that names do not resolve because DNS does not answer. "No such host" is an answer.
pub fn dns_is_blamed(evidence: &Evidence) -> bool {
    let words = [
        ":53: i/o timeout",
        "server misbehaving",
        "Temporary failure in name resolution",
        "EAI_AGAIN",
        ":53: read",
        ":53: connect",
    ];
    evidence.logs.iter().any(|log| words.iter().any(|word| log.text.contains(word)))
}

/// Kinds of which a person mistypes names.
const NEAR: &[&str] = &["ConfigMap", "Secret", "ServiceAccount", "PriorityClass", "RuntimeClass", "Namespace"];
