//! Workloads with fewer pods than they should have: scaled to zero, waiting, or short of ready pods.

use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::object::Object;
use crate::pattern::Pattern;
use crate::pod;
use crate::rules::serving::{WORKLOADS, services_of, top_workloads};

pub fn workloads(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    let namespaces: std::collections::BTreeSet<&str> =
        WORKLOADS.iter().flat_map(|kind| evidence.kind(kind)).map(Object::namespace).collect();
    for workload in namespaces.into_iter().flat_map(|ns| top_workloads(evidence, ns)) {
        if workload.deleting_since().is_some() {
            continue;
        }
        if workload.kind() != "DaemonSet" && workload.int("/spec/replicas") == Some(0) {
            findings.push(scaled_to_zero(evidence, workload));
            continue;
        }
        findings.extend(unavailable(evidence, workload));
        if workload.kind() == "StatefulSet" {
            findings.extend(waits(evidence, workload));
        }
    }
    findings
}

/// `Scaled down replica set web-7c to 0 from 3`, as the deployment controller writes it.
static SCALED_DOWN: Pattern =
    Pattern::new(r"Scaled down replica set \S+ (?:from ([1-9]\d*) to 0|to 0 from ([1-9]\d*))");

/// The last number of replicas above zero that anything remembers.
fn replicas_before(evidence: &Evidence, workload: &Object) -> Option<i64> {
    let events = evidence.events(&workload.re).iter().rev();
    let mut told = events.filter_map(|e| {
        let captures = SCALED_DOWN.captures(&e.message)?;
        captures.get(1).or(captures.get(2))?.as_str().parse().ok()
    });
    let autoscaler = evidence.kind_in("HorizontalPodAutoscaler", workload.namespace()).find(|hpa| {
        hpa.str("/spec/scaleTargetRef/kind") == workload.kind()
            && hpa.str("/spec/scaleTargetRef/name") == workload.name()
    });
    told.next().or_else(|| autoscaler.map(|hpa| hpa.int("/spec/minReplicas").unwrap_or(1).max(1)))
}

/// Often meant so; it is a cause only for those that need the workload, which is why the services before it name it.
fn scaled_to_zero(evidence: &Evidence, workload: &Object) -> Finding {
    let path = workload.re.path();
    let kind = workload.kind();
    let before = replicas_before(evidence, workload);
    let (was_zh, was_en) =
        before.map_or_else(Default::default, |n| (format!("（此前为 {n}）"), format!(" (it was {n})")));
    let statement = text(
        format!("{kind} {path} 的副本数被设为 0{was_zh}"),
        format!("{} {path} is scaled to zero{was_en}", kind.to_lowercase()),
    );
    let event = evidence.events(&workload.re).iter().rev().find(|e| SCALED_DOWN.is_match(&e.message));
    let mut finding = Finding::new(Class::ScaledToZero, &workload.re, statement)
        .cite(Cite::field(workload, "/spec/replicas"))
        .cites(event.map(crate::event::Event::cite));
    for service in services_of(evidence, workload) {
        finding = finding.seen_on(&service.re);
    }
    for hpa in evidence.kind_in("HorizontalPodAutoscaler", workload.namespace()) {
        if hpa.str("/spec/scaleTargetRef/kind") == kind && hpa.str("/spec/scaleTargetRef/name") == workload.name() {
            finding = finding.seen_on(&hpa.re);
        }
    }
    let n = before.unwrap_or(1);
    finding.fix(
        text(format!("恢复到 {n} 个副本"), format!("scale it back to {n}")),
        format!("kubectl scale {} --replicas={n}{}", workload.re.arg(), workload.re.flag()),
    )
}

