//! `changes`: what changed in a namespace lately, and who changed it.

use std::collections::BTreeMap;

use diagnose::Object;
use diagnose::object::text;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::age::age;
use crate::answer::Answer;
use crate::arguments::{self, number};
use crate::columns::images;
use crate::context::Context;
use crate::diff::diff;
use crate::kind::{Kind, built_in};
use crate::page::{Line, first};
use crate::read::Reader;
use crate::shape;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "changes",
    title: "Changes",
    description: "What changed in a namespace in the last minutes: releases, images, configuration, by whom.",
    class: Class::R,
    set: Set::Ours,
    cluster_aware: true,
    input,
    output: shape::items,
    old_spellings: &[],
    call,
};

/// Kinds whose changes people make, with or without a tool between.
const KINDS: [&str; 17] = [
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "Job",
    "CronJob",
    "ConfigMap",
    "Secret",
    "Service",
    "Ingress",
    "NetworkPolicy",
    "PersistentVolumeClaim",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
    "ResourceQuota",
    "LimitRange",
    "ServiceAccount",
];

fn input() -> Value {
    shape::input(
        &["namespace"],
        &[("namespace", shape::text()), ("minutes", json!({"type": "integer", "minimum": 1, "default": 60}))],
    )
}

/// One thing that happened to an object.
struct Event {
    time: Timestamp,
    object: String,
    what: String,
    who: String,
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let namespace = reader.namespace_or_own(arguments::text(&arguments, "namespace"))?;
        let minutes = number(&arguments, "minutes").unwrap_or(60).clamp(1, 60 * 24 * 30);
        let since = context.now.checked_sub(SignedDuration::from_mins(minutes as i64)).unwrap_or(Timestamp::MIN);
        let kinds: Vec<Kind> = KINDS.iter().filter_map(|kind| built_in(kind)).collect();
        let (objects, gaps) = reader.lists(&kinds, namespace).await;
        if objects.is_empty()
            && let Some(trouble) = reader.missing_namespace(namespace).await
        {
            return Err(trouble);
        }
        let mut events: Vec<Event> = objects.iter().flat_map(|object| happened(object, since)).collect();
        events.extend(releases(&objects, since));
        events.sort_by(|a, b| (b.time, &a.object, &a.what).cmp(&(a.time, &b.object, &b.what)));
        Ok(told(context, namespace, minutes, &events, &gaps))
    }
    .boxed()
}

fn told(context: &Context, namespace: &str, minutes: u64, events: &[Event], gaps: &[String]) -> Answer {
    let line = |(at, event): (usize, &Event)| {
        let by = if event.who.is_empty() { String::new() } else { format!(" by {}", event.who) };
        let text = format!("{} ago {} {}{by}", age(Some(event.time), context.now), event.object, event.what);
        Line { text, items: vec![at], ..Line::default() }
    };
    let lines: Vec<Line> = events.iter().enumerate().map(line).collect();
    let mut title = match events.len() {
        0 => format!("nothing changed in {namespace} in the last {minutes} minutes"),
        n => format!("{n} changes in {namespace} in the last {minutes} minutes, the newest first"),
    };
    if let Some(gap) = gaps.first() {
        title.push_str(&format!("\n{} kinds were not readable, e.g. {gap}", gaps.len()));
    }
    let page = first(&title, &lines, context.room, "fewer minutes");
    let item = |at: &usize| {
        let Event { time, object, what, who } = &events[*at];
        json!({"time": time, "object": object, "what": what, "by": who})
    };
    let items: Vec<Value> = page.items.iter().map(item).collect();
    Answer::new(page.text, json!({"items": items, "total": events.len()}))
}

