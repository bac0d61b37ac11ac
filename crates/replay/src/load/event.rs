//! Events exist in two API groups with other field names: kept as `v1`, served as either.

use serde_json::{Map, Value};

/// `v1` name, `events.k8s.io/v1` name; all other fields are called the same in both.
const NAMES: &[(&str, &str)] = &[
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// Turns an `events.k8s.io` Event into the `v1` form in place; anything else stays as it is.
pub(crate) fn to_core(object: &mut Value) {
    let is_event = object["kind"] == "Event"
        && object["apiVersion"].as_str().is_some_and(|version| version.starts_with("events.k8s.io/"));
    if is_event {
        rename(object, "v1", |(core, grouped)| (grouped, core));
    }
}

pub(crate) fn to_events_group(event: &Value) -> Value {
    let mut event = event.clone();
    rename(&mut event, "events.k8s.io/v1", |(core, grouped)| (core, grouped));
    event
}

fn rename(
    object: &mut Value,
    api_version: &str,
    direction: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str),
) {
    let Some(fields) = object.as_object_mut() else {
        return;
    };
    let renamed: Map<String, Value> = std::mem::take(fields)
        .into_iter()
        .map(|(name, value)| {
            let new = NAMES.iter().map(|pair| direction(*pair)).find(|(from, _)| *from == name);
            match new {
                Some((_, to)) => (to.to_owned(), value),
                None if name == "apiVersion" => (name, Value::String(api_version.to_owned())),
                None => (name, value),
            }
        })
        .collect();
    *fields = renamed;
}
