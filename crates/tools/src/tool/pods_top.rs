//! `pods_top`: what pods use, as metrics-server says.

use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::{flag, text};
use crate::context::Context;
use crate::page::{Line, first};
use crate::read::{Reader, Selectors, segment};
use crate::shape;
use crate::trouble::Trouble;
use crate::usage::{Usage, cores, mebibytes, metrics};
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "pods_top",
    title: "Pods: top",
    description: "CPU and memory in use by pods, the hungriest first.",
    class: Class::R,
    set: Set::Core,
    cluster_aware: true,
    input,
    output: shape::items,
    old_spellings: &[("allNamespaces", "all_namespaces"), ("labelSelector", "label_selector")],
    call,
};

fn input() -> Value {
    shape::input(
        &[],
        &[
            ("all_namespaces", json!({"type": "boolean", "default": true})),
            ("namespace", shape::text()),
            ("name", shape::text()),
            ("label_selector", shape::text()),
        ],
    )
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let asked = text(&arguments, "namespace");
        let name = text(&arguments, "name");
        // a namespace or a name says where to look, whatever the default of the flag is
        let everywhere = asked.is_none() && name.is_none() && flag(&arguments, "all_namespaces", true);
        let namespace = if everywhere { "" } else { reader.namespace_or_own(asked)? };
        let selectors = Selectors { labels: text(&arguments, "label_selector"), fields: None };
        let mut used =
            metrics(&reader, "pods", namespace, name.map(|n| segment("name", n)).transpose()?, selectors).await?;
        used.sort_by(|a, b| {
            b.memory.total_cmp(&a.memory).then_with(|| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)))
        });
        Ok(told(context, namespace, &used))
    }
    .boxed()
}

fn told(context: &Context, namespace: &str, used: &[Usage]) -> Answer {
    let line = |(at, usage): (usize, &Usage)| {
        let name =
            if namespace.is_empty() { format!("{}/{}", usage.namespace, usage.name) } else { usage.name.clone() };
        let parts = match usage.containers.as_slice() {
            [] | [_] => String::new(),
            several => {
                let each =
                    several.iter().map(|(name, cpu, memory)| format!("{name} {} {}", cores(*cpu), mebibytes(*memory)));
                format!(" ({})", each.collect::<Vec<_>>().join(", "))
            }
        };
        let text = format!("{name} {} {}{parts}", cores(usage.cpu), mebibytes(usage.memory));
        Line { text, items: vec![at], ..Line::default() }
    };
    let lines: Vec<Line> = used.iter().enumerate().map(line).collect();
    let (cpu, memory) = used.iter().fold((0.0, 0.0), |(cpu, memory), u| (cpu + u.cpu, memory + u.memory));
    let name = if namespace.is_empty() { "NAMESPACE/NAME" } else { "NAME" };
    let title = format!("{} pods, together {} CPU, {}\n{name} CPU MEMORY", used.len(), cores(cpu), mebibytes(memory));
    let page = first(&title, &lines, context.room, "namespace, name or label_selector");
    let item = |at: &usize| {
        let usage = &used[*at];
        json!({"namespace": usage.namespace, "name": usage.name, "cpu": cores(usage.cpu), "memory": mebibytes(usage.memory)})
    };
    let items: Vec<Value> = page.items.iter().map(item).collect();
    Answer::new(page.text, json!({"items": items, "total": used.len()}))
}
