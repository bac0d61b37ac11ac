//! Pods that wait for a node: held back by a gate, not looked at by any scheduler, or refused by the scheduler.

use jiff::SignedDuration;

use super::choose::{Choice, choose};
use super::message::{self, Reason};
use super::{placement, resources};
use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::object::{Object, ObjectRef};

/// A scheduler that works looks at a new pod within a second or two.
const LOOKED_AT_WITHIN: SignedDuration = SignedDuration::from_secs(20);

pub fn scheduling(evidence: &Evidence) -> Vec<Finding> {
    let waiting = evidence.kind("Pod").filter(|pod| is_waiting(pod));
    let mut findings: Vec<Finding> = waiting.flat_map(|pod| pod_findings(evidence, pod)).collect();
    findings.extend(evidence.kind("Pod").filter_map(|pod| preempted(evidence, pod)));
    findings
}

fn is_waiting(pod: &Object) -> bool {
    matches!(pod.str("/status/phase"), "Pending" | "")
        && pod.str("/spec/nodeName").is_empty()
        && pod.deleting_since().is_none()
}

fn pod_findings(evidence: &Evidence, pod: &Object) -> Vec<Finding> {
    let condition = pod.condition("PodScheduled");
    let gates = pod.list("/spec/schedulingGates");
    if !gates.is_empty() || condition.is_some_and(|c| c.reason == "SchedulingGated") {
        return vec![symptom(pod, "调度门未移除", "a scheduling gate holds it"), gated(evidence, pod)];
    }
    let event = evidence.event(&pod.re, &["FailedScheduling"]);
    let said = condition.filter(|c| !c.is_true() && !c.message.is_empty());
    let Some(words) = said.map(|c| c.message).or(event.map(|e| e.message.as_str())) else {
        return unseen(evidence, pod);
    };
    let mut proof: Vec<Cite> = event.map(crate::event::Event::cite).into_iter().collect();
    if let Some(condition) = said.filter(|c| event.is_none_or(|e| e.message != c.message)) {
        proof.push(Cite::field(pod, &format!("/status/conditions/{}/message", condition.index)));
    }
    let short = words.split(" preemption: ").next().unwrap_or_default();
    let mut waits = symptom(pod, short, short).cites(proof.clone());
    let said = message::parse(words);
    match choose(evidence, pod, &said) {
        Choice::Nodes(nodes) => waits.because.extend(nodes),
        Choice::Claims(claims) => waits.because.extend(claims),
        Choice::Nothing => {}
        Choice::Reason(reason) => {
            if let Some(other) = preempted_sibling(evidence, pod) {
                return vec![waits.because(other)];
            }
            let finding = because_of(evidence, pod, &reason, &said).cites(proof);
            waits.because.push(finding.object.clone());
            return vec![waits, finding];
        }
    }
    vec![waits]
}

fn symptom(pod: &Object, zh: &str, en: &str) -> Finding {
    let name = pod.re.path();
    let statement = text(format!("Pod {name} 无法调度：{zh}"), format!("pod {name} cannot be scheduled: {en}"));
    Finding::new(Class::PodUnschedulable, &pod.re, statement)
}

fn because_of(evidence: &Evidence, pod: &Object, reason: &Reason, said: &[message::Said]) -> Finding {
    let finding = match reason {
        Reason::Insufficient(resource) => resources::insufficient(evidence, pod, resource, said),
        Reason::TooManyPods => resources::too_many_pods(evidence, pod),
        Reason::StorageCapacity => placement::storage_capacity(evidence, pod),
        Reason::VolumeLimit => placement::volume_limit(evidence, pod),
        Reason::Taint(key) => placement::taint(evidence, pod, key.as_deref()),
        Reason::NodeAffinity => placement::own_choice(evidence, pod),
        Reason::PodAffinity => placement::pod_affinity(evidence, pod),
        Reason::PodAntiAffinity => placement::pod_anti_affinity(evidence, pod),
        Reason::PodAffinityEither => {
            if pod.at("/spec/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution").is_array() {
                placement::pod_affinity(evidence, pod)
            } else {
                placement::pod_anti_affinity(evidence, pod)
            }
        }
        Reason::TopologySpread => placement::spread(evidence, pod),
        Reason::HostPort => placement::host_port(evidence, pod),
        Reason::VolumeNodeAffinity | Reason::VolumeZone | Reason::NoVolumeToBind | Reason::UnboundClaims => {
            placement::volume(evidence, pod, *reason == Reason::VolumeZone)
        }
        Reason::ClaimInUse => placement::claim_in_use(evidence, pod),
        Reason::ClaimNotFound(claim) => placement::claim_not_found(evidence, pod, claim),
        Reason::NoNodes | Reason::Unschedulable | Reason::Other(_) => no_nodes(evidence, pod),
    };
    finding.seen_on(&pod.re)
}

fn no_nodes(evidence: &Evidence, pod: &Object) -> Finding {
    let root = evidence.root(pod);
    let statement =
        text("集群里没有任何可用节点，Pod 无处可去", "the cluster has no node at all, so the pod has nowhere to run");
    Finding::new(Class::NoNodes, &root.re, statement).fix(
        text("查看节点；把节点加入集群或扩容节点池", "look at the nodes; join one or scale the node pool up"),
        "kubectl get nodes -o wide",
    )
}