/// How many pods a workload wants, and how many of them work.
pub fn numbers(workload: &Object) -> (i64, i64) {
    let status = |field: &str| workload.int(field).unwrap_or(0);
    match workload.kind() {
        "DaemonSet" => {
            let available = workload.int("/status/numberAvailable").unwrap_or_else(|| status("/status/numberReady"));
            (status("/status/desiredNumberScheduled"), available.min(status("/status/numberReady")))
        }
        "StatefulSet" => (workload.int("/spec/replicas").unwrap_or(1), status("/status/readyReplicas")),
        _ => (workload.int("/spec/replicas").unwrap_or(1), status("/status/availableReplicas")),
    }
}

/// Pods that should serve and do not.
pub fn unready<'a>(evidence: &'a Evidence, workload: &'a Object) -> Vec<&'a Object> {
    let mut pods = evidence.pods_of(workload);
    pods.retain(|p| !pod::is_ready(p) && !pod::is_over(p) && p.deleting_since().is_none());
    pods
}

fn unavailable(evidence: &Evidence, workload: &Object) -> Option<Finding> {
    let (wanted, available) = numbers(workload);
    if available >= wanted {
        return None;
    }
    let young = |o: &Object| o.created().is_some_and(|at| evidence.now.duration_since(at).as_secs() < 60);
    let pods = unready(evidence, workload);
    // pods that just came up are a start; with no pod at all the workload's own age tells
    if young(workload) || !pods.is_empty() && pods.iter().all(|p| young(p)) {
        return None;
    }
    let path = workload.re.path();
    let kind = workload.kind();
    let statement = text(
        format!("{kind} {path} 需要 {wanted} 个副本，只有 {available} 个可用"),
        format!("{} {path} wants {wanted} replicas, {available} are available", kind.to_lowercase()),
    );
    let field = match kind {
        "DaemonSet" => "/status/numberReady",
        "StatefulSet" => "/status/readyReplicas",
        _ => "/status/availableReplicas",
    };
    let mut finding = Finding::new(Class::ReplicasUnavailable, &workload.re, statement)
        .cite(Cite { text: available.to_string(), ..Cite::field(workload, field) });
    for object in pods.into_iter().chain(evidence.owned(workload).filter(|o| o.kind() == "ReplicaSet")) {
        finding = finding.because(object.re.clone());
    }
    Some(finding)
}

fn ordinal(set: &Object, pod: &Object) -> Option<i64> {
    pod.name().strip_prefix(set.name())?.strip_prefix('-')?.parse().ok()
}

/// With `OrderedReady` one pod that is not ready keeps all later ones from being made or updated.
fn waits(evidence: &Evidence, set: &Object) -> Option<Finding> {
    let wanted = set.int("/spec/replicas").unwrap_or(1);
    let made = set.int("/status/replicas").unwrap_or(0);
    let revision = set.str("/status/updateRevision");
    let updating = revision != set.str("/status/currentRevision") && !revision.is_empty();
    let parallel = set.str("/spec/podManagementPolicy") == "Parallel";
    if !(made < wanted && !parallel || updating && set.int("/status/updatedReplicas").unwrap_or(0) < wanted) {
        return None;
    }
    let mut pods: Vec<(i64, &Object)> =
        unready(evidence, set).into_iter().filter_map(|pod| Some((ordinal(set, pod)?, pod))).collect();
    pods.sort_by_key(|(n, _)| *n);
    let (n, blocking) = if made < wanted { *pods.first()? } else { *pods.last()? };
    let path = set.re.path();
    let pod = blocking.name();
    let statement = text(
        format!("StatefulSet {path} 按顺序创建：第 {n} 个 Pod {pod} 未就绪，后面的 Pod 在等它（{made}/{wanted}）"),
        format!(
            "stateful set {path} goes in order: pod {pod} is not ready and the others wait for it ({made} of {wanted} made)"
        ),
    );
    let ready = blocking.condition("Ready");
    let cite = ready.map(|c| Cite::field(blocking, &format!("/status/conditions/{}/status", c.index)));
    Some(
        Finding::new(Class::StatefulsetWaitsForPod, &set.re, statement)
            .cite(Cite::field(set, "/status/replicas"))
            .cites(cite)
            .because(blocking.re.clone()),
    )
}
