//! Which incident an alert belongs to: alerts that share a cause, as far as their labels tell. Pure.

use super::alert::Alert;
use crate::store::Millis;

/// How long after a control-plane or node alert others of that cluster count as its consequences.
pub const LEAD: Millis = 120_000;
/// An alert that comes back this soon belongs to the incident that was closed.
pub const REOPEN: Millis = 600_000;

/// Keys by which an alert finds its incident, the strongest first. Two alerts with one key in common are one incident.
pub fn keys(id: &str, alert: &Alert) -> Vec<String> {
    let cluster = alert.cluster();
    vec![format!("alert {id}"), format!("name {cluster}/{}/{}", alert.label("namespace"), alert.name())]
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
    match alert.label("namespace") {
        "" => name.to_owned(),
        namespace => format!("{name} {namespace}"),
    }
}
