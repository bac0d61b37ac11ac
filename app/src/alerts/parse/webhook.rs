//! The Alertmanager family: webhook v4, Grafana, Volcengine VMP, Aliyun ARMS, and the array that Prometheus and vmalert
//! push.

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::super::alert::{Alert, Batch, Invalid, Source, Status};
use super::{Error, Fields, field};
use crate::store::Millis;

/// An end in the future means "firing until I say more" in a push, and nothing in a webhook, which says its status.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Push,
    Webhook,
}

pub(super) fn push(entries: &[&RawValue], now: Millis) -> Batch {
    let mut batch = Batch::new(Source::Push);
    for raw in entries {
        raw_entry(&mut batch, Family::Push, raw, now);
    }
    batch
}

pub(super) fn notification(fields: &Fields<'_>, now: Millis) -> Result<Batch, Error> {
    let Some(raw) = fields.get("alerts") else { return Err(Error::Unknown("no alerts".to_owned())) };
    let entries: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|_| {
        Error::Unknown(format!("`alerts` that is no list: {}", raw.get().chars().take(40).collect::<String>()))
    })?;
    let mut batch = Batch::new(Source::Alertmanager);
    batch.truncated = field::field_number(fields, "truncatedAlerts");
    batch.group_key = field::field_text(fields, "groupKey");
    batch.external_url = field::field_text(fields, "externalURL");
    batch.receiver = field::field_text(fields, "receiver");
    for raw in entries {
        raw_entry(&mut batch, Family::Webhook, raw, now);
    }
    batch.source = source(fields, &batch.alerts);
    Ok(batch)
}

fn source(fields: &Fields<'_>, alerts: &[Alert]) -> Source {
    let has = |prefix: &str| alerts.iter().any(|alert| alert.labels.keys().any(|name| name.starts_with(prefix)));
    if fields.contains_key("orgId") {
        return Source::Grafana;
    }
    if has("_aliyun_arms_") {
        return Source::AliyunArms;
    }
    if has("internal_label_alert_") {
        return Source::VolcengineVmp;
    }
    Source::Alertmanager
}

fn raw_entry(batch: &mut Batch, family: Family, raw: &RawValue, now: Millis) {
    match serde_json::from_str::<Map<String, Value>>(raw.get()) {
        Ok(map) => entry(batch, family, &map, now),
        Err(error) => batch.invalid.push(Invalid { body: raw.get().to_owned(), why: error.to_string() }),
    }
}

pub(super) fn entry(batch: &mut Batch, family: Family, map: &Map<String, Value>, now: Millis) {
    match alert(family, map, now) {
        Ok(alert) => batch.alerts.push(alert),
        Err(why) => {
            batch.invalid.push(Invalid { body: Value::Object(map.clone()).to_string(), why: why.to_owned() });
        }
    }
}

fn alert(family: Family, map: &Map<String, Value>, now: Millis) -> Result<Alert, &'static str> {
    let get = |name: &str| map.get(name).unwrap_or(&Value::Null);
    let mut labels = field::strings(get("labels")).ok_or("`labels` is missing or no object")?;
    if labels.is_empty() {
        return Err("no label at all");
    }
    let annotations = field::strings(get("annotations")).unwrap_or_default();
    name_of_volcengine(&mut labels, &annotations);
    let starts_at = field::time(get("startsAt"));
    let ends_at = field::time(get("endsAt"));
    let status = status(family, get("status"), ends_at, now);
    let known = ["labels", "annotations", "startsAt", "endsAt", "status", "generatorURL", "fingerprint"];
    let mut extra: Map<String, Value> =
        map.iter().filter(|(name, _)| !known.contains(&name.as_str())).map(|(n, v)| (n.clone(), v.clone())).collect();
    for (name, read) in [("startsAt", starts_at), ("endsAt", ends_at)] {
        if let Value::String(text) = get(name)
            && read.is_none()
            && !text.is_empty()
            && !text.starts_with("0001-01-01")
        {
            extra.insert(name.to_owned(), Value::String(text.clone()));
        }
    }
    Ok(Alert {
        status,
        labels,
        annotations,
        starts_at,
        ends_at,
        generator_url: field::text(get("generatorURL")),
        fingerprint: field::text(get("fingerprint")),
        extra,
    })
}

fn status(family: Family, value: &Value, ends_at: Option<Millis>, now: Millis) -> Status {
    let ended = ends_at.is_some_and(|end| end <= now);
    // Alertmanager's API gives an object here, with the state inside.
    let word = value.get("state").unwrap_or(value).as_str().unwrap_or_default().to_ascii_lowercase();
    match (family, word.as_str()) {
        (_, "resolved" | "ok" | "normal" | "inactive") => Status::Resolved,
        (Family::Webhook, "firing" | "alerting") => Status::Firing,
        _ if ended => Status::Resolved,
        _ => Status::Firing,
    }
}

/// Volcengine writes the rule's UUID as `alertname`; its name for people is an annotation.
fn name_of_volcengine(
    labels: &mut std::collections::BTreeMap<String, String>,
    annotations: &std::collections::BTreeMap<String, String>,
) {
    if !labels.keys().any(|name| name.starts_with("internal_label_alert_")) {
        return;
    }
    let for_people = ["__alerting_rule_name__", "alerting_rule_name", "rule_name"];
    if let Some(name) = for_people.iter().find_map(|key| annotations.get(*key))
        && let Some(uuid) = labels.insert("alertname".to_owned(), name.clone())
    {
        labels.insert("alert_rule_id".to_owned(), uuid);
    }
}
