//! Containers killed for want of memory: over their own limit, or because the node had none left.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::down::Down;
use super::template::patch_container;
use crate::class::Class;
use crate::event::Event;
use crate::finding::{Cite, Finding, text};
use crate::object::{Object, ObjectRef, text as field};
use crate::pattern::Pattern;
use crate::quantity;

static TOO_LOW: Pattern =
    Pattern::new(r"(?i)OOM-killed \(memory limit too low|memory limit too low|minimum memory limit");

pub fn killed(down: &Down<'_>) -> Option<Finding> {
    let at_start = TOO_LOW.is_match(down.exit.message) || TOO_LOW.is_match(down.container.waiting().1);
    let by_kernel = down.exit.reason == "OOMKilled" || at_start;
    let system = system_oom(down);
    if !(by_kernel || down.exit.code == 137 && system.is_some()) {
        return None;
    }
    let limit = limit(down);
    match (limit, system) {
        (Some((limit, at)), None) => Some(over_limit(down, &limit, at)),
        (Some((limit, at)), Some(_)) if by_kernel && !node_is_short(down) => Some(over_limit(down, &limit, at)),
        (_, system) => Some(node_out(down, system)),
    }
}

/// Where the limit stands.
#[derive(Clone, Copy)]
enum At {
    Container,
    Pod,
}

fn limit(down: &Down<'_>) -> Option<(String, At)> {
    let own = field(&down.container.spec["resources"]["limits"], "memory");
    if !own.is_empty() {
        return Some((own.to_owned(), At::Container));
    }
    let pod = down.container.pod.str("/spec/resources/limits/memory");
    (!pod.is_empty()).then(|| (pod.to_owned(), At::Pod))
}

fn over_limit(down: &Down<'_>, limit: &str, at: At) -> Finding {
    let name = down.container.name;
    let times = down.container.restarts();
    let statement = text(
        format!("容器 {name} 的内存用量超过上限 {limit}，被 OOM 杀死（已重启 {times} 次）"),
        format!(
            "container {name} used more memory than its limit of {limit} and was OOM-killed (restarted {times} times)"
        ),
    );
    let finding = down.make(Class::OomKilled, statement);
    let Some(more) = doubled(limit) else {
        return finding.advice(text("调高内存上限", "raise the memory limit"));
    };
    let what = text(
        format!("把内存上限从 {limit} 提到 {more}，并查明是否有内存泄漏"),
        format!("raise the memory limit from {limit} to {more}, and find out whether memory leaks"),
    );
    match at {
        At::Pod => finding.cite(Cite::field(down.container.pod, "/spec/resources/limits/memory")).advice(what),
        At::Container => {
            let finding = finding.cite(down.container.cite_spec("resources.limits.memory", limit));
            match patch_container(down.root, &down.container, &json!({"resources": {"limits": {"memory": more}}})) {
                Some(command) => finding.fix(what, command),
                None => finding.advice(what),
            }
        }
    }
}

/// Twice a quantity, in the same unit.
fn doubled(limit: &str) -> Option<String> {
    let at = limit.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(limit.len());
    let number: f64 = limit[..at].parse().ok()?;
    quantity::parse(limit)?;
    Some(format!("{}{}", number * 2.0, &limit[at..]))
}

fn node_out(down: &Down<'_>, system: Option<&Event>) -> Finding {
    let name = down.container.name;
    let pod = down.container.pod;
    let node = ObjectRef::new("Node", "", pod.str("/spec/nodeName"));
    let object = down.evidence.get(&node).map_or_else(|| down.root.re.clone(), |n| n.re.clone());
    let statement = text(
        format!("节点 {} 内存耗尽，内核杀死了 Pod {} 的容器 {name}", node.name, pod.re.path()),
        format!("node {} ran out of memory and the kernel killed container {name} of pod {}", node.name, pod.re.path()),
    );
    let mut finding = Finding::new(Class::NodeOutOfMemory, &object, statement)
        .seen_on(&pod.re)
        .cite(
            down.container
                .cite_status(down.exit.field, format!("exitCode {}, reason {}", down.exit.code, down.exit.reason)),
        )
        .cites(system.map(Event::cite))
        .because(node);
    if limit(down).is_none() {
        finding = finding.cite(down.container.cite_spec("resources.limits.memory", "not set"));
        let what = text(
            format!("给容器 {name} 写明内存请求和上限（按实际用量调整 512Mi）"),
            format!("give container {name} a memory request and limit (fit 512Mi to its real use)"),
        );
        let fields = json!({"resources": {"requests": {"memory": "512Mi"}, "limits": {"memory": "512Mi"}}});
        if let Some(command) = patch_container(down.root, &down.container, &fields) {
            return finding.likely().fix(what, command);
        }
    }
    finding.likely().advice(text(
        "减少该节点上的负载或增加节点内存，并为 Pod 写明内存请求",
        "take load off the node or give it more memory, and set memory requests on the pods",
    ))
}

fn node<'a>(down: &Down<'a>) -> Option<&'a Object> {
    down.evidence.find("Node", "", down.container.pod.str("/spec/nodeName"))
}

fn node_is_short(down: &Down<'_>) -> bool {
    node(down).and_then(|n| n.condition("MemoryPressure")).is_some_and(|c| c.is_true())
}

/// The node's own words on an out-of-memory kill about the time of this end.
fn system_oom<'a>(down: &Down<'a>) -> Option<&'a Event> {
    let node = node(down)?;
    let finished: Timestamp = field(down.exit.value, "finishedAt").parse().ok()?;
    let near = |e: &&Event| e.last.is_some_and(|at| (at.duration_since(finished)).abs() < SignedDuration::from_mins(2));
    down.evidence
        .events(&node.re)
        .iter()
        .rev()
        .filter(|e| matches!(e.reason.as_str(), "SystemOOM" | "OOMKilling"))
        .find(near)
}
