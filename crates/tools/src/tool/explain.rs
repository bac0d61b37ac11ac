//! `explain`: the schema of a kind or of one of its fields, from the cluster's own OpenAPI.

use diagnose::near;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::{required, text};
use crate::context::Context;
use crate::kind::{Kind, resolve};
use crate::page::{Line, first, short};
use crate::read::Reader;
use crate::shape;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "explain",
    title: "Explain",
    description: "Fields of a kind, or of one field (e.g. spec.strategy), as this cluster knows them.",
    class: Class::R,
    set: Set::Ours,
    cluster_aware: true,
    input,
    output: shape::object,
    old_spellings: &[("api_version", "apiVersion"), ("path", "field")],
    call,
};

fn input() -> Value {
    shape::input(&["kind"], &[("kind", shape::text()), ("field", shape::text()), ("apiVersion", shape::text())])
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let kind = resolve(context, text(&arguments, "apiVersion"), required(&arguments, "kind")?).await?;
        let root = if kind.group().is_empty() { "api" } else { "apis" };
        let path = format!("/openapi/v3/{root}/{}", kind.api_version);
        let document = reader.json(&path).await.map_err(|error| Trouble::from_kube(error, "get", &path, None))?;
        let schema = of_kind(&document, &kind).ok_or_else(|| Trouble::Missing {
            what: format!("This cluster gives no schema of {} {}.", kind.api_version, kind.name),
            how: "A recorded cluster has none.".to_owned(),
        })?;
        let field = text(&arguments, "field").unwrap_or_default();
        let found = descend(&document, schema, field)?;
        Ok(told(context, &document, &kind, field, found))
    }
    .boxed()
}

fn of_kind<'a>(document: &'a Value, kind: &Kind) -> Option<&'a Value> {
    let (group, version) = (kind.group(), kind.api_version.rsplit('/').next().unwrap_or_default());
    let schemas = document.pointer("/components/schemas")?.as_object()?;
    schemas.values().find(|schema| {
        let names = schema["x-kubernetes-group-version-kind"].as_array();
        names
            .into_iter()
            .flatten()
            .any(|n| n["group"] == group && n["version"] == version && n["kind"] == kind.name.as_ref())
    })
}

/// The schema itself where another one is referred to.
fn followed<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let mut current = schema;
    for _ in 0..8 {
        let reference = current["$ref"].as_str().or_else(|| current.pointer("/allOf/0/$ref").and_then(Value::as_str));
        let Some(name) = reference.and_then(|reference| reference.rsplit('/').next()) else { break };
        match document["components"]["schemas"].get(name) {
            Some(next) => current = next,
            None => break,
        }
    }
    current
}

/// The fields of a schema, also of the elements of a list or the values of a map.
fn inner<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let mut schema = followed(document, schema);
    while let Some(next) =
        schema.get("items").or_else(|| schema.get("additionalProperties")).filter(|next| next.is_object())
    {
        schema = followed(document, next);
    }
    schema
}

/// A field with the description that stands at its place.
struct Found<'a> {
    schema: &'a Value,
    said: &'a str,
}

fn descend<'a>(document: &'a Value, schema: &'a Value, field: &str) -> Result<Found<'a>, Trouble> {
    let mut found = Found { schema, said: schema["description"].as_str().unwrap_or_default() };
    let mut path = String::new();
    for part in field.split('.').map(|part| part.trim_end_matches(']').split('[').next().unwrap_or_default()) {
        if part.is_empty() {
            continue;
        }
        let properties = inner(document, found.schema)["properties"].as_object();
        let Some(next) = properties.and_then(|properties| properties.get(part)) else {
            let names: Vec<&str> = properties.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
            let close: Vec<String> = match near::nearest(part, names.iter().copied()) {
                Some(close) => vec![close.to_owned()],
                None => names.iter().map(|name| (*name).to_owned()).collect(),
            };
            let place = if path.is_empty() { String::new() } else { format!(" of {path}") };
            return Err(Trouble::NotFound { what: format!("field {part}{place}"), near: close });
        };
        let said = next["description"].as_str().or_else(|| followed(document, next)["description"].as_str());
        found = Found { schema: next, said: said.unwrap_or_default() };
        path = if path.is_empty() { part.to_owned() } else { format!("{path}.{part}") };
    }
    Ok(found)
}

/// `string`, `[]Container`, `map[string]string`
fn type_of(document: &Value, schema: &Value) -> String {
    let own = followed(document, schema);
    if let Some(items) = own.get("items") {
        return format!("[]{}", type_of(document, items));
    }
    if let Some(values) = own.get("additionalProperties").filter(|values| values.is_object()) {
        return format!("map[string]{}", type_of(document, values));
    }
    if own["x-kubernetes-int-or-string"] == true || own["format"] == "int-or-string" {
        return "int or string".to_owned();
    }
    own["type"].as_str().unwrap_or("object").to_owned()
}

fn told(context: &Context, document: &Value, kind: &Kind, field: &str, found: Found<'_>) -> Answer {
    let schema = inner(document, found.schema);
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object();
    let mut fields: Vec<(&str, String, &str)> = properties
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let said = value["description"].as_str().or_else(|| followed(document, value)["description"].as_str());
            (name.as_str(), type_of(document, value), said.unwrap_or_default())
        })
        .collect();
    fields.sort_by_key(|(name, _, _)| (!required.contains(name), *name));
    let dot = if field.is_empty() { "" } else { "." };
    let mut title = format!("{} {}{dot}{field} ({})", kind.api_version, kind.name, type_of(document, found.schema));
    if !found.said.is_empty() {
        title.push_str(&format!("\n{}", short(found.said, 600)));
    }
    if let Some(allowed) = followed(document, found.schema)["enum"].as_array() {
        let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
        title.push_str(&format!("\none of {}", allowed.join(", ")));
    }
    let line = |(at, (name, kind, said)): (usize, &(&str, String, &str))| {
        let must = if required.contains(name) { ", required" } else { "" };
        let text = format!("{name} ({kind}{must}): {}", short(first_sentence(said), 120));
        Line { text, items: vec![at], ..Line::default() }
    };
    let lines: Vec<Line> = fields.iter().enumerate().map(line).collect();
    let page = first(&title, &lines, context.room, "field");
    let names: Vec<&str> = fields.iter().map(|(name, _, _)| *name).collect();
    let data = json!({"kind": kind.name, "field": field, "type": type_of(document, found.schema), "fields": names, "required": required});
    Answer::new(page.text, data)
}

fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first)
}
