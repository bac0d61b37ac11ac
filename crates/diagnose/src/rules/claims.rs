//! Claims that are not bound, and why.

use std::sync::LazyLock;

use regex::Regex;

use crate::class::Class;
use crate::event::Event;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::object::Object;
use crate::quantity;

/// Findings about pending claims and the pods that wait for them.
pub fn claims(evidence: &Evidence) -> Vec<Finding> {
    let pending = evidence.kind("PersistentVolumeClaim").filter(|c| c.str("/status/phase") == "Pending");
    pending.flat_map(|claim| claim_findings(evidence, claim)).collect()
}

fn claim_findings(evidence: &Evidence, claim: &Object) -> Vec<Finding> {
    let statement = text(format!("PVC {} 未绑定", claim.re.path()), format!("claim {} is not bound", claim.re.path()));
    let mut findings =
        vec![Finding::new(Class::ClaimPending, &claim.re, statement).cite(Cite::field(claim, "/status/phase"))];
    // every event counts: the controller's Normal ones keep coming and would hide the provisioner's error
    let failed = evidence.events(&claim.re).iter().rev().find(|e| e.reason == "ProvisioningFailed");
    findings.extend(failed.and_then(|event| size(claim, event)));
    findings
}

/// `requested 5Gi, must be in [10Gi, 32000Gi]` and its like.
static RANGE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"\[\s*(\d+\s*[KMGTP]i?B?)\s*,\s*(\d+\s*[KMGTP]i?B?)\s*\]").ok());

fn size(claim: &Object, event: &Event) -> Option<Finding> {
    let range = RANGE.as_ref()?.captures(&event.message)?;
    let (low, high) = (range.get(1)?.as_str(), range.get(2)?.as_str());
    let asked = claim.str("/spec/resources/requests/storage");
    let (value, low_value) = (quantity::parse(asked)?, quantity::parse_loose(low)?);
    if value >= low_value {
        return None;
    }
    let class = claim.str("/spec/storageClassName");
    let name = claim.re.path();
    let statement = text(
        format!("PVC {name} 申请 {asked}，而存储类 {class} 的磁盘从 {low} 起（最大 {high}），所以卷创建不了"),
        format!(
            "claim {name} asks for {asked}, but disks of class {class} start at {low} (largest {high}), so no volume is made"
        ),
    );
    let finding = Finding::new(Class::VolumeSizeBelowMinimum, &claim.re, statement)
        .cite(event.cite())
        .cite(Cite::field(claim, "/spec/resources/requests/storage"));
    Some(finding)
}
