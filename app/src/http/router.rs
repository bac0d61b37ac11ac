//! Every path that is served.

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::decompression::RequestDecompressionLayer;

use super::{Desk, Doors, Http, approvals, health, incidents, login, webhooks};
use crate::deliver::Composer;

/// The largest form, in bytes.
const FORM: usize = 64 << 10;

pub fn router(http: Arc<Http>) -> Router {
    Router::new()
        .route("/webhooks/{source}", post(webhooks::webhook).put(webhooks::webhook))
        .route("/api/v2/alerts", post(webhooks::alerts))
        .route("/api/v2/status", get(health::status))
        .route("/-/healthy", get(health::alive))
        .route("/-/ready", get(health::ready))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .layer(RequestDecompressionLayer::new())
        // A bug in one request must not look like a network fault; on 500 senders try again.
        .layer(CatchPanicLayer::new())
        .with_state(http)
}

/// Pages that links in messages lead to.
pub fn pages(http: Arc<Http>, composer: Arc<Composer>) -> Router {
    Router::new()
        .route("/incidents/{id}", get(incidents::page))
        .layer(CatchPanicLayer::new())
        .with_state((http, composer))
}

/// How people come in.
pub fn people(doors: Arc<Doors>) -> Router {
    Router::new()
        .route("/login", get(login::form).post(login::login))
        .route("/logout", post(login::logout))
        .layer(DefaultBodyLimit::max(FORM))
        .layer(CatchPanicLayer::new())
        .with_state(doors)
}

/// Where people look at changes and say yes or no.
pub fn desk(desk: Arc<Desk>) -> Router {
    Router::new()
        .route("/approvals", get(approvals::all))
        .route("/approvals/pause", post(approvals::halt))
        .route("/approvals/{id}", get(approvals::one).post(approvals::answer))
        .route("/api/v1/proposals", get(approvals::list))
        .route("/api/v1/proposals/{id}", get(approvals::get).post(approvals::post))
        .route("/api/v1/pause", get(approvals::paused).post(approvals::set_paused))
        .layer(DefaultBodyLimit::max(FORM))
        .layer(CatchPanicLayer::new())
        .with_state(desk)
}
