//! What labels say by themselves, for alerts that no table knows: people's own rules, with names in any language.

use diagnose::{ObjectRef, kinds};

use super::Subject;
use crate::alerts::alert::Alert;

/// Labels that name one kind of object, the most telling first. `job` is Prometheus' scrape job and is not among them.
const KINDS: [(&str, &str); 28] = [
    ("deployment", "Deployment"),
    ("deployment_name", "Deployment"),
    ("statefulset", "StatefulSet"),
    ("statefulset_name", "StatefulSet"),
    ("daemonset", "DaemonSet"),
    ("daemonset_name", "DaemonSet"),
    ("job_name", "Job"),
    ("cronjob", "CronJob"),
    ("horizontalpodautoscaler", "HorizontalPodAutoscaler"),
    ("hpa", "HorizontalPodAutoscaler"),
    ("poddisruptionbudget", "PodDisruptionBudget"),
    ("persistentvolumeclaim", "PersistentVolumeClaim"),
    ("pvc", "PersistentVolumeClaim"),
    ("persistentvolume", "PersistentVolume"),
    ("resourcequota", "ResourceQuota"),
    ("replicaset", "ReplicaSet"),
    ("ingress", "Ingress"),
    ("node", "Node"),
    ("node_name", "Node"),
    ("nodename", "Node"),
    ("kubernetes_node", "Node"),
    ("pod", "Pod"),
    ("pod_name", "Pod"),
    ("k8s_pod_name", "Pod"),
    ("kubernetes_pod_name", "Pod"),
    ("service", "Service"),
    ("service_name", "Service"),
    ("namespace_name", "Namespace"),
];

/// From here on the labels may be the exporter's.
const EXPORTERS_OWN: [&str; 6] = ["pod", "pod_name", "k8s_pod_name", "kubernetes_pod_name", "service", "service_name"];

const NAMESPACES: [&str; 6] = [
    "exported_namespace",
    "namespace",
    "k8s_namespace",
    "k8s_namespace_name",
    "kubernetes_namespace",
    "namespace_name",
];

pub(super) fn kind_of(label: &str) -> Option<&'static str> {
    KINDS.iter().find(|(name, _)| *name == label).map(|(_, kind)| *kind)
}

/// A label's value. Where the exporter's own label pushed the true one aside, that is `exported_NAME`.
pub(super) fn value<'a>(alert: &'a Alert, label: &str) -> Option<&'a str> {
    let exported = alert.labels.get(&format!("exported_{label}"));
    exported.or_else(|| alert.labels.get(label)).map(String::as_str).filter(|value| !value.is_empty())
}

fn namespace(alert: &Alert) -> Option<&str> {
    NAMESPACES.iter().map(|name| alert.label(name)).find(|name| !name.is_empty())
}

/// The object of this kind that the label names. A namespaced one needs its namespace.
pub(super) fn object(alert: &Alert, kind: &str, label: &str) -> Option<Subject> {
    let name = value(alert, label)?;
    if is_cluster_scoped(kind) {
        return Some(Subject::Object(ObjectRef::cluster(kind, name)));
    }
    Some(Subject::Object(ObjectRef::new(kind, namespace(alert)?, name)))
}

fn is_cluster_scoped(kind: &str) -> bool {
    kinds::is_cluster_scoped(kind)
}

/// A node by the instance of its exporter: a name, or an address.
pub(super) fn node_at(instance: &str) -> Option<Subject> {
    let host = match instance.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if instance.matches(':').count() > 1 => instance,
        None => instance.split_once(':').map_or(instance, |(host, _)| host),
    };
    if host.is_empty() || host == "localhost" {
        return None;
    }
    match host.parse::<std::net::IpAddr>() {
        Ok(address) if address.is_loopback() => None,
        Ok(_) => Some(Subject::NodeAt(host.to_owned())),
        Err(_) => Some(Subject::Object(ObjectRef::cluster("Node", host))),
    }
}

/// Everything the labels may mean, the most telling first, without those that are known to mislead.
pub(super) fn subjects(alert: &Alert, misleading: &[&str]) -> Vec<Subject> {
    let trusted = |label: &str| !misleading.contains(&label) || alert.labels.contains_key(&format!("exported_{label}"));
    let mut found: Vec<Subject> = involved(alert).into_iter().chain(workload(alert)).collect();
    for exported in [true, false] {
        for (label, kind) in KINDS {
            let has = alert.labels.contains_key(&format!("exported_{label}"));
            if has != exported || !trusted(label) || label == "namespace_name" {
                continue;
            }
            if EXPORTERS_OWN.contains(&label) && !exported && is_exporter(alert, label) {
                continue;
            }
            found.extend(object(alert, kind, label));
        }
    }
    if trusted("instance") && alert.label("instance").parse::<std::net::SocketAddr>().is_ok() {
        found.extend(node_at(alert.label("instance")));
    }
    if trusted("namespace")
        && let Some(namespace) = namespace(alert)
    {
        found.push(Subject::Namespace(namespace.to_owned()));
    }
    found
}

/// Aliyun ARMS names the object outright.
fn involved(alert: &Alert) -> Option<Subject> {
    let word = alert.label("_aliyun_arms_involvedObject_kind");
    let name = alert.label("_aliyun_arms_involvedObject_name");
    let kind = kinds::by_word(word)?;
    if name.is_empty() {
        return None;
    }
    if !kind.namespaced {
        return Some(Subject::Object(ObjectRef::cluster(kind.name, name)));
    }
    Some(Subject::Object(ObjectRef::new(kind.name, namespace(alert)?, name)))
}

/// Recording rules of the standard mixins: `workload` with its `workload_type`.
fn workload(alert: &Alert) -> Option<Subject> {
    let kind = kinds::by_word(alert.label("workload_type"))?;
    Some(Subject::Object(ObjectRef::new(kind.name, namespace(alert)?, value(alert, "workload")?)))
}

/// True where the label names the program that measures and not what it measures.
fn is_exporter(alert: &Alert, label: &str) -> bool {
    const EXPORTERS: [&str; 6] = [
        "kube-state-metrics",
        "node-exporter",
        "blackbox-exporter",
        "prometheus-adapter",
        "metrics-server",
        "cadvisor",
    ];
    let name = alert.label(label);
    let measures = |name: &str| EXPORTERS.iter().any(|exporter| name.contains(exporter));
    measures(name) || measures(alert.label("job")) || measures(alert.label("container"))
}
