//! What stands behind a service: the pods that its selector chooses, or the workloads that would make such pods.

use crate::evidence::Evidence;
use crate::object::{Object, strings, text};
use crate::pod;
use crate::selector::matches_map;

pub enum Behind<'a> {
    /// at least one endpoint is ready
    Ready,
    /// pods, none of them ready
    NotReady(Vec<&'a Object>),
    /// no pod, but workloads whose template matches: scaled to zero, or their pods are not created
    NoPods(Vec<&'a Object>),
    /// neither pods nor workloads match
    Nothing,
    /// it has no selector, or the pods could not be read
    Unknown,
}

pub fn behind<'a>(evidence: &'a Evidence, service: &'a Object) -> Behind<'a> {
    let selector = strings(service.at("/spec/selector"));
    if service.str("/spec/type") == "ExternalName" || has_ready_endpoint(evidence, service) {
        return Behind::Ready;
    }
    if selector.is_empty() {
        return Behind::Unknown;
    }
    let pods = pods(evidence, service);
    let unready = service.bool("/spec/publishNotReadyAddresses") == Some(true);
    if pods.iter().any(|p| unready || pod::is_ready(p)) {
        return Behind::Ready;
    }
    if !pods.is_empty() {
        return Behind::NotReady(pods);
    }
    let workloads = workloads(evidence, service);
    if !workloads.is_empty() {
        return Behind::NoPods(workloads);
    }
    if evidence.is_listed("Pod", service.namespace()) { Behind::Nothing } else { Behind::Unknown }
}

/// The pods that the service would send to: chosen by its selector, not ended, not on their way out.
pub fn pods<'a>(evidence: &'a Evidence, service: &'a Object) -> Vec<&'a Object> {
    let mut pods = evidence.selected(service.namespace(), service.at("/spec/selector"));
    pods.retain(|p| !matches!(p.str("/status/phase"), "Succeeded" | "Failed") && p.deleting_since().is_none());
    pods
}

fn has_ready_endpoint(evidence: &Evidence, service: &Object) -> bool {
    evidence
        .kind_in("EndpointSlice", service.namespace())
        .filter(|slice| text(slice.at("/metadata/labels"), "kubernetes.io/service-name") == service.name())
        .flat_map(|slice| slice.list("/endpoints"))
        .any(|endpoint| endpoint["conditions"]["ready"] == true)
}

pub const WORKLOADS: &[&str] = &["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController"];

/// The workloads of a namespace that nothing else controls.
pub fn top_workloads<'a>(evidence: &'a Evidence, namespace: &'a str) -> impl Iterator<Item = &'a Object> {
    WORKLOADS
        .iter()
        .flat_map(move |kind| evidence.kind_in(kind, namespace))
        .filter(|workload| workload.owner().is_none_or(|owner| !WORKLOADS.contains(&owner.kind.as_str())))
}

pub fn template_labels(workload: &Object) -> std::collections::BTreeMap<&str, &str> {
    strings(workload.at("/spec/template/metadata/labels"))
}

/// The workloads whose pods the service's selector would choose.
pub fn workloads<'a>(evidence: &'a Evidence, service: &'a Object) -> Vec<&'a Object> {
    let selector = strings(service.at("/spec/selector"));
    if selector.is_empty() {
        return Vec::new();
    }
    let workloads = top_workloads(evidence, service.namespace());
    workloads.filter(|workload| matches_map(&selector, &template_labels(workload))).collect()
}

/// The services that send to a workload's pods.
pub fn services_of<'a>(evidence: &'a Evidence, workload: &'a Object) -> impl Iterator<Item = &'a Object> {
    let labels = template_labels(workload);
    evidence.kind_in("Service", workload.namespace()).filter(move |service| {
        let selector = strings(service.at("/spec/selector"));
        !selector.is_empty() && matches_map(&selector, &labels)
    })
}
