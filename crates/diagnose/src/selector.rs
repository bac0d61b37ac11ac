//! Label selectors, both forms.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::object::{strings, text};

pub fn matches_map(wanted: &BTreeMap<&str, &str>, labels: &BTreeMap<&str, &str>) -> bool {
    wanted.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// A `LabelSelector` (`matchLabels` and `matchExpressions`). An empty one matches everything, an absent one nothing.
pub fn matches(selector: &Value, labels: &BTreeMap<&str, &str>) -> bool {
    if !selector.is_object() {
        return false;
    }
    let empty = Vec::new();
    let expressions = selector["matchExpressions"].as_array().unwrap_or(&empty);
    matches_map(&strings(&selector["matchLabels"]), labels) && expressions.iter().all(|e| expression(e, labels))
}

/// One `matchExpressions` entry, as label selectors and node affinity write them.
pub fn expression(expression: &Value, labels: &BTreeMap<&str, &str>) -> bool {
    let value = labels.get(text(expression, "key")).copied();
    let empty = Vec::new();
    let values: Vec<&str> =
        expression["values"].as_array().unwrap_or(&empty).iter().filter_map(Value::as_str).collect();
    let number = |v: Option<&str>| v.and_then(|v| v.parse::<i64>().ok());
    match text(expression, "operator") {
        "In" => value.is_some_and(|v| values.contains(&v)),
        "NotIn" => value.is_none_or(|v| !values.contains(&v)),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        "Gt" => matches!((number(value), number(values.first().copied())), (Some(a), Some(b)) if a > b),
        "Lt" => matches!((number(value), number(values.first().copied())), (Some(a), Some(b)) if a < b),
        _ => false,
    }
}
