//! `logs_search`: lines that match a pattern, over the pods of a namespace.

use diagnose::Object;
use diagnose::object::text as field;
use diagnose::pod::containers;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};
use regex::{Regex, RegexBuilder};
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::{flag, number, required, text};
use crate::context::Context;
use crate::fold::pattern;
use crate::kind::{Kind, resolve};
use crate::page::{Line, first, short};
use crate::read::{Reader, Selectors, encoded};
use crate::shape;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "logs_search",
    title: "Logs: search",
    description: "Log lines matching a regex over many pods; alike lines counted.",
    class: Class::R,
    set: Set::Ours,
    cluster_aware: true,
    input,
    output: shape::items,
    old_spellings: &[("label_selector", "labelSelector")],
    call,
};

/// Containers whose logs are read at most, at once, and bytes of each.
const CONTAINERS: usize = 60;
const AT_ONCE: usize = 8;
const BYTES: u64 = 2 << 20;
/// A compiled pattern may not take more memory than this.
const PATTERN: usize = 1 << 20;

fn input() -> Value {
    shape::input(
        &["pattern"],
        &[
            ("pattern", shape::text()),
            ("namespace", shape::text()),
            ("pod", shape::said("part of the name")),
            ("labelSelector", shape::text()),
            ("minutes", json!({"type": "integer", "minimum": 1, "default": 60})),
            ("previous", shape::flag()),
        ],
    )
}

/// One container's log to read.
struct Source {
    pod: String,
    container: String,
    path: String,
}

/// Alike lines of one container.
struct Hit {
    pod: String,
    container: String,
    time: String,
    line: String,
    times: usize,
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let wanted = RegexBuilder::new(required(&arguments, "pattern")?).size_limit(PATTERN).build();
        let wanted = wanted.map_err(|error| Trouble::unreadable("pattern", error.to_string()))?;
        let kind = resolve(context, Some("v1"), "Pod").await?;
        let namespace = reader.namespace_or_own(text(&arguments, "namespace"))?;
        let selectors = Selectors { labels: text(&arguments, "labelSelector"), fields: None };
        let mut pods = reader.list(&kind, namespace, selectors).await?.objects;
        if let Some(part) = text(&arguments, "pod") {
            pods.retain(|pod| pod.name().contains(part));
        }
        if pods.is_empty() {
            let missing = reader.missing_namespace(namespace).await;
            let what = format!("a pod to search in namespace {namespace}");
            return Err(missing.unwrap_or(Trouble::NotFound { what, near: Vec::new() }));
        }
        let minutes = number(&arguments, "minutes").unwrap_or(60).max(1);
        let (sources, left_out) = sources(&kind, &pods, minutes, flag(&arguments, "previous", false));
        let total = sources.len();
        let mut hits = Vec::new();
        let mut silent = 0;
        let logs = stream::iter(sources.into_iter().map(|source| async {
            let log = reader.text(&source.path).await;
            (source, log)
        }));
        // in the order of the pods, so that the same logs give the same answer
        let mut logs = std::pin::pin!(logs.buffered(AT_ONCE));
        let mut done = 0.0;
        while let Some((source, log)) = logs.next().await {
            done += 1.0;
            context.progress.report(done, Some(total as f64), format!("searched {}", source.pod));
            match log {
                Ok(log) => find(&wanted, &source, &log, &mut hits),
                Err(_) => silent += 1,
            }
        }
        Ok(told(context, namespace, total, left_out, silent, hits))
    }
    .boxed()
}

/// Unwell containers first: what one looks for is mostly there.
fn sources(kind: &Kind, pods: &[Object], minutes: u64, previous: bool) -> (Vec<Source>, usize) {
    let mut all: Vec<(bool, Source)> = Vec::new();
    for pod in pods {
        for container in containers(pod)
            .filter(|c| c.status.is_none_or(|s| field(&s["state"]["waiting"], "reason") != "ContainerCreating"))
        {
            let previous = if previous { "&previous=true" } else { "" };
            let base = kind.object_path(pod.namespace(), pod.name());
            let name = encoded(container.name);
            let path = format!(
                "{base}/log?timestamps=true&sinceSeconds={}&limitBytes={BYTES}&container={name}{previous}",
                minutes * 60
            );
            let well = container.ready() && container.restarts() == 0;
            all.push((well, Source { pod: pod.name().to_owned(), container: container.name.to_owned(), path }));
        }
    }
    all.sort_by(|a, b| (a.0, &a.1.pod, &a.1.container).cmp(&(b.0, &b.1.pod, &b.1.container)));
    let left_out = all.len().saturating_sub(CONTAINERS);
    all.truncate(CONTAINERS);
    (all.into_iter().map(|(_, source)| source).collect(), left_out)
}

fn find(wanted: &Regex, source: &Source, log: &str, hits: &mut Vec<Hit>) {
    let from = hits.len();
    for line in log.lines() {
        // a recorded log has no times before its lines
        let (time, said) =
            line.split_once(' ').filter(|(time, _)| time.parse::<jiff::Timestamp>().is_ok()).unwrap_or(("", line));
        if !wanted.is_match(said) {
            continue;
        }
        let alike = hits[from..].iter_mut().find(|hit| pattern(&hit.line) == pattern(said));
        match alike {
            Some(hit) => {
                hit.times += 1;
                time.clone_into(&mut hit.time);
                said.clone_into(&mut hit.line);
            }
            None => hits.push(Hit {
                pod: source.pod.clone(),
                container: source.container.clone(),
                time: time.to_owned(),
                line: said.to_owned(),
                times: 1,
            }),
        }
    }
}

fn told(context: &Context, namespace: &str, total: usize, left_out: usize, silent: usize, hits: Vec<Hit>) -> Answer {
    let lines: usize = hits.iter().map(|hit| hit.times).sum();
    let mut title = format!("{lines} lines in {total} containers of {namespace}");
    if silent > 0 {
        title.push_str(&format!(", {silent} without a log"));
    }
    if left_out > 0 {
        title.push_str(&format!(", {left_out} not searched: give pod or labelSelector"));
    }
    let line = |(at, hit): (usize, &Hit)| {
        let times = if hit.times > 1 { format!(" x{}", hit.times) } else { String::new() };
        let time = hit.time.split('.').next().unwrap_or_default();
        let text = format!("{time}{times} {}", short(&hit.line, 300)).trim_start().to_owned();
        Line { heading: format!("{}/{}:", hit.pod, hit.container), text, items: vec![at] }
    };
    let all: Vec<Line> = hits.iter().enumerate().map(line).collect();
    let page = first(&title, &all, context.room, "pod, minutes or a closer pattern");
    let item = |at: &usize| {
        let hit = &hits[*at];
        json!({"pod": hit.pod, "container": hit.container, "time": hit.time, "count": hit.times, "line": short(&hit.line, 300)})
    };
    let items: Vec<Value> = page.items.iter().map(item).collect();
    Answer::new(page.text, json!({"items": items, "total": lines}))
}
