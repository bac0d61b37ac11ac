//! `nodes_stats_summary`: what a node and its pods use, as the kubelet says, with pressure where it measures it.

use diagnose::object::text;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::nodes_log::refused;
use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::required;
use crate::context::Context;
use crate::kind::resolve;
use crate::page::{Line, first};
use crate::read::Reader;
use crate::shape;
use crate::trouble::Trouble;
use crate::usage::{cores, mebibytes};
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "nodes_stats_summary",
    title: "Nodes: stats",
    description: "Kubelet's figures of a node and its pods: CPU, memory, disk, network, pressure.",
    class: Class::S,
    set: Set::Core,
    cluster_aware: true,
    input,
    output: shape::items,
    old_spellings: &[],
    call,
};

fn input() -> Value {
    shape::input(&["name"], &[("name", shape::text())])
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let kind = resolve(context, Some("v1"), "Node").await?;
        let node = reader.object(&kind, "", required(&arguments, "name")?).await?;
        let path = format!("/api/v1/nodes/{}/proxy/stats/summary", node.name());
        let stats = reader.json(&path).await.map_err(|error| refused(error, "stats/summary"))?;
        Ok(told(context, &stats))
    }
    .boxed()
}

fn number(value: &Value, pointer: &str) -> f64 {
    value.pointer(pointer).and_then(Value::as_f64).unwrap_or(0.0)
}

fn told(context: &Context, stats: &Value) -> Answer {
    let node = &stats["node"];
    let disk = |path: &str| {
        let (used, all) = (number(node, &format!("{path}/usedBytes")), number(node, &format!("{path}/capacityBytes")));
        format!("{} of {}", mebibytes(used), mebibytes(all))
    };
    let mut title = format!(
        "{}: CPU {}, memory {} (available {}), disk {}, images {}, network in {} out {}",
        text(node, "nodeName"),
        cores(number(node, "/cpu/usageNanoCores") / 1e9),
        mebibytes(number(node, "/memory/workingSetBytes")),
        mebibytes(number(node, "/memory/availableBytes")),
        disk("/fs"),
        disk("/runtime/imageFs"),
        mebibytes(number(node, "/network/rxBytes")),
        mebibytes(number(node, "/network/txBytes")),
    );
    for (what, pointer) in [("CPU", "/cpu/psi"), ("memory", "/memory/psi"), ("I/O", "/io/psi")] {
        if let Some(pressure) = node.pointer(pointer) {
            title.push_str(&format!(
                "\n{what} pressure: some {}% full {}% (10 s)",
                number(pressure, "/some/avg10"),
                number(pressure, "/full/avg10")
            ));
        }
    }
    let mut pods: Vec<&Value> = stats["pods"].as_array().into_iter().flatten().collect();
    let memory = |pod: &Value| number(pod, "/memory/workingSetBytes");
    let name = |pod: &Value| format!("{}/{}", text(&pod["podRef"], "namespace"), text(&pod["podRef"], "name"));
    pods.sort_by(|a, b| memory(b).total_cmp(&memory(a)).then_with(|| name(a).cmp(&name(b))));
    let row = |pod: &Value| {
        let (cpu, disk) = (number(pod, "/cpu/usageNanoCores") / 1e9, number(pod, "/ephemeral-storage/usedBytes"));
        (cores(cpu), mebibytes(memory(pod)), mebibytes(disk))
    };
    let line = |(at, pod): (usize, &&Value)| {
        let (cpu, memory, disk) = row(pod);
        Line { text: format!("{} {cpu} {memory} {disk}", name(pod)), items: vec![at], ..Line::default() }
    };
    let lines: Vec<Line> = pods.iter().enumerate().map(line).collect();
    let title = format!("{title}\n{} pods\nNAMESPACE/NAME CPU MEMORY DISK", pods.len());
    let page = first(&title, &lines, context.room, "pods_top with a namespace");
    let item = |at: &usize| {
        let (cpu, memory, disk) = row(pods[*at]);
        json!({"pod": name(pods[*at]), "cpu": cpu, "memory": memory, "disk": disk})
    };
    let items: Vec<Value> = page.items.iter().map(item).collect();
    Answer::new(page.text, json!({"node": text(node, "nodeName"), "items": items, "total": pods.len()}))
}
