//! Is it there, and can it take alerts: `/healthz`, `/readyz`, and the names that an Alertmanager has for them.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::{Http, meters};
use crate::store;

pub async fn alive() -> &'static str {
    "ok\n"
}

/// 200 when alerts can be stored. Other parts that fail are named, and do not make it unready: an alert that waits
/// here is safer than one that its sender drops.
pub async fn ready(State(http): State<Arc<Http>>) -> Response {
    let stored = http.intake.store.check().await;
    let mut lines = vec![match &stored {
        Ok(()) => "store: ok".to_owned(),
        Err(error) => format!("store: {error}"),
    }];
    lines.extend((http.unready)().into_iter().map(|(part, why)| format!("{part}: {why}")));
    let status = if stored.is_ok() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, format!("{}\n", lines.join("\n"))).into_response()
}

/// What a client of an Alertmanager asks before it trusts the address.
pub async fn status(State(http): State<Arc<Http>>) -> Response {
    let started = jiff::Timestamp::from_millisecond(http.started_at).map(|at| at.to_string()).unwrap_or_default();
    Json(json!({
        "cluster": {"name": "", "status": "disabled", "peers": []},
        "versionInfo": {"version": env!("CARGO_PKG_VERSION"), "revision": "", "branch": "", "buildUser": "",
                        "buildDate": "", "goVersion": ""},
        "config": {"original": ""},
        "uptime": started,
    }))
    .into_response()
}

pub async fn metrics(State(http): State<Arc<Http>>) -> Response {
    let Some(handle) = &http.metrics else {
        return (StatusCode::NOT_FOUND, "this process keeps no metrics\n").into_response();
    };
    if let Err(error) = meters::refresh(&http.intake.store, store::now()).await {
        tracing::warn!(%error, "some metrics could not be read from the store");
    }
    handle.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render()).into_response()
}
