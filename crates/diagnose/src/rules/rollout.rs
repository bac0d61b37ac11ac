//! Deployments that are paused, or whose rollout makes no progress, and whose pods hold it up.

use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::object::Object;
use crate::rules::workloads::unready;

pub fn rollouts(evidence: &Evidence) -> Vec<Finding> {
    let living = evidence.kind("Deployment").filter(|d| d.deleting_since().is_none());
    living.flat_map(|deployment| paused(deployment).into_iter().chain(stuck(evidence, deployment))).collect()
}

fn paused(deployment: &Object) -> Option<Finding> {
    if deployment.bool("/spec/paused") != Some(true) {
        return None;
    }
    let path = deployment.re.path();
    let updated = deployment.int("/status/updatedReplicas").unwrap_or(0);
    let wanted = deployment.int("/spec/replicas").unwrap_or(1);
    let statement = text(
        format!("Deployment {path} 已暂停发布，模板的改动不会生效（{updated}/{wanted} 个副本是新版本）"),
        format!(
            "deployment {path} is paused: changes of its template do not roll out ({updated} of {wanted} replicas are new)"
        ),
    );
    let finding = Finding::new(Class::RolloutPaused, &deployment.re, statement)
        .cite(Cite::field(deployment, "/spec/paused"))
        .fix(
            text("恢复发布", "resume the rollout"),
            format!("kubectl rollout resume {}{}", deployment.re.arg(), deployment.re.flag()),
        );
    Some(finding)
}

/// The replica set of the current template.
fn newest<'a>(evidence: &'a Evidence, deployment: &'a Object) -> Option<&'a Object> {
    const REVISION: &str = "deployment.kubernetes.io/revision";
    let sets = || evidence.owned(deployment).filter(|o| o.kind() == "ReplicaSet");
    let revision = |set: &Object| set.annotation(REVISION).parse::<u64>().unwrap_or(0);
    sets().max_by_key(|set| (revision(set), set.created()))
}

fn stuck(evidence: &Evidence, deployment: &Object) -> Option<Finding> {
    let progressing = deployment.condition("Progressing")?;
    if progressing.reason != "ProgressDeadlineExceeded" || progressing.is_true() {
        return None;
    }
    let set = newest(evidence, deployment);
    let pods = set.map(|set| unready(evidence, set)).unwrap_or_default();
    let path = deployment.re.path();
    let version = set.map_or("", Object::name);
    let n = pods.len();
    let statement = text(
        format!("Deployment {path} 的发布超过期限没有进展：新版本 {version} 有 {n} 个 Pod 未就绪"),
        format!(
            "the rollout of deployment {path} has passed its deadline: {n} pods of the new version {version} are not ready"
        ),
    );
    let finding = Finding::new(Class::RolloutStuck, &deployment.re, statement)
        .cite(Cite::field(deployment, &format!("/status/conditions/{}/message", progressing.index)));
    let because = set.into_iter().chain(pods);
    Some(because.fold(finding, |finding, object| finding.because(object.re.clone())))
}
