//! A watch on a recording: the objects as they are, then silence until the time is up.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt;
use serde_json::{Value, json};

use super::failure::Failure;
use super::list;
use super::query::Parameters;
use super::resources::View;

/// What an API server grants at least when the client names no time.
const DEFAULT_SECONDS: u64 = 1800;

pub(super) fn answer(view: &View<'_>, namespace: Option<&str>, parameters: &Parameters) -> Result<Response, Failure> {
    let seconds = parameters.number::<u64>("timeoutSeconds")?.unwrap_or(DEFAULT_SECONDS);
    let send_initial = parameters.text("sendInitialEvents").is_some_and(|value| value == "true");
    // A client that says where it stands has seen everything: a recording has no later state.
    let from_start = matches!(parameters.text("resourceVersion"), None | Some("0"));
    let mut lines = Vec::new();
    let selected = list::select(view, namespace, parameters)?;
    if send_initial || from_start {
        for object in selected {
            lines.extend(line("ADDED", &view.shape(&object.value)));
        }
    }
    if send_initial {
        lines.extend(line("BOOKMARK", &bookmark(view)));
    }
    let initial = futures::stream::iter([Ok::<_, std::convert::Infallible>(Bytes::from(lines))]);
    let quiet = futures::stream::once(tokio::time::sleep(Duration::from_secs(seconds))).filter_map(|()| async { None });
    let body = Body::from_stream(initial.chain(quiet));
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}

fn bookmark(view: &View<'_>) -> Value {
    let resource = &view.declared.resource;
    json!({"kind": resource.kind, "apiVersion": resource.api_version(), "metadata": {
        "resourceVersion": view.recording.catalog.resource_version, "annotations": {"k8s.io/initial-events-end": "true"}}})
}

fn line(event: &str, object: &Value) -> Vec<u8> {
    let mut line = json!({"type": event, "object": object}).to_string().into_bytes();
    line.push(b'\n');
    line
}