/// What the object's own record of field owners says, without what its controllers write into the status.
fn happened(object: &Object, since: Timestamp) -> Vec<Event> {
    let name = format!("{}/{}", object.kind().to_lowercase(), object.name());
    let event = |time, what: String, who: &str| Event { time, object: name.clone(), what, who: who.to_owned() };
    // what a controller made is told of its owner
    let derived = object.owner().is_some() || object.kind() == "ReplicaSet";
    let mut events = Vec::new();
    let created = object.created();
    if let Some(time) = created.filter(|time| *time >= since && !derived) {
        let by = object.list("/metadata/managedFields").iter().min_by_key(|entry| text(entry, "time"));
        events.push(event(time, "created".to_owned(), by.map(|entry| text(entry, "manager")).unwrap_or_default()));
    }
    if let Some(time) = object.deleting_since().filter(|time| *time >= since) {
        events.push(event(time, "deletion asked for".to_owned(), ""));
    }
    for entry in object.list("/metadata/managedFields").iter().filter(|_| !derived) {
        let Ok(time) = text(entry, "time").parse::<Timestamp>() else { continue };
        let with_creation = created.is_some_and(|created| time.duration_since(created) < SignedDuration::from_secs(2));
        if time < since || text(entry, "subresource") == "status" || with_creation {
            continue;
        }
        let fields = owned_fields(&entry["fieldsV1"]);
        if fields.is_empty() {
            continue;
        }
        let more = if fields.len() > 4 { format!(" and {} more", fields.len() - 4) } else { String::new() };
        let shown = fields.iter().take(4).cloned().collect::<Vec<_>>().join(", ");
        let how = if text(entry, "subresource") == "scale" { "scaled" } else { "written" };
        events.push(event(time, format!("{how}: {shown}{more}"), text(entry, "manager")));
    }
    events
}

/// The fields that an entry of managedFields names, shortened to where people look.
fn owned_fields(fields: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(fields, &mut Vec::new(), &mut found);
    found.retain(|path: &String| !path.starts_with("status") && !path.contains("last-applied-configuration"));
    found.dedup();
    found
}

/// How deep a path is told.
const DEPTH: usize = 7;

fn walk(fields: &Value, path: &mut Vec<String>, found: &mut Vec<String>) {
    let children = fields.as_object().into_iter().flatten().filter(|(key, _)| *key != ".");
    let mut any = false;
    for (key, child) in children {
        any = true;
        path.push(step(key));
        if path.len() >= DEPTH {
            found.push(path.concat().trim_start_matches('.').to_owned())
        } else {
            walk(child, path, found)
        }
        path.pop();
    }
    if !any && !path.is_empty() {
        found.push(path.concat().trim_start_matches('.').to_owned());
    }
}

/// `f:replicas` is a field, `k:{"name":"web"}` an element by its key, `v:"x"` an element by its value.
fn step(key: &str) -> String {
    if let Some(field) = key.strip_prefix("f:") {
        return if field.contains(['.', '/']) { format!("[{field}]") } else { format!(".{field}") };
    }
    let element: Option<Value> = key.strip_prefix("k:").and_then(|key| serde_json::from_str(key).ok());
    let name = element.as_ref().and_then(|key| key.as_object()?.values().next().cloned());
    match name {
        Some(Value::String(name)) => format!("[{name}]"),
        Some(other) => format!("[{other}]"),
        None => format!("[{}]", key.trim_start_matches("v:").trim_matches('"')),
    }
}

/// A new ReplicaSet is a release: what differs from the one before.
fn releases(objects: &[Object], since: Timestamp) -> Vec<Event> {
    let mut sets: BTreeMap<String, Vec<&Object>> = BTreeMap::new();
    for set in objects.iter().filter(|object| object.kind() == "ReplicaSet") {
        let Some(owner) = set.owner().filter(|owner| owner.kind == "Deployment") else { continue };
        sets.entry(owner.name).or_default().push(set);
    }
    let mut events = Vec::new();
    for (deployment, mut sets) in sets {
        let number = |set: &Object| set.annotation("deployment.kubernetes.io/revision").parse::<i64>().unwrap_or(0);
        sets.sort_by_key(|set| (number(set), set.created()));
        for (at, set) in sets.iter().enumerate() {
            let Some(time) = set.created().filter(|time| *time >= since) else { continue };
            let before = at.checked_sub(1).and_then(|before| sets.get(before));
            let what = match before {
                None => format!("revision {}: {}", number(set), all(&images(set.at("/spec/template")))),
                Some(before) => {
                    let (old, new) = (before.at("/spec/template"), set.at("/spec/template"));
                    let differences = diff(old, new);
                    let lines = differences.iter().filter(|d| !d.path.contains("pod-template-hash")).take(4);
                    let lines: Vec<String> = lines.map(|d| d.line()).collect();
                    let what = if lines.is_empty() { "the same template".to_owned() } else { lines.join("; ") };
                    format!("revision {}: {what}", number(set))
                }
            };
            events.push(Event { time, object: format!("deployment/{deployment}"), what, who: String::new() });
        }
    }
    events
}

fn all(images: &[(String, String)]) -> String {
    images.iter().map(|(name, image)| format!("{name}={image}")).collect::<Vec<_>>().join(" ")
}
