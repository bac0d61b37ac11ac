//! Volumes that a pod on a node does not get: not bound, not attached, not mounted.

mod attach;
mod mount;

use crate::class::Class;
use crate::event::Event;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::graph::references;
use crate::object::{Object, text as word};
use crate::pod;

pub fn volumes(evidence: &Evidence) -> Vec<Finding> {
    let waiting = evidence.kind("Pod").filter(|pod| waits(pod));
    waiting.flat_map(|pod| pod_findings(evidence, pod)).collect()
}

/// On a node, with containers that were never created.
fn waits(pod: &Object) -> bool {
    let placed = !pod.str("/spec/nodeName").is_empty();
    let unborn = pod::containers(pod)
        .any(|c| matches!(c.waiting().0, "ContainerCreating" | "PodInitializing") || c.status.is_none());
    placed && unborn && pod.str("/status/phase") == "Pending" && pod.deleting_since().is_none()
}

fn pod_findings(evidence: &Evidence, pod: &Object) -> Vec<Finding> {
    let claims = claims(evidence, pod);
    let unbound: Vec<&&Object> = claims.iter().filter(|c| c.str("/status/phase") != "Bound").collect();
    if let Some(claim) = unbound.first() {
        let name = claim.re.path();
        let waits = symptom(pod, &format!("PVC {name} 未绑定"), &format!("claim {name} is not bound"));
        return vec![waits.cite(Cite::field(claim, "/status/phase")).because(claim.re.clone())];
    }
    let attached = evidence.event(&pod.re, &["SuccessfulAttachVolume"]).and_then(|e| e.last);
    let refused = evidence.event(&pod.re, &["FailedAttachVolume"]).filter(|e| attached.is_none() || e.last > attached);
    if let Some(event) = refused {
        return attach::findings(evidence, pod, event);
    }
    let failed = evidence.events(&pod.re).iter().rev();
    let mut failed = failed.filter(|e| matches!(e.reason.as_str(), "FailedMount" | "FailedMapVolume"));
    if let Some(event) = failed.clone().find(|e| mount::is_specific(&e.message)) {
        return mount::findings(evidence, pod, event);
    }
    let Some(event) = failed.find(|e| !mount::is_missing_reference(&e.message)) else { return Vec::new() };
    // the kubelet only says that it waited: the attach may be stuck without a word
    match attach::stuck(evidence, pod, event) {
        Some(finding) => vec![symptom(pod, &event.message, &event.message).cite(event.cite()), finding],
        None => vec![symptom(pod, &event.message, &event.message).cite(event.cite())],
    }
}

fn symptom(pod: &Object, zh: &str, en: &str) -> Finding {
    let name = pod.re.path();
    let statement = text(format!("Pod {name} 的卷未就绪：{zh}"), format!("a volume of pod {name} is not ready: {en}"));
    Finding::new(Class::VolumeNotReady, &pod.re, statement)
}

/// The claims that a pod mounts.
fn claims<'a>(evidence: &'a Evidence, pod: &Object) -> Vec<&'a Object> {
    let claims = references(pod).into_iter().filter(|r| r.to.kind == "PersistentVolumeClaim");
    claims.filter_map(|r| evidence.get(&r.to)).collect()
}

/// The claim that a message's volume name (the persistent volume's, or the pod's own) belongs to.
fn claim_of<'a>(evidence: &'a Evidence, pod: &'a Object, volume: &str) -> Option<&'a Object> {
    let claims = claims(evidence, pod);
    if let Some(claim) = claims.iter().find(|c| c.str("/spec/volumeName") == volume) {
        return Some(claim);
    }
    let own = pod.list("/spec/volumes").iter().find(|v| word(v, "name") == volume);
    let name = own.map(|v| word(&v["persistentVolumeClaim"], "claimName"));
    match name {
        Some(name) => claims.into_iter().find(|c| c.name() == name),
        None => claims.first().filter(|_| claims.len() == 1).copied(),
    }
}

/// The event's text on one line, cut to what a card can show.
fn short(event: &Event) -> String {
    event.message.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect()
}
