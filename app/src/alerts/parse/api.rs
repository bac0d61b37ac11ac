//! What an Alertmanager (`GET /api/v2/alerts`) or a Prometheus (`GET /api/v1/alerts`) lists when it is asked.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::super::alert::{Alert, Batch, Source};
use super::webhook::{Family, entry};
use super::{Error, field};
use crate::store::Millis;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    Active,
    Silenced,
    Inhibited,
}

/// Alerts that an Alertmanager holds. Those that it has not looked at yet are left out, for now.
pub fn alertmanager(body: &[u8], now: Millis) -> Result<Vec<(Alert, Listed)>, Error> {
    let entries: Vec<&RawValue> = serde_json::from_slice(body)?;
    let mut found = Vec::with_capacity(entries.len());
    for raw in entries {
        let Ok(mut map) = serde_json::from_str::<Map<String, Value>>(raw.get()) else { continue };
        let status = map.remove("status").unwrap_or_default();
        let names = |list: &str| status[list].as_array().is_some_and(|list| !list.is_empty());
        let listed = match status["state"].as_str() {
            Some("unprocessed") => continue,
            Some("suppressed") if names("silencedBy") => Listed::Silenced,
            Some("suppressed") => Listed::Inhibited,
            _ => Listed::Active,
        };
        // The end that is listed is only a promise to look again.
        map.remove("endsAt");
        let mut batch = Batch::new(Source::Reconcile);
        entry(&mut batch, Family::Webhook, &map, now);
        found.extend(batch.alerts.pop().map(|alert| (alert, listed)));
    }
    Ok(found)
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    alerts: Vec<&'a RawValue>,
}

/// Alerts that fire in a Prometheus, without the external labels that it adds when it sends them.
pub fn prometheus(body: &[u8], now: Millis) -> Result<Vec<(Alert, Listed)>, Error> {
    let answer: Answer<'_> = serde_json::from_slice(body)?;
    let mut found = Vec::with_capacity(answer.data.alerts.len());
    for raw in answer.data.alerts {
        let Ok(mut map) = serde_json::from_str::<Map<String, Value>>(raw.get()) else { continue };
        if map.remove("state").as_ref().map(field::text).as_deref() != Some("firing") {
            continue;
        }
        if let Some(since) = map.remove("activeAt") {
            map.insert("startsAt".to_owned(), since);
        }
        let mut batch = Batch::new(Source::Reconcile);
        entry(&mut batch, Family::Webhook, &map, now);
        found.extend(batch.alerts.pop().map(|alert| (alert, Listed::Active)));
    }
    Ok(found)
}
