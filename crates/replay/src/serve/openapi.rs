//! As much of OpenAPI as keeps clients from failing: documents that define nothing.

use axum::extract::State;
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Map, Value, json};

use super::Replay;
use crate::kinds::Resource;

pub(super) async fn v2(State(replay): State<Replay>) -> Response {
    let version = &replay.recording().version;
    Json(json!({"swagger": "2.0", "info": {"title": "Kubernetes", "version": version}, "paths": {}, "definitions": {}}))
        .into_response()
}

pub(super) async fn v3(State(replay): State<Replay>) -> Response {
    let recording = replay.recording();
    let mut paths = Map::new();
    for collection in &recording.catalog.collections {
        let Resource { group, version, .. } = &collection.resource;
        let path = if group.is_empty() { format!("api/{version}") } else { format!("apis/{group}/{version}") };
        let url = format!("/openapi/v3/{path}");
        paths.insert(path, json!({"serverRelativeURL": url}));
    }
    Json(json!({"paths": Value::Object(paths)})).into_response()
}

pub(super) async fn v3_group(State(replay): State<Replay>) -> Response {
    let version = &replay.recording().version;
    Json(json!({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": version}, "paths": {}, "components": {"schemas": {}}})).into_response()
}
