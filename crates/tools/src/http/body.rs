//! What a request asks for, read once from its body, which is then put back.

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::BODY;

/// The part of a message that decides over who may send it.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    pub method: String,
    #[serde(default)]
    pub params: Option<Params>,
}

#[derive(Debug, Default, Deserialize)]
pub struct Params {
    #[serde(default)]
    pub name: Option<String>,
}

/// Reads at most `BODY` bytes and gives the request back whole. A body that is no message asks for nothing yet: the protocol
/// answers it.
pub async fn peek(request: Request) -> Result<(Request, Asked), Response> {
    let (parts, body) = request.into_parts();
    let bytes: Bytes = to_bytes(body, BODY).await.map_err(|_| too_large())?;
    let asked = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok((Request::from_parts(parts, Body::from(bytes)), asked))
}

fn too_large() -> Response {
    (StatusCode::PAYLOAD_TOO_LARGE, format!("A message may have {BODY} bytes")).into_response()
}
