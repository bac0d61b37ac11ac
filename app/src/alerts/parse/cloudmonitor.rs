//! Aliyun CloudMonitor's callback: a form (or the same as JSON), with dimensions in a notation of its own.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::super::alert::{Alert, Batch, Source, Status};
use super::{Fields, field};
use crate::store::Millis;

/// None when the body is no such form.
pub(super) fn form(body: &[u8], now: Millis) -> Option<Batch> {
    let pairs: Map<String, Value> = form_urlencoded::parse(body)
        .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
        .collect();
    (pairs.contains_key("alertState") && pairs.contains_key("alertName")).then(|| notification(pairs, now))
}

pub(super) fn json(fields: &Fields<'_>, now: Millis) -> Batch {
    notification(field::object(fields), now)
}

fn notification(mut extra: Map<String, Value>, now: Millis) -> Batch {
    let mut labels = BTreeMap::new();
    for (theirs, ours) in [
        ("alertName", "alertname"),
        ("ruleId", "rule_id"),
        ("metricName", "metric"),
        ("metricProject", "metric_project"),
        ("namespace", "cloud_namespace"),
        ("instanceName", "instance_name"),
        ("userId", "user_id"),
    ] {
        let text = extra.remove(theirs).map(|value| field::text(&value)).unwrap_or_default();
        if !text.is_empty() {
            labels.insert(ours.to_owned(), text);
        }
    }
    for (name, value) in dimensions(&extra.remove("dimensions").map(|value| field::text(&value)).unwrap_or_default()) {
        labels.entry(name).or_insert(value);
    }
    let word = extra.remove("alertState").map(|value| field::text(&value)).unwrap_or_default();
    let status = if word.eq_ignore_ascii_case("ok") { Status::Resolved } else { Status::Firing };
    let level = extra.get("triggerLevel").map(field::text).unwrap_or_default();
    if !level.is_empty() && !level.eq_ignore_ascii_case("null") {
        // Not a label: the level changes while the alert stays the same one.
        extra.insert("severity".to_owned(), Value::String(level));
    }
    let at = extra.get("timestamp").and_then(field::time);
    let annotations = ["expression", "curValue"]
        .iter()
        .filter_map(|name| Some(((*name).to_owned(), field::text(extra.get(*name)?))))
        .collect();
    let mut batch = Batch::new(Source::AliyunCloudMonitor);
    batch.alerts.push(Alert {
        status,
        labels,
        annotations,
        starts_at: if status == Status::Firing { at } else { None },
        ends_at: if status == Status::Resolved { at.or(Some(now)) } else { None },
        generator_url: String::new(),
        fingerprint: String::new(),
        extra,
    });
    batch
}

/// `{userId=1, instanceId=i-2}` is neither JSON nor a form.
fn dimensions(text: &str) -> Vec<(String, String)> {
    text.trim_matches(|c| matches!(c, '{' | '}' | '[' | ']'))
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .filter(|(name, value)| !name.is_empty() && !value.is_empty())
        .collect()
}
