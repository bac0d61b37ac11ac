//! Makes alerts of a body, by its shape and not by who says to have sent it. Tolerant: one bad entry costs that entry,
//! unknown fields are kept, and a body that is nothing we know is an error that keeps its text.

pub mod api;
mod cloudmonitor;
mod field;
mod tcop;
mod webhook;

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::alert::{Batch, Source};
use crate::store::Millis;

/// Why a body is not a notification.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the body is empty")]
    Empty,
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("JSON, but no notification that we know: found {0}")]
    Unknown(String),
}

/// A JSON object whose values are still text.
pub(crate) type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// `now` decides whether an end lies in the past.
pub fn parse(body: &[u8], now: Millis) -> Result<Batch, Error> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body).trim_ascii();
    match body.first() {
        None => Err(Error::Empty),
        Some(b'[') => Ok(webhook::push(&serde_json::from_slice::<Vec<&RawValue>>(body)?, now)),
        Some(b'{') => object(&serde_json::from_slice::<Fields<'_>>(body)?, now),
        Some(_) => cloudmonitor::form(body, now).ok_or_else(|| not_json(body)),
    }
}

fn object(fields: &Fields<'_>, now: Millis) -> Result<Batch, Error> {
    if fields.contains_key("alerts") {
        return webhook::notification(fields, now);
    }
    if fields.contains_key("alarmPolicyInfo") || fields.contains_key("alarmObjInfo") {
        return Ok(tcop::notification(fields, now));
    }
    if fields.contains_key("alertState") && fields.contains_key("alertName") {
        return Ok(cloudmonitor::json(fields, now));
    }
    if fields.contains_key("labels") {
        // One alert that came without its list.
        let mut batch = Batch::new(Source::Push);
        webhook::entry(&mut batch, webhook::Family::Push, &field::object(fields), now);
        return Ok(batch);
    }
    let names: Vec<&str> = fields.keys().map(String::as_str).take(8).collect();
    Err(Error::Unknown(if names.is_empty() { "an empty object".to_owned() } else { names.join(", ") }))
}

fn not_json(body: &[u8]) -> Error {
    match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        Ok(_) => Error::Unknown("a single value".to_owned()),
        Err(error) => Error::Json(error),
    }
}
