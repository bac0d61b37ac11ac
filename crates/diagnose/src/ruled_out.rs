//! What was looked at and found in order, so that nobody looks there again.

use crate::evidence::{Evidence, Target};
use crate::finding::{Text, text};
use crate::object::{Object, ObjectRef};
use crate::pod;
use crate::report::ReportCause;

/// One line for each thing that could have been the cause and is not.
pub fn ruled_out(evidence: &Evidence, causes: &[ReportCause]) -> Vec<Text> {
    let mut lines = Vec::new();
    for pod in looked_at(evidence, causes) {
        let node = pod.str("/spec/nodeName");
        if let Some(node) = evidence.find("Node", "", node).filter(|n| pod::is_ready(n)) {
            lines.push(text(format!("节点 {} 就绪", node.name()), format!("node {} is ready", node.name())));
        }
        let claims = crate::graph::references(pod).into_iter().filter(|r| r.to.kind == "PersistentVolumeClaim");
        for claim in claims.filter_map(|r| evidence.get(&r.to)).filter(|c| c.str("/status/phase") == "Bound") {
            lines.push(text(format!("PVC {} 已绑定", claim.name()), format!("claim {} is bound", claim.name())));
        }
        if pod.condition("PodScheduled").is_some_and(|c| c.is_true()) {
            lines.push(text("Pod 已调度", "the pod is scheduled"));
        }
        let images = pod::containers(pod).filter(|c| c.running() || c.exit().is_some());
        for image in images.map(|c| c.image()) {
            lines.push(text(format!("镜像 {image} 已拉取"), format!("image {image} was pulled")));
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    lines.retain(|line| seen.insert(line.en.clone()));
    lines.truncate(12);
    lines
}

/// The target's pods, or those that the causes were seen on.
fn looked_at<'a>(evidence: &'a Evidence, causes: &'a [ReportCause]) -> Vec<&'a Object> {
    let target = match &evidence.target {
        Target::Object(target) => Some(target),
        Target::Namespace(_) | Target::Cluster => None,
    };
    let seen: Vec<&ObjectRef> = target.into_iter().chain(causes.iter().flat_map(|c| &c.seen_on)).collect();
    let mut pods: Vec<&Object> =
        seen.into_iter().filter_map(|re| evidence.get(re)).flat_map(|o| evidence.pods_of(o)).collect();
    pods.sort_by(|a, b| a.re.cmp(&b.re));
    pods.dedup_by(|a, b| a.re == b.re);
    pods.truncate(3);
    pods
}
