//! The recorded PromQL answers in the form in which Prometheus' HTTP API gives them.

use axum::extract::{RawForm, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};

use super::Replay;
use crate::recording::Recording;

pub(super) async fn instant(State(replay): State<Replay>, RawForm(form): RawForm) -> Response {
    answer(&replay.recording(), &form, vector)
}

pub(super) async fn range(State(replay): State<Replay>, RawForm(form): RawForm) -> Response {
    answer(&replay.recording(), &form, matrix)
}

fn answer(recording: &Recording, form: &[u8], shape: fn(Value, f64) -> Value) -> Response {
    let Some(query) = query_of(form) else {
        let error = json!({"status": "error", "errorType": "bad_data", "error": "invalid parameter \"query\": unknown position: parse error: no expression found in input"});
        return (StatusCode::BAD_REQUEST, Json(error)).into_response();
    };
    let now = recording.time.as_millisecond() as f64 / 1000.0;
    // A query that was not recorded has no series, as for a metric that nobody exports.
    let data = recording
        .metrics
        .lookup(&query)
        .map_or_else(|| json!({"resultType": "vector", "result": []}), |result| data(result, now));
    Json(json!({"status": "success", "data": shape(data, now)})).into_response()
}

fn query_of(form: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(form).ok()?;
    let value = text.split('&').find_map(|pair| pair.strip_prefix("query="))?;
    let spaced = value.replace('+', " ");
    let query = percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned();
    (!query.trim().is_empty()).then_some(query)
}

/// People record what they have at hand: a whole answer, its data, the series alone, or one number.
fn data(recorded: &Value, now: f64) -> Value {
    if recorded["data"].is_object() {
        return recorded["data"].clone();
    }
    match recorded {
        Value::Object(map) if map.contains_key("resultType") => recorded.clone(),
        Value::Array(series) => {
            let kind = if series.iter().any(|one| one["values"].is_array()) { "matrix" } else { "vector" };
            json!({"resultType": kind, "result": series})
        }
        Value::Number(number) => {
            json!({"resultType": "vector", "result": [{"metric": {}, "value": [now, number.to_string()]}]})
        }
        Value::String(number) => {
            json!({"resultType": "vector", "result": [{"metric": {}, "value": [now, number]}]})
        }
        Value::Null | Value::Bool(_) | Value::Object(_) => {
            json!({"resultType": "vector", "result": []})
        }
    }
}

/// An instant query's answer: of a recorded range its last samples.
fn vector(data: Value, _now: f64) -> Value {
    if data["resultType"] != "matrix" {
        return data;
    }
    let last = |series: &Value| {
        let value = series["values"].as_array()?.last()?;
        Some(json!({"metric": series["metric"], "value": value}))
    };
    let result: Vec<Value> = series(&data).iter().filter_map(last).collect();
    json!({"resultType": "vector", "result": result})
}

/// A range query's answer: of a recorded instant a range of one sample.
fn matrix(data: Value, now: f64) -> Value {
    match data["resultType"].as_str() {
        Some("matrix") => data,
        Some("scalar") => {
            json!({"resultType": "matrix", "result": [{"metric": {}, "values": [[now, data["result"][1]]]}]})
        }
        Some(_) | None => {
            let result: Vec<Value> =
                series(&data).iter().map(|one| json!({"metric": one["metric"], "values": [one["value"]]})).collect();
            json!({"resultType": "matrix", "result": result})
        }
    }
}

fn series(data: &Value) -> &[Value] {
    data["result"].as_array().map(Vec::as_slice).unwrap_or_default()
}
