//! The newest moment an object tells of. Only fields that tell of the past count: certificates end in the future.

use jiff::Timestamp;
use serde_json::Value;

const PAST: &[&str] = &[
    "acquireTime",
    "completionTime",
    "creationTimestamp",
    "eventTime",
    "finishedAt",
    "firstTimestamp",
    "lastHeartbeatTime",
    "lastObservedTime",
    "lastProbeTime",
    "lastScaleTime",
    "lastScheduleTime",
    "lastSuccessfulTime",
    "lastTimestamp",
    "lastTransitionTime",
    "lastUpdateTime",
    "renewTime",
    "startTime",
    "startedAt",
    "timestamp",
];

pub(super) fn newest(object: &Value) -> Option<Timestamp> {
    match object {
        Value::Object(map) => map
            .iter()
            .filter_map(|(key, value)| match value {
                Value::String(text) if looks_like_time(text) && PAST.contains(&key.as_str()) => text.parse().ok(),
                Value::Object(_) | Value::Array(_) => newest(value),
                Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => None,
            })
            .max(),
        Value::Array(items) => items.iter().filter_map(newest).max(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// Spares the comparison of names for nearly all texts.
fn looks_like_time(text: &str) -> bool {
    matches!(text.as_bytes(), [b'0'..=b'9', _, _, _, b'-', _, _, b'-', ..])
}
