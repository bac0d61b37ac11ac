//! The columns of the built-in kinds; every other kind has its age.

mod cluster;
mod network;
mod storage;
mod workloads;

use serde_json::{Value, json};

use super::{Column, Fill, at};
use crate::kinds::Resource;

/// Name, priority, content. The object's name comes first where a kind does not say another place for it.
type Row = (&'static str, i64, Fill);

const AGE: Row = ("Age", 0, Fill::Age(&["metadata.creationTimestamp"]));

pub(super) fn columns(resource: &Resource) -> Vec<Column> {
    let Resource { group, .. } = resource;
    // Other people's kinds bear the same names: a Job of another scheduler has other fields.
    let native = !group.contains('.') || group.ends_with(".k8s.io");
    let rows = native.then(|| {
        workloads::columns(resource)
            .or_else(|| network::columns(resource))
            .or_else(|| storage::columns(resource))
            .or_else(|| cluster::columns(resource))
    });
    let mut rows = rows.flatten().unwrap_or_else(|| vec![AGE]);
    if !rows.iter().any(|(_, _, fill)| matches!(fill, Fill::Name)) {
        rows.insert(0, ("Name", 0, Fill::Name));
    }
    rows.into_iter().map(|(name, priority, fill)| Column::new(name, priority, fill)).collect()
}

const fn field(name: &'static str, path: &'static str) -> Row {
    (name, 0, Fill::Field(path))
}

const fn wide(name: &'static str, path: &'static str) -> Row {
    (name, 1, Fill::Field(path))
}

const fn computed(name: &'static str, compute: fn(&Value) -> Value) -> Row {
    (name, 0, Fill::Computed(compute))
}

fn text(value: &Value) -> String {
    value.as_str().map(str::to_owned).unwrap_or_default()
}

fn or(value: &Value, default: &str) -> Value {
    match value {
        Value::Null => json!(default),
        Value::Number(number) => json!(number.to_string()),
        Value::String(_) | Value::Bool(_) | Value::Array(_) | Value::Object(_) => value.clone(),
    }
}

fn or_none(value: &Value) -> Value {
    or(value, "<none>")
}

fn count(value: &Value) -> Value {
    json!(value.as_u64().unwrap_or(0))
}

fn of(part: &Value, whole: &Value) -> Value {
    json!(format!("{}/{}", part.as_u64().unwrap_or(0), whole.as_u64().unwrap_or(1)))
}

fn each<'a>(object: &'a Value, path: &str) -> Vec<&'a Value> {
    at(object, path).as_array().into_iter().flatten().collect()
}

fn joined(items: &[&Value], texts: impl Fn(&Value) -> Vec<String>) -> Value {
    let all: Vec<String> = items.iter().flat_map(|item| texts(item)).collect();
    if all.is_empty() { json!("<none>") } else { json!(all.join(",")) }
}

fn labels(map: &Value) -> Value {
    let Some(map) = map.as_object().filter(|map| !map.is_empty()) else {
        return json!("<none>");
    };
    let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key}={}", text(value))).collect();
    json!(pairs.join(","))
}
