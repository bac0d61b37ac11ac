//! `events_list`: what happened, alike events as one line, warnings and the newest first.

use diagnose::event::Event;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::age::age;
use crate::answer::Answer;
use crate::arguments::{cursor, text};
use crate::context::Context;
use crate::events::{Group, group};
use crate::kind::resolve;
use crate::page::{Line, ends, page};
use crate::read::{Reader, Selectors, segment};
use crate::shape;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "events_list",
    title: "Events",
    description: "Events (warnings first), alike ones grouped. Without namespace: all namespaces.",
    class: Class::R,
    set: Set::Core,
    cluster_aware: true,
    input,
    output: shape::items,
    old_spellings: &[("field_selector", "fieldSelector")],
    call,
};

fn input() -> Value {
    shape::input(
        &[],
        &[
            ("namespace", shape::text()),
            ("fieldSelector", shape::said("e.g. involvedObject.name=x")),
            ("cursor", shape::text()),
        ],
    )
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let kind = resolve(context, Some("v1"), "Event").await?;
        let namespace = text(&arguments, "namespace").map_or(Ok(""), |asked| segment("namespace", asked))?;
        let selectors = Selectors { labels: None, fields: text(&arguments, "fieldSelector") };
        let listed = reader.list(&kind, namespace, selectors).await?;
        let events: Vec<Event> = listed.objects.iter().filter_map(|object| Event::new(&object.value)).collect();
        if events.is_empty()
            && !namespace.is_empty()
            && let Some(trouble) = reader.missing_namespace(namespace).await
        {
            return Err(trouble);
        }
        Ok(told(context, &group(&events), events.len(), namespace, cursor(&arguments)?))
    }
    .boxed()
}

fn told(context: &Context, groups: &[Group], total: usize, namespace: &str, cursor: usize) -> Answer {
    let place = if namespace.is_empty() { "all namespaces".to_owned() } else { namespace.to_owned() };
    let lines: Vec<Line> = groups
        .iter()
        .enumerate()
        .map(|(at, group)| Line { text: line(context, group, namespace), items: vec![at], ..Line::default() })
        .collect();
    let title = match total {
        0 => format!("no events in {place} (the API server keeps them for an hour)"),
        _ => format!("{total} events in {place}, {} groups", groups.len()),
    };
    let page = page(
        &title,
        &lines,
        cursor,
        context.room,
        "namespace or fieldSelector (type=Warning, involvedObject.name=...)",
    );
    let items: Vec<Value> = page.items.iter().map(|at| item(&groups[*at])).collect();
    let mut data = json!({"items": items, "total": total});
    if let Some(next) = page.next {
        data["cursor"] = next.to_string().into();
    }
    Answer::new(page.text, data)
}

fn line(context: &Context, group: &Group, namespace: &str) -> String {
    let warning = if group.warning { "Warning " } else { "" };
    let times = if group.times > 1 { format!(" x{}", group.times) } else { String::new() };
    let mut names =
        group.objects.iter().map(|object| if namespace.is_empty() { object.path() } else { object.name.clone() });
    let first = names.next().unwrap_or_default();
    let more = match group.objects.len() {
        1 => String::new(),
        n => format!(" and {} more", n - 1),
    };
    let last = age(group.last, context.now);
    format!("{warning}{}{times}, {last} ago, {} {first}{more}: {}", group.reason, group.kind, ends(&group.message, 320))
}

fn item(group: &Group) -> Value {
    let objects: Vec<String> = group.objects.iter().take(20).map(|object| object.path()).collect();
    json!({"type": if group.warning { "Warning" } else { "Normal" }, "reason": group.reason, "kind": group.kind,
        "objects": objects, "objectCount": group.objects.len(), "count": group.times, "first": group.first,
        "last": group.last, "message": ends(&group.message, 320)})
}
