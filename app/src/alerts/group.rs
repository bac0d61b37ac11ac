//! Which incident an alert belongs to: alerts that share a cause, as far as their labels tell. Pure.

use diagnose::ObjectRef;

use super::alert::Alert;
use super::object::{Subject, resolve, workload};
use crate::store::Millis;

/// How long after a control-plane or node alert others of that cluster count as its consequences.
pub const LEAD: Millis = 120_000;
/// An alert that comes back this soon belongs to the incident that was closed.
pub const REOPEN: Millis = 600_000;

/// Keys by which an alert finds its incident, the strongest first. Two alerts with one key in common are one incident:
/// the same alert, the same workload, node or other object, or the same rule in one namespace.
pub fn keys(id: &str, alert: &Alert) -> Vec<String> {
    let cluster = alert.cluster();
    let resolution = resolve(alert);
    let mut keys = vec![format!("alert {id}")];
    let scope = match resolution.first() {
        Subject::Object(object) => {
            keys.push(format!("owner {cluster}/{}", owner(object)));
            object.namespace.clone()
        }
        Subject::NodeAt(address) => {
            keys.push(format!("owner {cluster}/node/{address}"));
            String::new()
        }
        Subject::NodeOf(_) | Subject::Cluster => String::new(),
        Subject::Component { kind, name, namespace } => {
            let namespace = namespace.as_deref().unwrap_or_default();
            keys.push(format!("owner {cluster}/{}", owner(&ObjectRef::new(kind, namespace, name))));
            namespace.to_owned()
        }
        Subject::Namespace(namespace) => namespace.clone(),
    };
    keys.push(format!("rule {cluster}/{scope}/{}", alert.name()));
    keys
}

/// The workload for what belongs to one, else the object itself.
fn owner(object: &ObjectRef) -> String {
    let kind = object.kind.as_str();
    let name = workload(kind, &object.name);
    match kind {
        "Pod"
        | "ReplicaSet"
        | "Deployment"
        | "StatefulSet"
        | "DaemonSet"
        | "Job"
        | "CronJob"
        | "Service"
        | "HorizontalPodAutoscaler"
        | "PodDisruptionBudget" => format!("workload/{}/{name}", object.namespace),
        _ => format!("{}/{}/{name}", kind.to_lowercase(), object.namespace),
    }
}

/// True for an alert whose trouble makes many others: they follow it for two minutes.
pub fn leads(alert: &Alert) -> bool {
    const NAMES: [&str; 14] = [
        "KubeAPIDown",
        "KubeAPIInstanceUnreachable",
        "KubeNodeNotReady",
        "KubernetesNodeNotReady",
        "KubeNodeUnreachable",
        "KubeletDown",
        "KubeletInstanceUnreachable",
        "KubeSchedulerDown",
        "KubeControllerManagerDown",
        "KubeProxyDown",
        "CoreDNSDown",
        "etcdMembersDown",
        "etcdInsufficientMembers",
        "etcdNoLeader",
    ];
    NAMES.contains(&alert.name())
}

/// One line that names the incident until a diagnosis names its cause.
pub fn title(alert: &Alert) -> String {
    let name = alert.name();
    let name = if name.is_empty() { "(no name)" } else { name };
    match resolve(alert).first() {
        Subject::Object(object) => format!("{name} {}", object.path()),
        Subject::NodeAt(address) => format!("{name} {address}"),
        Subject::Namespace(namespace) => format!("{name} {namespace}"),
        Subject::NodeOf(_) | Subject::Component { .. } | Subject::Cluster => name.to_owned(),
    }
}
