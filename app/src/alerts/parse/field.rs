//! Values as senders write them: numbers as strings, strings as numbers, times in many shapes.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::Fields;
use crate::store::Millis;

pub(super) fn value(raw: &RawValue) -> Option<Value> {
    serde_json::from_str(raw.get()).ok()
}

/// The fields as values; one that cannot be read (nested too deep) stays as its text.
pub(super) fn object(fields: &Fields<'_>) -> Map<String, Value> {
    fields
        .iter()
        .map(|(name, raw)| (name.clone(), value(raw).unwrap_or_else(|| Value::String(raw.get().to_owned()))))
        .collect()
}

pub(super) fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

pub(super) fn field_text(fields: &Fields<'_>, name: &str) -> String {
    fields.get(name).and_then(|raw| value(raw)).map(|value| text(&value)).unwrap_or_default()
}

pub(super) fn field_number(fields: &Fields<'_>, name: &str) -> u64 {
    let text = field_text(fields, name);
    text.parse().unwrap_or_default()
}

/// Labels or annotations: every value as text. None when it is no object.
pub(super) fn strings(value: &Value) -> Option<BTreeMap<String, String>> {
    let map = value.as_object()?;
    Some(map.iter().map(|(name, value)| (name.clone(), text(value))).filter(|(_, value)| !value.is_empty()).collect())
}

/// A point in time: RFC 3339, seconds or milliseconds since 1970 as number or text, or a local time without a zone
/// (`2026-11-24 03:00:00`), which the Chinese clouds mean as +08:00. Years before 1971 mean "not set".
pub(super) fn time(value: &Value) -> Option<Millis> {
    let millis = match value {
        Value::Number(number) => epoch(number.as_f64()?)?,
        Value::String(text) => time_text(text.trim())?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    (millis >= 365 * 86_400_000).then_some(millis)
}

fn time_text(text: &str) -> Option<Millis> {
    if let Ok(timestamp) = text.parse::<jiff::Timestamp>() {
        return Some(timestamp.as_millisecond());
    }
    if let Ok(number) = text.parse::<f64>() {
        return epoch(number);
    }
    let local: jiff::civil::DateTime = text.parse().ok()?;
    let china = jiff::tz::TimeZone::fixed(jiff::tz::offset(8));
    Some(china.to_timestamp(local).ok()?.as_millisecond())
}

fn epoch(number: f64) -> Option<Millis> {
    // Seconds stay below this until the year 5138; milliseconds passed it in 1973.
    let millis = if number.abs() < 1e11 { number * 1_000.0 } else { number };
    #[expect(clippy::cast_possible_truncation, reason = "bounded just before")]
    (millis.is_finite() && millis.abs() < 1e14).then_some(millis as Millis)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn times_of_every_shape_are_the_same_instant() {
        for value in [
            json!("2026-11-22T23:01:31.187931067Z"),
            json!("2026-11-22T23:01:31.187Z"),
            json!("2026-11-23T07:01:31.187+08:00"),
            json!("2026-11-23 07:01:31.187"),
            json!(1_795_388_491_187_u64),
            json!("1795388491187"),
            json!(1_795_388_491.187),
        ] {
            assert_eq!(time(&value), Some(1_795_388_491_187), "{value}");
        }
    }

    #[test]
    fn an_unset_or_unreadable_time_is_none() {
        for value in [json!("0001-01-01T00:00:00Z"), json!(""), json!(null), json!(0), json!("yesterday"), json!(1e300)]
        {
            assert_eq!(time(&value), None, "{value}");
        }
    }
}