fn gated(evidence: &Evidence, pod: &Object) -> Finding {
    let gates: Vec<&str> = pod.list("/spec/schedulingGates").iter().filter_map(|g| g["name"].as_str()).collect();
    let root = evidence.root(pod);
    let in_template = root.pod_spec_path().is_some_and(|path| root.at(path)["schedulingGates"].is_array());
    let (object, path) = match root.pod_spec_path() {
        Some(path) if in_template => (root, path),
        _ => (pod, "/spec"),
    };
    let names = gates.join(", ");
    let statement = text(
        format!("调度门 {names} 还没有移除，调度器不会处理该 Pod"),
        format!("scheduling gate {names} has not been removed, so the scheduler leaves the pod alone"),
    );
    let re = &object.re;
    Finding::new(Class::SchedulingGated, re, statement)
        .cite(Cite::field(pod, "/spec/schedulingGates"))
        .seen_on(&pod.re)
        .advice(text(
            format!("检查负责移除 {names} 的控制器（如 Kueue）是否在运行"),
            format!("see whether the controller that removes {names} (such as Kueue) is running"),
        ))
        .fix(
            text("确认不需要后移除全部调度门", "if the gates are not needed, remove them all"),
            format!(
                "kubectl{} patch {} --type=json -p '[{{\"op\":\"remove\",\"path\":\"{path}/schedulingGates\"}}]'",
                re.flag(),
                re.arg()
            ),
        )
}

/// No scheduler has said anything about the pod.
fn unseen(evidence: &Evidence, pod: &Object) -> Vec<Finding> {
    if pod.created().is_none_or(|at| evidence.now.duration_since(at) < LOOKED_AT_WITHIN) {
        return Vec::new();
    }
    let scheduler = match pod.str("/spec/schedulerName") {
        "" => "default-scheduler",
        name => name,
    };
    let waits = symptom(
        pod,
        &format!("没有任何调度器（应为 {scheduler}）处理过它"),
        &format!("no scheduler (it should be {scheduler}) has looked at it"),
    );
    if scheduler == "default-scheduler" {
        return vec![waits.because(ObjectRef::new("Lease", "kube-system", "kube-scheduler"))];
    }
    if runs(evidence, scheduler) {
        return vec![waits];
    }
    let root = evidence.root(pod);
    let path = root.pod_spec_path().unwrap_or("/spec");
    let statement = text(
        format!("schedulerName 是 {scheduler}，但集群里没有这个调度器在运行"),
        format!("schedulerName is {scheduler}, but no such scheduler runs in the cluster"),
    );
    let finding = Finding::new(Class::SchedulerNotFound, &root.re, statement)
        .cite(Cite::field(pod, "/spec/schedulerName"))
        .seen_on(&pod.re);
    let (flag, arg) = (root.re.flag(), root.re.arg());
    let finding = if root.kind() == "Pod" {
        finding.advice(text(
            "Pod 的 schedulerName 不能修改：改正后重新创建 Pod，或部署该调度器",
            "a pod's schedulerName cannot be changed: create the pod again with the right one, or deploy that scheduler",
        ))
    } else {
        finding.fix(
            text("改用默认调度器（或部署该调度器）", "use the default scheduler (or deploy that one)"),
            format!("kubectl{flag} patch {arg} --type=json -p '[{{\"op\":\"replace\",\"path\":\"{path}/schedulerName\",\"value\":\"default-scheduler\"}}]'"),
        )
    };
    let everything = evidence.is_listed("Pod", "");
    vec![waits, if everything { finding } else { finding.likely() }]
}

/// Whether something that goes by the scheduler's name shows life.
fn runs(evidence: &Evidence, scheduler: &str) -> bool {
    let lease = evidence.kind("Lease").any(|l| l.name() == scheduler);
    let placed_one = evidence.kind("Pod").any(|p| {
        p.str("/spec/schedulerName") == scheduler
            && (!p.str("/spec/nodeName").is_empty() || p.condition("PodScheduled").is_some())
    });
    lease || placed_one || evidence.kind("Pod").any(|p| p.name().starts_with(scheduler) && crate::pod::is_ready(p))
}

fn preempted(evidence: &Evidence, pod: &Object) -> Option<Finding> {
    let condition = pod.condition("DisruptionTarget").filter(|c| c.is_true() && c.reason == "PreemptionByScheduler");
    let event = evidence.event(&pod.re, &["Preempted"]);
    if crate::pod::is_ready(pod) && pod.deleting_since().is_none() || condition.is_none() && event.is_none() {
        return None;
    }
    let name = pod.re.path();
    let priority = pod.int("/spec/priority").unwrap_or(0);
    let statement = text(
        format!("Pod {name}（优先级 {priority}）被更高优先级的 Pod 抢占"),
        format!("pod {name} (priority {priority}) was preempted by a pod of higher priority"),
    );
    let field = condition.map(|c| Cite::field(pod, &format!("/status/conditions/{}/message", c.index)));
    let finding = Finding::new(Class::Preempted, &pod.re, statement)
        .cites(event.map(crate::event::Event::cite))
        .cites(field)
        .fix(text("看有哪些优先级", "see which priorities there are"), "kubectl get priorityclasses")
        .advice(text(
            "扩容节点，或给该工作负载一个更高的 priorityClassName",
            "add nodes, or give the workload a priorityClassName of higher value",
        ));
    Some(finding)
}

/// A pod of the same controller that was preempted: why there is no room for this one.
fn preempted_sibling(evidence: &Evidence, pod: &Object) -> Option<ObjectRef> {
    let root = evidence.root(pod);
    let pods = evidence.pods_of(root).into_iter();
    pods.filter(|other| other.re != pod.re).find(|other| preempted(evidence, other).is_some()).map(|o| o.re.clone())
}
