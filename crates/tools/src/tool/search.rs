//! `search`: objects by a piece of their name, over many kinds and all namespaces.

use diagnose::near;
use futures::FutureExt;
use futures::future::{BoxFuture, join_all};
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::{required, text};
use crate::context::Context;
use crate::kind::{Kind, built_in, resolve};
use crate::page::{Line, first};
use crate::read::{Reader, segment};
use crate::shape;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "search",
    title: "Search",
    description: "Find objects by part of their name when kind or namespace is unknown.",
    class: Class::R,
    set: Set::Ours,
    cluster_aware: true,
    input,
    output: shape::items,
    old_spellings: &[("query", "name")],
    call,
};

/// Kinds that people look for by name. Whatever else there is, is found by its kind.
const KINDS: [&str; 20] = [
    "Pod",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Job",
    "CronJob",
    "Service",
    "Ingress",
    "ConfigMap",
    "Secret",
    "PersistentVolumeClaim",
    "PersistentVolume",
    "StorageClass",
    "ServiceAccount",
    "HorizontalPodAutoscaler",
    "NetworkPolicy",
    "Namespace",
    "Node",
    "CustomResourceDefinition",
];

fn input() -> Value {
    shape::input(&["name"], &[("name", shape::text()), ("kind", shape::text()), ("namespace", shape::text())])
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let wanted = required(&arguments, "name")?.to_lowercase();
        let namespace = text(&arguments, "namespace").map_or(Ok(""), |asked| segment("namespace", asked))?;
        let kinds: Vec<Kind> = match text(&arguments, "kind") {
            Some(kind) => vec![resolve(context, None, kind).await?],
            None => KINDS
                .iter()
                .filter_map(|kind| built_in(kind))
                .filter(|k| namespace.is_empty() || k.namespaced)
                .collect(),
        };
        let lists = join_all(kinds.iter().map(|kind| reader.names(kind, namespace))).await;
        let mut unread = Vec::new();
        let mut found: Vec<(usize, usize, String, String)> = Vec::new();
        let mut near: Vec<(usize, usize, String, String)> = Vec::new();
        for (order, (kind, names)) in kinds.iter().zip(lists).enumerate() {
            let names = match names {
                Ok(names) => names,
                Err(_) => {
                    unread.push(kind.plural.as_ref());
                    continue;
                }
            };
            for (at, name) in names {
                match rank(&wanted, &name.to_lowercase()) {
                    Some(rank) => found.push((rank, order, at, name)),
                    None => {
                        near.extend(near::distance(&wanted, &name.to_lowercase()).map(|far| (far, order, at, name)))
                    }
                }
            }
        }
        if found.is_empty() {
            near.sort();
            near.truncate(10);
            let near = near.into_iter().map(|(_, order, at, name)| shown(&kinds[order], &at, &name)).collect();
            return Err(Trouble::NotFound { what: format!("an object named like {wanted}"), near });
        }
        found.sort();
        let place = |at: usize| shown(&kinds[found[at].1], &found[at].2, &found[at].3);
        let lines: Vec<Line> =
            (0..found.len()).map(|at| Line { text: place(at), items: vec![at], ..Line::default() }).collect();
        let mut title = format!("{} objects", found.len());
        if !unread.is_empty() {
            title.push_str(&format!("; not readable: {}", unread.join(", ")));
        }
        let page = first(&title, &lines, context.room, "kind or namespace");
        let item =
            |at: &usize| json!({"kind": kinds[found[*at].1].name, "namespace": found[*at].2, "name": found[*at].3});
        let items: Vec<Value> = page.items.iter().map(item).collect();
        Ok(Answer::new(page.text, json!({"items": items, "total": found.len()})))
    }
    .boxed()
}

/// The same name before a beginning before a piece.
fn rank(wanted: &str, name: &str) -> Option<usize> {
    match name.find(wanted)? {
        0 if name.len() == wanted.len() => Some(0),
        0 => Some(1),
        _ => Some(2),
    }
}

fn shown(kind: &Kind, namespace: &str, name: &str) -> String {
    if namespace.is_empty() { format!("{} {name}", kind.name) } else { format!("{} {namespace}/{name}", kind.name) }
}
