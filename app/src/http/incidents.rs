//! `/incidents/{id}`: the page that a message's link leads to. Plain HTML without a script, behind the intake's credentials.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::Http;
use super::error::ApiError;
use crate::deliver::Composer;
use crate::store::{alerts, incidents};

/// Alerts that the page looks at.
const ALERTS: i64 = 50;
/// Nothing is loaded, run or sent anywhere, whatever text the page holds.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

pub async fn page(
    State((http, composer)): State<(Arc<Http>, Arc<Composer>)>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    http.auth.check("incidents", peer, &headers)?;
    let missing = || ApiError::NotFound(format!("there is no incident {id}"));
    let number: i64 = id.parse().map_err(|_| missing())?;
    let store = &composer.store;
    let incident = incidents::get(store.read(), number).await?.ok_or_else(missing)?;
    if let Some(other) = incident.merged_into {
        return Ok(Redirect::to(&format!("/incidents/{other}")).into_response());
    }
    let alerts = alerts::of_incident(store.read(), incident.id, ALERTS).await?;
    let mut message = composer.incident(&incident, &alerts).await?;
    message.link = None;
    let safe = [(header::CONTENT_SECURITY_POLICY, POLICY), (header::CACHE_CONTROL, "no-store")];
    Ok((safe, Html(notify::html(&message))).into_response())
}
