//! Disruption budgets that let no pod be evicted.

use crate::class::Class;
use crate::evidence::{Evidence, Target};
use crate::finding::{Cite, Finding, text};
use crate::object::{Object, ObjectRef};
use crate::pod;
use crate::selector;

pub fn budgets(evidence: &Evidence) -> Vec<Finding> {
    evidence.kind("PodDisruptionBudget").filter_map(|budget| blocked(evidence, budget)).collect()
}

/// A budget that happens to allow nothing now is common and harmless; it is a fault where it can never allow anything,
/// where it stops a drain, or where somebody asks why it has too few healthy pods.
fn blocked(evidence: &Evidence, budget: &Object) -> Option<Finding> {
    let status = |field: &str| budget.int(&format!("/status/{field}")).unwrap_or(0);
    if status("disruptionsAllowed") > 0 || status("expectedPods") == 0 {
        return None;
    }
    let pods: Vec<&Object> = (evidence.kind_in("Pod", budget.namespace()))
        .filter(|p| selector::matches(budget.at("/spec/selector"), &p.labels()) && !pod::is_over(p))
        .collect();
    let draining: Vec<ObjectRef> = (pods.iter())
        .filter_map(|pod| evidence.find("Node", "", pod.str("/spec/nodeName")))
        .filter(|node| node.bool("/spec/unschedulable") == Some(true))
        .map(|node| node.re.clone())
        .collect();
    let asked = evidence.target == Target::Object(budget.re.clone());
    let never = never_allows(budget);
    if !asked && !never && draining.is_empty() {
        return None;
    }
    let (healthy, desired, expected) = (status("currentHealthy"), status("desiredHealthy"), status("expectedPods"));
    let path = budget.re.path();
    let limit = limit(budget);
    let statement = text(
        format!("PDB {path}（{limit}）不允许任何驱逐：{healthy} 个健康，要求 {desired} 个，共 {expected} 个 Pod"),
        format!(
            "disruption budget {path} ({limit}) allows no eviction: {healthy} healthy, {desired} demanded, {expected} pods"
        ),
    );
    let mut finding = Finding::new(Class::PdbBlocksEviction, &budget.re, statement)
        .cite(Cite::field(budget, "/status/disruptionsAllowed"))
        .cite(Cite::field(budget, "/spec"));
    if healthy < desired {
        for pod in pods.iter().filter(|p| !pod::is_ready(p)) {
            finding = finding.because(pod.re.clone());
        }
    }
    for node in &draining {
        finding = finding.seen_on(node);
    }
    Some(mended(finding, budget, &pods, evidence, expected))
}

fn limit(budget: &Object) -> String {
    for key in ["minAvailable", "maxUnavailable"] {
        let value = budget.at(&format!("/spec/{key}"));
        if !value.is_null() {
            return format!("{key}: {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
    }
    "minAvailable: 1".to_owned()
}

/// Whether the spec itself forbids every eviction, whatever the pods do.
fn never_allows(budget: &Object) -> bool {
    let maximum = budget.at("/spec/maxUnavailable");
    maximum == 0 || maximum == "0" || maximum == "0%" || budget.at("/spec/minAvailable") == "100%"
}

fn mended(finding: Finding, budget: &Object, pods: &[&Object], evidence: &Evidence, expected: i64) -> Finding {
    let root = pods.first().map(|pod| evidence.root(pod));
    let finding = match root {
        Some(root) if root.int("/spec/replicas").is_some() => finding.fix(
            text("多加一个副本，让预算有余量", "add a replica, so that the budget has something to give"),
            format!("kubectl scale {} --replicas={}{}", root.re.arg(), expected + 1, root.re.flag()),
        ),
        Some(_) | None => finding,
    };
    let patch = "{\"spec\":{\"minAvailable\":null,\"maxUnavailable\":1}}";
    finding.fix(
        text("或允许一次驱逐一个 Pod", "or allow one pod to be evicted at a time"),
        format!("kubectl patch pdb {}{} --type merge -p '{patch}'", budget.name(), budget.re.flag()),
    )
}
