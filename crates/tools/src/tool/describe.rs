//! `describe`: an object with what it refers to, what refers to it, its events, and its state in words.

use diagnose::collect::{Brief, Options, collect};
use diagnose::event::Event;
use diagnose::graph::references;
use diagnose::{Evidence, Object, ObjectRef, Target};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::age::age;
use crate::answer::Answer;
use crate::columns::{conditions, layout};
use crate::context::Context;
use crate::events::group;
use crate::kind::{Kind, built_in};
use crate::page::{ends, short};
use crate::pods::Rank;
use crate::shape;
use crate::target::object;
use crate::trim::trim;
use crate::trouble::Trouble;
use crate::yaml;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "describe",
    title: "Describe",
    description: "An object in words: state, owner, what it uses, what uses it, events.",
    class: Class::R,
    set: Set::Ours,
    cluster_aware: true,
    input,
    output: shape::object,
    old_spellings: &[],
    call,
};

/// Related objects and event groups that are told.
const RELATED: usize = 30;
const EVENTS: usize = 12;

fn input() -> Value {
    shape::input(&["object"], &[("object", shape::said("kind/name")), ("namespace", shape::text())])
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let (kind, object) = object(context, &arguments).await?;
        let target = Target::Object(object.re.clone());
        let brief = Brief { target, now: context.now, expression: None, prometheus: None };
        let options = Options { logs: 0, ..Options::object() };
        let evidence = collect(&context.cluster()?.client, brief, &options).await;
        Ok(told(context, &kind, &object, &evidence))
    }
    .boxed()
}

fn told(context: &Context, kind: &Kind, object: &Object, evidence: &Evidence) -> Answer {
    let mut text = format!("{}: {}\n", object.re, state(context, kind, object));
    let mut owner = object.owner();
    while let Some(re) = owner {
        text.push_str(&format!("owned by {re}\n"));
        owner = evidence.get(&re).and_then(Object::owner);
    }
    let uses = related(references(object).into_iter().map(|r| (r.to, r.field)), context, evidence);
    let used_by = related(users(object, evidence), context, evidence);
    let owns = related(evidence.owned(object).map(|o| (o.re.clone(), String::new())), context, evidence);
    for (title, list) in [("uses", &uses), ("used by", &used_by), ("owns", &owns)] {
        if list.is_empty() {
            continue;
        }
        text.push_str(&format!("{title}:\n"));
        list.iter().take(RELATED).for_each(|line| text.push_str(&format!("- {line}\n")));
        if list.len() > RELATED {
            text.push_str(&format!("- and {} more\n", list.len() - RELATED));
        }
    }
    let events: Vec<Event> = evidence.events(&object.re).to_vec();
    let groups = group(&events);
    text.push_str(if groups.is_empty() { "events: none\n" } else { "events:\n" });
    for group in groups.iter().take(EVENTS) {
        let warning = if group.warning { "Warning " } else { "" };
        let last = age(group.last, context.now);
        text.push_str(&format!(
            "- {warning}{} x{}, {last} ago: {}\n",
            group.reason,
            group.times,
            ends(&group.message, 300)
        ));
    }
    let trimmed = trim(object, context.now);
    text.push_str(&spec(&trimmed));
    let said: Vec<Value> = groups.iter().take(EVENTS).map(|g| json!({"reason": g.reason, "count": g.times, "last": g.last, "message": ends(&g.message, 300), "warning": g.warning})).collect();
    Answer::new(text, json!({"object": trimmed, "uses": uses, "usedBy": used_by, "owns": owns, "events": said}))
}

/// The columns of a list with their names, and what is wrong.
fn state(context: &Context, kind: &Kind, object: &Object) -> String {
    let created = age(object.created(), context.now);
    let Some(layout) = layout(kind) else {
        let (_, why) = conditions(object);
        return format!("{created} old{}{why}", if why.is_empty() { "" } else { ", " });
    };
    let row = layout.row(object, context.now);
    let cells = layout.header.iter().zip(&row.cells).filter(|(_, cell)| *cell != "-");
    let mut words: Vec<String> = cells.map(|(name, cell)| format!("{} {cell}", name.to_lowercase())).collect();
    words.push(format!("{created} old"));
    let why = if row.why.is_empty() { String::new() } else { format!("\nnot well: {}", short(&row.why, 400)) };
    format!("{}{why}", words.join(", "))
}

fn users(object: &Object, evidence: &Evidence) -> Vec<(ObjectRef, String)> {
    let mut users: Vec<(ObjectRef, String)> = Vec::new();
    for other in evidence.objects().filter(|other| other.re != object.re) {
        let found = references(other).into_iter().find(|reference| reference.to == object.re);
        users.extend(found.map(|reference| (other.re.clone(), reference.field)));
        let selects =
            matches!(other.kind(), "Service" | "PodDisruptionBudget" | "NetworkPolicy") && object.kind() == "Pod";
        if selects && selected(other, object, evidence) {
            users.push((other.re.clone(), "spec.selector".to_owned()));
        }
    }
    users
}

fn selected(by: &Object, pod: &Object, evidence: &Evidence) -> bool {
    if by.namespace() != pod.namespace() {
        return false;
    }
    match by.kind() {
        "Service" => evidence.selected(by.namespace(), by.at("/spec/selector")).iter().any(|found| found.re == pod.re),
        "NetworkPolicy" => diagnose::selector::matches(by.at("/spec/podSelector"), &pod.labels()),
        _ => diagnose::selector::matches(by.at("/spec/selector"), &pod.labels()),
    }
}

/// Each related object once, with its state where it was read, those in trouble first.
fn related(list: impl IntoIterator<Item = (ObjectRef, String)>, context: &Context, evidence: &Evidence) -> Vec<String> {
    let mut lines: Vec<(Rank, String)> = Vec::new();
    let mut seen = std::collections::BTreeSet::new();
    for (re, field) in list {
        if !seen.insert(re.clone()) {
            continue;
        }
        let by = if field.is_empty() { String::new() } else { format!(" ({field})") };
        let (rank, state) = match evidence.get(&re) {
            Some(object) => {
                let row = built_in(&re.kind).and_then(|kind| Some(layout(&kind)?.row(object, context.now)));
                match row {
                    Some(row) if row.rank < Rank::Well => {
                        (row.rank, format!(": {} {}", row.cells.join(" "), short(&row.why, 160)))
                    }
                    _ => (Rank::Well, String::new()),
                }
            }
            None if evidence.lookup(&re).is_absent() => (Rank::Failing, ": does not exist".to_owned()),
            None => (Rank::Well, String::new()),
        };
        lines.push((rank, format!("{re}{by}{}", state.trim_end())));
    }
    lines.sort();
    lines.into_iter().map(|(_, line)| line).collect()
}

/// What was asked for, as it stands in the object.
fn spec(trimmed: &Value) -> String {
    match trimmed.get("spec") {
        Some(spec) => yaml::write(&json!({"spec": spec})),
        None => String::new(),
    }
}
