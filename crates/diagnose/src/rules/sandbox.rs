//! Pods whose sandbox or network the node cannot make, and pods that wait for their containers to be created.

use jiff::SignedDuration;

use crate::class::Class;
use crate::event::Event;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::graph::references;
use crate::object::{Object, ObjectRef};
use crate::pattern::Pattern;
use crate::pod;

static RUNTIME_CLASS: Pattern =
    Pattern::new(r#"(?i)RuntimeClass(?:\.node\.k8s\.io)? "([^"]+)" not found|failed to get runtimeclass.*"([^"]+)""#);
static NO_HANDLER: Pattern =
    Pattern::new(r#"(?i)no runtime for "([^"]+)" is configured|runtime handler "?([^"\s]+)"? not (?:found|supported)"#);

pub fn sandboxes(evidence: &Evidence) -> Vec<Finding> {
    let waits = |p: &&Object| {
        !p.str("/spec/nodeName").is_empty()
            && p.str("/status/phase") == "Pending"
            && p.deleting_since().is_none()
            && !pod::containers(p).any(|c| c.running() || c.exit().is_some())
    };
    evidence.kind("Pod").filter(waits).flat_map(|pod| pod_findings(evidence, pod)).collect()
}

fn pod_findings(evidence: &Evidence, pod: &Object) -> Vec<Finding> {
    let mut findings: Vec<Finding> = creating(evidence, pod).into_iter().collect();
    let failed = evidence.event(&pod.re, &["FailedCreatePodSandBox", "FailedCreatePodSandbox"]);
    if let Some(event) = failed {
        findings.push(sandbox(evidence, pod, event));
    }
    findings
}

/// A pod on its node whose containers do not come; what holds it has findings of its own.
fn creating(evidence: &Evidence, pod: &Object) -> Option<Finding> {
    let held = pod::containers(pod).any(|c| c.waiting().0 == "ContainerCreating")
        || pod.list("/status/containerStatuses").is_empty();
    let warned = evidence.events(&pod.re).iter().rev().find(|e| e.warning && e.reason != "FailedScheduling");
    let scheduled = pod.condition("PodScheduled").and_then(|c| c.since).or_else(|| pod.created());
    let long = scheduled.is_some_and(|at| evidence.now.duration_since(at) > SignedDuration::from_mins(5));
    if !held || (warned.is_none() && !long) {
        return None;
    }
    let statement = text(
        format!("Pod {} 的容器一直没有创建", pod.re.path()),
        format!("the containers of pod {} are not created", pod.re.path()),
    );
    let mut finding = Finding::new(Class::ContainerNotCreated, &pod.re, statement)
        .cites(warned.map(Event::cite))
        .because(ObjectRef::new("Node", "", pod.str("/spec/nodeName")));
    if warned.is_none() {
        finding = finding.cite(Cite::field(pod, "/status/phase"));
    }
    let claims = references(pod).into_iter().map(|r| r.to).filter(|r| r.kind == "PersistentVolumeClaim");
    finding.because.extend(claims);
    Some(finding)
}

fn sandbox(evidence: &Evidence, pod: &Object, event: &Event) -> Finding {
    let class_name = pod.str("/spec/runtimeClassName");
    let class = ObjectRef::new("RuntimeClass", "", class_name);
    let unknown = RUNTIME_CLASS.is_match(&event.message)
        || !class_name.is_empty() && NO_HANDLER.is_match(&event.message) && evidence.lookup(&class).is_absent();
    if unknown && !class_name.is_empty() {
        return no_runtime_class(evidence, pod, event, &class);
    }
    let node = pod.str("/spec/nodeName");
    let said: String = event.message.chars().take(300).collect();
    let statement = text(
        format!("节点 {node} 无法为 Pod {} 创建沙箱：{said}", pod.re.path()),
        format!("node {node} cannot make the sandbox of pod {}: {said}", pod.re.path()),
    );
    let root = evidence.root(pod);
    let finding = Finding::new(Class::SandboxCreationFailed, &root.re, statement)
        .seen_on(&pod.re)
        .cite(event.cite())
        .because(ObjectRef::new("Node", "", node));
    let (zh, en) = if NO_HANDLER.is_match(&event.message) {
        (
            "在节点的容器运行时里配置这个 handler，或改用节点支持的 RuntimeClass",
            "configure this handler in the node's runtime, or use a runtime class that the node knows",
        )
    } else if event.message.contains("addresses") {
        (
            "扩大 Pod 网段，或清理节点上残留的 IP 分配",
            "give the pods a larger address range, or free addresses that the node still holds",
        )
    } else {
        (
            "检查该节点上的 CNI 插件 Pod 及其配置，必要时重启它",
            "check the CNI plugin's pod and configuration on that node, and restart it if need be",
        )
    };
    finding.fix(text(zh, en), format!("kubectl get pods -n kube-system -o wide --field-selector spec.nodeName={node}"))
}

fn no_runtime_class(evidence: &Evidence, pod: &Object, event: &Event, class: &ObjectRef) -> Finding {
    let root = evidence.root(pod);
    let known: Vec<&str> = evidence.kind("RuntimeClass").map(Object::name).collect();
    let known = known.join(", ");
    let statement = text(
        format!("RuntimeClass {} 不存在（现有：{known}）", class.name),
        format!("runtime class {} does not exist (there are: {known})", class.name),
    );
    let finding = Finding::new(Class::RuntimeClassNotFound, &root.re, statement)
        .seen_on(&pod.re)
        .cite(event.cite())
        .cite(Cite::field(pod, "/spec/runtimeClassName"));
    let finding = if evidence.lookup(class).is_absent() { finding.cite(Cite::absent(class)) } else { finding };
    finding.advice(text(
        format!("安装运行时并创建 RuntimeClass {}，或从模板中去掉 runtimeClassName", class.name),
        format!(
            "install the runtime and create runtime class {}, or take runtimeClassName out of the template",
            class.name
        ),
    ))
}
