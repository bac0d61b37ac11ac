//! What the pod asks for and no node has left.

use super::fit;
use super::message::{Reason, Said};
use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::object::Object;
use crate::quantity;

pub fn insufficient(evidence: &Evidence, pod: &Object, resource: &str, said: &[Said]) -> Finding {
    let class = match resource {
        "cpu" => Class::InsufficientCpu,
        "memory" => Class::InsufficientMemory,
        "ephemeral-storage" => Class::InsufficientEphemeralStorage,
        _ => Class::InsufficientExtendedResource,
    };
    let wanted = fit::requests(pod.at("/spec")).get(resource).copied().unwrap_or(0.0);
    let mut nodes: Vec<(f64, f64, &Object)> = evidence
        .kind("Node")
        .filter(|node| fit::obstacles(evidence, pod, node).iter().all(is_room))
        .map(|node| {
            let all = quantity::parse(node.at("/status/allocatable")[resource].as_str().unwrap_or("0")).unwrap_or(0.0);
            (fit::room(evidence, node).get(resource).copied().unwrap_or(0.0).max(0.0), all, node)
        })
        .collect();
    nodes.sort_by(|a, b| b.0.total_cmp(&a.0));
    let list = |free: &str, all: &str| {
        let line = |(left, total, node): &(f64, f64, &Object)| {
            format!("{} {free} {}/{all}{}", node.name(), show(resource, *left), show(resource, *total))
        };
        nodes.iter().take(3).map(line).collect::<Vec<_>>().join(", ")
    };
    let asked = show(resource, wanted);
    let also: Vec<&str> = said
        .iter()
        .filter_map(|s| {
            let Reason::Insufficient(other) = &s.reason else { return None };
            Some(other.as_str()).filter(|other| *other != resource)
        })
        .collect();
    let also = if also.is_empty() { String::new() } else { format!(" ({})", also.join(", ")) };
    let (zh, en) = if nodes.is_empty() {
        (String::new(), String::new())
    } else {
        (format!("：{}", list("剩余至多", "可分配 ")), format!(": {}", list("has at most", "allocatable ")))
    };
    let statement = text(
        format!("Pod 请求 {resource} {asked}，没有节点剩余这么多{also}{zh}"),
        format!("the pod asks for {asked} of {resource}, more than any node has left{also}{en}"),
    );
    let root = evidence.root(pod);
    let mut finding = Finding::new(class, &root.re, statement);
    finding.cites.extend(cite_requests(pod, resource));
    let largest = nodes.first().map(|n| n.2);
    finding.cites.extend(largest.map(|node| Cite::field(node, &format!("/status/allocatable/{}", escape(resource)))));
    let room = nodes.first().map_or(0.0, |n| n.0);
    lower(finding, root, pod, resource, wanted, room)
}

fn is_room(obstacle: &fit::Obstacle) -> bool {
    matches!(obstacle, fit::Obstacle::Resource(_) | fit::Obstacle::Pods)
}

/// A JSON pointer's segment.
fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn cite_requests(pod: &Object, resource: &str) -> Vec<Cite> {
    let containers = pod.list("/spec/containers").iter().enumerate();
    let path = |i: usize, list: &str| format!("/spec/containers/{i}/resources/{list}/{}", escape(resource));
    containers
        .filter_map(|(i, _)| ["requests", "limits"].map(|l| path(i, l)).into_iter().find(|p| !pod.at(p).is_null()))
        .map(|pointer| Cite::field(pod, &pointer))
        .take(3)
        .collect()
}

/// The command that asks for as much as fits, where that is possible at all.
fn lower(finding: Finding, root: &Object, pod: &Object, resource: &str, wanted: f64, room: f64) -> Finding {
    let settable = matches!(root.kind(), "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet");
    let amount = |c: &serde_json::Value| c["resources"]["requests"][resource].as_str().and_then(quantity::parse);
    let containers = pod.list("/spec/containers").iter();
    let largest = containers.filter_map(|c| Some((amount(c)?, c["name"].as_str()?))).max_by(|a, b| a.0.total_cmp(&b.0));
    let finding = match largest {
        Some((most, name)) if settable && room > 0.0 && most - (wanted - room) > 0.0 => finding.fix(
            text(
                "把请求降到放得下的大小（先确认程序够用）",
                "lower the request to what fits (if the program can live with it)",
            ),
            format!(
                "kubectl{} set resources {} -c {name} --requests={resource}={}",
                root.re.flag(),
                root.re.arg(),
                floor(resource, most - (wanted - room))
            ),
        ),
        _ => finding.fix(
            text("查看各节点的余量", "see what the nodes have left"),
            "kubectl describe nodes | grep -A9 'Allocated resources'",
        ),
    };
    let extended = !matches!(resource, "cpu" | "memory" | "ephemeral-storage");
    finding.advice(if extended {
        text(
            format!("加入提供 {resource} 的节点，或检查它的 device plugin 是否在运行"),
            format!("add a node that offers {resource}, or see whether its device plugin runs"),
        )
    } else {
        text(
            "或者扩容节点（更多或更大），或缩减其他工作负载",
            "or add nodes (more or larger), or scale other workloads down",
        )
    })
}

pub fn too_many_pods(evidence: &Evidence, pod: &Object) -> Finding {
    let root = evidence.root(pod);
    let full = evidence.kind("Node").filter(|n| fit::obstacles(evidence, pod, n).iter().all(is_room));
    let nodes: Vec<&Object> = full.take(3).collect();
    let list: Vec<String> =
        nodes.iter().map(|n| format!("{}: {}", n.name(), n.str("/status/allocatable/pods"))).collect();
    let list = list.join(", ");
    let statement = text(
        format!("节点的 Pod 数已达上限（{list}）"),
        format!("the nodes already hold as many pods as they may ({list})"),
    );
    Finding::new(Class::TooManyPods, &root.re, statement)
        .cites(nodes.first().map(|n| Cite::field(n, "/status/allocatable/pods")))
        .fix(
            text("看哪些 Pod 占着节点", "see which pods fill the nodes"),
            "kubectl get pods -A -o wide --sort-by=.spec.nodeName",
        )
        .advice(text(
            "扩容节点，或提高 kubelet 的 maxPods（需有足够的 Pod IP）",
            "add nodes, or raise the kubelet's maxPods (if there are pod addresses enough)",
        ))
}

/// An amount as people write it.
pub fn show(resource: &str, amount: f64) -> String {
    let bytes = matches!(resource, "memory" | "ephemeral-storage") || resource.starts_with("hugepages-");
    if !bytes {
        return if amount.fract() == 0.0 { format!("{amount}") } else { format!("{}m", (amount * 1000.0).round()) };
    }
    for (unit, size) in [("Ti", 1024f64.powi(4)), ("Gi", 1024f64.powi(3)), ("Mi", 1024f64.powi(2))] {
        if amount >= size {
            let tenths = (amount / size * 10.0).round() / 10.0;
            return format!("{tenths}{unit}");
        }
    }
    format!("{amount}")
}

/// The same, never more than the amount, and without fractions that a quantity cannot have.
fn floor(resource: &str, amount: f64) -> String {
    match resource {
        "cpu" => format!("{}m", (amount * 1000.0).floor()),
        "memory" | "ephemeral-storage" => format!("{}Mi", (amount / 1024f64.powi(2)).floor()),
        _ => format!("{}", amount.floor()),
    }
}
