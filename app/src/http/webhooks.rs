//! Where alerts come in. The answer is 2xx when they are on disk and 503 when they are not; nothing in between, because
//! senders drop an alert on most other statuses.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::Http;
use super::error::ApiError;
use crate::alerts::Accepted;
use crate::failpoint::crash_at;
use crate::store;

/// `/webhooks/{source}`: the name tells senders apart; the shape of the body tells what it is.
pub async fn webhook(
    State(http): State<Arc<Http>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(source): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let answer = take(&http, &source, peer, &headers, body).await.map(|accepted| match accepted {
        Accepted::Stored { invalid, .. } if invalid.is_empty() => "stored\n".to_owned(),
        Accepted::Stored { invalid, .. } => {
            format!("stored; {} entries kept aside: {}\n", invalid.len(), invalid.join("; "))
        }
        Accepted::Repeated => "stored before\n".to_owned(),
        // A 400 would only make an Alertmanager send the same again for ever.
        Accepted::Parked(why) => format!("kept aside, not understood: {why}\n"),
    });
    answer.into_response()
}

/// `POST /api/v2/alerts`: as an Alertmanager answers, which is 400 when an entry is invalid although the others are
/// stored.
pub async fn alerts(
    State(http): State<Arc<Http>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    match take(&http, "api-v2-alerts", peer, &headers, body).await {
        Ok(Accepted::Stored { invalid, .. }) if !invalid.is_empty() => {
            let why = format!("the valid entries are stored, these are not: {}", invalid.join("; "));
            ApiError::Invalid(why).into_response()
        }
        Ok(Accepted::Parked(why)) => ApiError::Invalid(why).into_response(),
        Ok(Accepted::Stored { .. } | Accepted::Repeated) => StatusCode::OK.into_response(),
        Err(error) => error.into_response(),
    }
}

async fn take(
    http: &Http,
    endpoint: &str,
    peer: SocketAddr,
    headers: &HeaderMap,
    body: Body,
) -> Result<Accepted, ApiError> {
    let started = Instant::now();
    let taken = accept(http, endpoint, peer, headers, body).await;
    let status = taken.as_ref().err().map_or(StatusCode::OK, ApiError::status);
    metrics::histogram!("midwatch_intake_duration_seconds", "status" => status.as_str().to_owned())
        .record(started.elapsed().as_secs_f64());
    taken
}

async fn accept(
    http: &Http,
    endpoint: &str,
    peer: SocketAddr,
    headers: &HeaderMap,
    body: Body,
) -> Result<Accepted, ApiError> {
    http.auth.check(endpoint, peer, headers)?;
    let body = http.bodies.read(body, http.settings.body_limit).await?;
    let now = store::now();
    http.auth.check_signature(endpoint, headers, &body, now)?;
    let accepted = http.intake.accept(endpoint, body, now).await?;
    crash_at("before-ack");
    Ok(accepted)
}
