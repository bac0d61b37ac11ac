//! Pods that a node threw out, for want of its own resources or over the pod's limit.

use jiff::{SignedDuration, Timestamp};

use crate::class::Class;
use crate::evidence::{Evidence, Target};
use crate::finding::{Cite, Finding, text};
use crate::object::{Object, ObjectRef};
use crate::pattern::{Pattern, part};

static LOW: Pattern = Pattern::new(r"(?i)node was low on resource: ?\[?([\w.-]+)|node had condition: \[?(\w+)");
static OWN: Pattern = Pattern::new(
    r#"(?i)(?:ephemeral local storage usage exceeds the total limit of containers|exceeded its local ephemeral storage limit|usage of EmptyDir volume "[^"]+" exceeds the limit) "?([\w.]+)"?"#,
);

pub fn evictions(evidence: &Evidence) -> Vec<Finding> {
    let evicted = |p: &&Object| p.str("/status/phase") == "Failed" && p.str("/status/reason") == "Evicted";
    let pods: Vec<&Object> = evidence.kind("Pod").filter(evicted).filter(|p| matters(evidence, p)).collect();
    let mut findings: Vec<Finding> = Vec::new();
    for pod in &pods {
        // the newest eviction speaks for its controller's earlier ones
        let root = evidence.root(pod);
        let newer = pods.iter().any(|o| o.re != pod.re && same_root(evidence, o, root) && ended(o) > ended(pod));
        if root.re == pod.re || !newer || is_target(evidence, pod) {
            findings.push(evicted_pod(evidence, pod));
        }
    }
    findings
}

fn same_root(evidence: &Evidence, pod: &Object, root: &Object) -> bool {
    evidence.root(pod).re == root.re
}

fn is_target(evidence: &Evidence, pod: &Object) -> bool {
    matches!(&evidence.target, Target::Object(target) if *target == pod.re)
}

fn ended(pod: &Object) -> Option<Timestamp> {
    let containers = pod.list("/status/containerStatuses").iter();
    let finished = containers.filter_map(|c| c["state"]["terminated"]["finishedAt"].as_str()?.parse().ok()).max();
    let condition = pod.condition("DisruptionTarget").or_else(|| pod.condition("Ready")).and_then(|c| c.since);
    finished.or(condition).or_else(|| pod.time("/status/startTime"))
}

/// A dead pod stays for hours after its replacement has taken over; then it is history, unless it is asked about.
fn matters(evidence: &Evidence, pod: &Object) -> bool {
    if is_target(evidence, pod) {
        return true;
    }
    let lately = ended(pod).is_none_or(|at| evidence.now.duration_since(at) < SignedDuration::from_hours(1));
    lately || is_short(evidence.root(pod))
}

fn is_short(root: &Object) -> bool {
    match root.kind() {
        "Deployment" | "StatefulSet" | "ReplicaSet" => {
            root.int("/spec/replicas").unwrap_or(1) > root.int("/status/readyReplicas").unwrap_or(0)
        }
        "DaemonSet" => root.int("/status/desiredNumberScheduled") > root.int("/status/numberReady"),
        _ => root.kind() == "Pod",
    }
}

fn evicted_pod(evidence: &Evidence, pod: &Object) -> Finding {
    let message = pod.str("/status/message");
    let event = evidence.event(&pod.re, &["Evicted"]);
    let said = if message.is_empty() { event.map_or("", |e| e.message.as_str()) } else { message };
    let node = pod.str("/spec/nodeName");
    let path = pod.re.path();
    let short: String = said.trim().chars().take(300).collect();
    let statement = text(
        format!("Pod {path} 被节点 {node} 驱逐：{short}"),
        format!("pod {path} was evicted from node {node}: {short}"),
    );
    let finding = Finding::new(Class::PodEvicted, &pod.re, statement)
        .cite(Cite::field(pod, "/status/reason"))
        .cites((!message.is_empty()).then(|| Cite::field(pod, "/status/message")))
        .cites(event.map(|e| e.cite()));
    let root = evidence.root(pod);
    if let Some(limit) = OWN.first(said) {
        return finding.advice(text(
            format!("提高 {} 的 ephemeral-storage 上限（现为 {limit}），或减少写到容器磁盘的数据", root.re),
            format!(
                "raise the ephemeral-storage limit of {} (now {limit}), or write less to the container's disk",
                root.re
            ),
        ));
    }
    let resource = LOW.captures(said).map(|c| format!("{}{}", part(&c, 1), part(&c, 2))).unwrap_or_default();
    finding
        .because(ObjectRef::new("Node", "", node))
        .advice(text(
            format!("为 {} 写明接近实际用量的 {resource} 请求，使它不先被驱逐；并查看节点 {node} 上谁占用最多", root.re),
            format!("set {resource} requests near the real use on {}, so that it is not the first to go, and see what uses most on node {node}", root.re),
        ))
        .fix(text("查看节点的状况", "look at the node"), format!("kubectl describe node {node}"))
}
