//! `helm_list`: Helm's releases, from the Secrets or ConfigMaps in which Helm keeps them.

use std::collections::BTreeMap;

use diagnose::Object;
use diagnose::object::text as field;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::age::age;
use crate::answer::Answer;
use crate::arguments::{flag, text};
use crate::context::Context;
use crate::kind::resolve;
use crate::page::{Line, first};
use crate::read::{Reader, Selectors};
use crate::shape;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "helm_list",
    title: "Helm: list",
    description: "Helm releases: chart, version, status.",
    class: Class::S,
    set: Set::Helm,
    cluster_aware: true,
    input,
    output: shape::items,
    old_spellings: &[("allNamespaces", "all_namespaces")],
    call,
};

fn input() -> Value {
    shape::input(&[], &[("namespace", shape::text()), ("all_namespaces", shape::flag())])
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let everywhere = flag(&arguments, "all_namespaces", false);
        let namespace = if everywhere { "" } else { reader.namespace_or_own(text(&arguments, "namespace"))? };
        let releases = releases(context, &reader, namespace).await?;
        Ok(told(context, namespace, &releases))
    }
    .boxed()
}

/// The newest revision of each release that is not replaced by another.
async fn releases(context: &Context, reader: &Reader<'_>, namespace: &str) -> Result<Vec<Object>, Trouble> {
    let selectors = Selectors { labels: Some("owner=helm,status!=superseded"), fields: None };
    let (secrets, maps) =
        (resolve(context, Some("v1"), "Secret").await?, resolve(context, Some("v1"), "ConfigMap").await?);
    let (secrets, maps) =
        futures::join!(reader.list(&secrets, namespace, selectors), reader.list(&maps, namespace, selectors));
    // Helm keeps its releases in one of the two, and a reader may see only one
    let kept = match (secrets, maps) {
        (Ok(secrets), Ok(maps)) => [secrets.objects, maps.objects].concat(),
        (Ok(one), Err(_)) | (Err(_), Ok(one)) if !one.objects.is_empty() => one.objects,
        (Err(trouble), _) | (_, Err(trouble)) => return Err(trouble),
    };
    let mut newest: BTreeMap<(String, String), Object> = BTreeMap::new();
    for object in kept {
        let name = object.str("/metadata/labels/name").to_owned();
        let key = (object.namespace().to_owned(), name);
        let newer = newest.get(&key).is_none_or(|known| revision(known) < revision(&object));
        if newer {
            newest.insert(key, object);
        }
    }
    Ok(newest.into_values().collect())
}

fn revision(object: &Object) -> i64 {
    object.str("/metadata/labels/version").parse().unwrap_or(0)
}

fn told(context: &Context, namespace: &str, releases: &[Object]) -> Answer {
    let place = if namespace.is_empty() { "all namespaces" } else { namespace };
    let mut rows: Vec<(bool, Value)> = releases.iter().map(|object| (well(object), item(object))).collect();
    let key = |item: &Value| (field(item, "namespace").to_owned(), field(item, "name").to_owned());
    rows.sort_by_key(|row| (row.0, key(&row.1)));
    let line = |(at, (_, row)): (usize, &(bool, Value))| {
        let updated = field(row, "lastDeployed").parse::<Timestamp>().ok();
        let text = format!(
            "{}/{} {} {}-{} {} r{} {}",
            field(row, "namespace"),
            field(row, "name"),
            field(row, "status"),
            or_dash(field(row, "chart")),
            or_dash(field(row, "version")),
            or_dash(field(row, "appVersion")),
            row["revision"],
            age(updated, context.now)
        );
        Line { text, items: vec![at], ..Line::default() }
    };
    let lines: Vec<Line> = rows.iter().enumerate().map(line).collect();
    let title = match rows.len() {
        0 => format!("no Helm releases in {place}"),
        n => format!("{n} Helm releases in {place}\nNAMESPACE/NAME STATUS CHART APP REVISION UPDATED"),
    };
    let page = first(&title, &lines, context.room, "namespace");
    let items: Vec<&Value> = page.items.iter().map(|at| &rows[*at].1).collect();
    Answer::new(page.text, json!({"items": items, "total": rows.len()}))
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn well(object: &Object) -> bool {
    object.str("/metadata/labels/status") == "deployed"
}

/// What the gate read out of the release; the labels where it could not.
fn item(object: &Object) -> Value {
    let told: Value = serde_json::from_str(object.annotation(cluster::RELEASE)).unwrap_or_default();
    let known = |key: &str, label: &str| match told[key].as_str() {
        Some(text) => text.to_owned(),
        None => object.str(label).to_owned(),
    };
    json!({"namespace": object.namespace(), "name": known("name", "/metadata/labels/name"),
        "status": known("status", "/metadata/labels/status"), "revision": revision(object),
        "chart": told["chart"], "version": told["version"], "appVersion": told["appVersion"],
        "lastDeployed": told["lastDeployed"], "valuesGiven": told["valuesGiven"]})
}
