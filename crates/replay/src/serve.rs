//! The recorded cluster as an API server (and, under `/prometheus`, as the Prometheus beside it).

mod accept;
mod discovery;
mod failure;
mod list;
mod logs;
mod openapi;
mod page;
mod path;
mod prometheus;
mod query;
mod resources;
mod review;
mod table;
mod watch;

use std::sync::{Arc, PoisonError, RwLock};

use axum::Router;
use axum::extract::State;
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use serde_json::json;

use crate::recording::Recording;
use failure::Failure;

/// A recording that is being served. Copies share it, so that it can be exchanged while clients are connected.
#[derive(Debug, Clone)]
pub struct Replay {
    recording: Arc<RwLock<Arc<Recording>>>,
}

impl Replay {
    pub fn new(recording: Recording) -> Self {
        Self { recording: Arc::new(RwLock::new(Arc::new(recording))) }
    }

    /// From now on every request is answered from this recording.
    pub fn swap(&self, recording: Recording) {
        *self.recording.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(recording);
    }

    fn recording(&self) -> Arc<Recording> {
        let recording = self.recording.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&recording)
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/version", get(version))
            .route("/healthz", get(healthy))
            .route("/livez", get(healthy))
            .route("/readyz", get(healthy))
            .route("/api", get(discovery::core))
            .route("/api/{version}", get(discovery::core_resources))
            .route("/apis", get(discovery::groups))
            .route("/apis/{group}", get(discovery::group))
            .route("/apis/{group}/{version}", get(discovery::resources))
            .route("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", post(review::access))
            .route("/openapi/v2", get(openapi::v2))
            .route("/openapi/v3", get(openapi::v3))
            .route("/openapi/v3/{*path}", get(openapi::v3_group))
            .route("/prometheus/api/v1/query", get(prometheus::instant).post(prometheus::instant))
            .route("/prometheus/api/v1/query_range", get(prometheus::range).post(prometheus::range))
            .fallback(resources::answer)
            .method_not_allowed_fallback(not_allowed)
            .with_state(self.clone())
    }
}

async fn version(State(replay): State<Replay>) -> Response {
    let recording = replay.recording();
    let mut numbers = recording.version.trim_start_matches('v').split(['.', '-', '+']);
    let (major, minor) = (numbers.next().unwrap_or_default(), numbers.next().unwrap_or_default());
    Json(json!({"major": major, "minor": minor, "gitVersion": recording.version, "gitCommit": "", "gitTreeState": "clean",
        "buildDate": recording.time.to_string(), "goVersion": "", "compiler": "", "platform": "linux/amd64"}))
    .into_response()
}

async fn healthy() -> &'static str {
    "ok"
}

async fn not_allowed(method: Method, uri: Uri) -> Response {
    Failure::read_only(&method, uri.path()).into_response()
}
