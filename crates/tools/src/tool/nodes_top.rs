//! `nodes_top`: what nodes use, as metrics-server says.

use std::collections::BTreeMap;

use diagnose::{Object, quantity};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::text;
use crate::context::Context;
use crate::kind::resolve;
use crate::page::{Line, first};
use crate::read::{Reader, Selectors};
use crate::shape;
use crate::trouble::Trouble;
use crate::usage::{Usage, cores, mebibytes, metrics};
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "nodes_top",
    title: "Nodes: top",
    description: "CPU and memory in use by nodes, the fullest first.",
    class: Class::R,
    set: Set::Core,
    cluster_aware: true,
    input,
    output: shape::items,
    old_spellings: &[("labelSelector", "label_selector")],
    call,
};

fn input() -> Value {
    shape::input(&[], &[("name", shape::text()), ("label_selector", shape::text())])
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let selectors = Selectors { labels: text(&arguments, "label_selector"), fields: None };
        let kind = resolve(context, Some("v1"), "Node").await?;
        let used = metrics(&reader, "nodes", "", text(&arguments, "name"), selectors);
        let (used, nodes) = futures::join!(used, reader.list(&kind, "", Selectors::default()));
        Ok(told(context, used?, &nodes?.objects))
    }
    .boxed()
}

fn told(context: &Context, used: Vec<Usage>, nodes: &[Object]) -> Answer {
    let room: BTreeMap<&str, (f64, f64)> = nodes
        .iter()
        .map(|node| {
            let of =
                |resource: &str| quantity::parse(node.str(&format!("/status/allocatable/{resource}"))).unwrap_or(0.0);
            (node.name(), (of("cpu"), of("memory")))
        })
        .collect();
    let share = |used: f64, all: f64| if all > 0.0 { (used / all * 100.0).round() as i64 } else { -1 };
    let mut rows: Vec<(i64, i64, Usage)> = used
        .into_iter()
        .map(|usage| {
            let (cpu, memory) = room.get(usage.name.as_str()).copied().unwrap_or_default();
            (share(usage.cpu, cpu), share(usage.memory, memory), usage)
        })
        .collect();
    rows.sort_by(|a, b| (b.0.max(b.1), &a.2.name).cmp(&(a.0.max(a.1), &b.2.name)));
    let percent = |share: i64| if share < 0 { "-".to_owned() } else { format!("{share}%") };
    let line = |(at, (cpu, memory, usage)): (usize, &(i64, i64, Usage))| {
        let text = format!(
            "{} {} {} {} {}",
            usage.name,
            cores(usage.cpu),
            percent(*cpu),
            mebibytes(usage.memory),
            percent(*memory)
        );
        Line { text, items: vec![at], ..Line::default() }
    };
    let lines: Vec<Line> = rows.iter().enumerate().map(line).collect();
    let page = first("NAME CPU CPU% MEMORY MEMORY%", &lines, context.room, "name or label_selector");
    let item = |at: &usize| {
        let (cpu, memory, usage) = &rows[*at];
        json!({"name": usage.name, "cpu": cores(usage.cpu), "cpuPercent": cpu, "memory": mebibytes(usage.memory), "memoryPercent": memory})
    };
    let items: Vec<Value> = page.items.iter().map(item).collect();
    Answer::new(page.text, json!({"items": items, "total": rows.len()}))
}
