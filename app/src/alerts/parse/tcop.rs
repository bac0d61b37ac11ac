//! Tencent Cloud's alarm callback: one alarm a request, a policy and the object that broke it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::alert::{Alert, Batch, Source, Status};
use super::{Fields, field};
use crate::store::Millis;

pub(super) fn notification(fields: &Fields<'_>, now: Millis) -> Batch {
    let mut extra = field::object(fields);
    let object = extra.remove("alarmObjInfo").unwrap_or_default();
    let policy = extra.remove("alarmPolicyInfo").unwrap_or_default();
    let mut labels = BTreeMap::new();
    let mut put = |name: &str, value: &Value| {
        let text = field::text(value);
        if !text.is_empty() {
            labels.insert(name.to_owned(), text);
        }
    };
    put("alertname", policy.get("policyName").unwrap_or(&policy["conditions"]["metricShowName"]));
    put("policy_id", &policy["policyId"]);
    put("metric", &policy["conditions"]["metricName"]);
    put("region", &object["region"]);
    put("cloud_namespace", &object["namespace"]);
    put("app_id", &object["appId"]);
    // The names that the dimensions share with Kubernetes labels are what the object is found by.
    if let Some(dimensions) = object["dimensions"].as_object() {
        for (name, value) in dimensions {
            put(name, value);
        }
    }
    let resolved = extra.get("alarmStatus").is_some_and(|status| field::text(status) == "0");
    let starts_at = extra.get("firstOccurTime").and_then(field::time);
    let ends_at = extra.get("recoverTime").and_then(field::time);
    let annotations = field::strings(&policy["conditions"]).unwrap_or_default();
    let mut batch = Batch::new(Source::TencentTcop);
    if labels.is_empty() {
        labels.insert("alertname".to_owned(), "TencentCloudAlarm".to_owned());
    }
    batch.alerts.push(Alert {
        status: if resolved { Status::Resolved } else { Status::Firing },
        labels,
        annotations,
        starts_at,
        ends_at: if resolved { ends_at.or(Some(now)) } else { None },
        generator_url: String::new(),
        fingerprint: extra.get("sessionId").map(field::text).unwrap_or_default(),
        extra,
    });
    batch
}
