//! Every path that is served.

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::decompression::RequestDecompressionLayer;

use super::{Http, health, incidents, webhooks};
use crate::deliver::Composer;

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
