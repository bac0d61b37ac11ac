//! Who calls, and whether their token is good for what they ask.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tracing::warn;

use super::{Denied, Gatekeeper, body, door};
use crate::context::Caller;
use crate::list::TOOLS;
use crate::scope;

const METADATA: &str = "/.well-known/oauth-protected-resource/mcp";

/// Puts the caller into the request, or answers 401.
pub async fn known(State(keeper): State<Arc<Gatekeeper>>, mut request: Request, next: Next) -> Response {
    if token_in_address(request.uri()) {
        // an address ends up in logs and histories; a token in one is spoilt
        return (StatusCode::BAD_REQUEST, "A token belongs into the Authorization header, never into the address")
            .into_response();
    }
    let caller = match bearer(request.headers()) {
        Ok(Some(token)) => keeper.authenticate.bearer(token).await,
        Ok(None) => keeper.authenticate.anonymous().ok_or(Denied::Invalid),
        Err(denied) => Err(denied),
    };
    match caller {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(Denied::Invalid) => {
            let shown = request.headers().contains_key(header::AUTHORIZATION);
            challenge(&keeper, &request, StatusCode::UNAUTHORIZED, shown.then_some("invalid_token"), &[scope::READ])
        }
        Err(Denied::Unavailable(why)) => {
            warn!(%why, "nobody can be identified");
            (StatusCode::SERVICE_UNAVAILABLE, "Who you are cannot be checked now; try again").into_response()
        }
    }
}

/// Answers 403 with every scope that is needed, before anything runs.
pub async fn scoped(State(keeper): State<Arc<Gatekeeper>>, request: Request, next: Next) -> Response {
    let Some(caller) = request.extensions().get::<Caller>().cloned() else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    if request.method() != Method::POST {
        return if caller.has(scope::READ) {
            next.run(request).await
        } else {
            short_of(&keeper, &request, &[scope::READ])
        };
    }
    let (request, asked) = match body::peek(request).await {
        Ok(read) => read,
        Err(response) => return response,
    };
    let called = asked.params.and_then(|params| params.name).filter(|_| asked.method == "tools/call");
    let tool = called.and_then(|name| TOOLS.iter().find(|tool| tool.name == name));
    let needed = tool.map_or(&[scope::READ][..], |tool| scope::needed(tool.class));
    if needed.iter().all(|scope| caller.has(scope)) {
        return next.run(request).await;
    }
    short_of(&keeper, &request, needed)
}

fn short_of(keeper: &Gatekeeper, request: &Request, needed: &[&str]) -> Response {
    challenge(keeper, request, StatusCode::FORBIDDEN, Some("insufficient_scope"), needed)
}

/// None without a token. More than one, or one of another kind, is not a valid one.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Denied> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (given.next(), given.next()) {
        (None, _) => return Ok(None),
        (Some(value), None) => value.to_str().map_err(|_| Denied::Invalid)?,
        (Some(_), Some(_)) => return Err(Denied::Invalid),
    };
    let (kind, token) = value.split_once(' ').ok_or(Denied::Invalid)?;
    let token = token.trim();
    if kind.eq_ignore_ascii_case("bearer") && !token.is_empty() { Ok(Some(token)) } else { Err(Denied::Invalid) }
}

fn token_in_address(uri: &Uri) -> bool {
    let names = ["access_token", "token", "authorization", "bearer"];
    let query = uri.query().unwrap_or_default();
    query.split('&').any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        names.iter().any(|n| n.eq_ignore_ascii_case(name))
    })
}

fn challenge(
    keeper: &Gatekeeper,
    request: &Request,
    status: StatusCode,
    error: Option<&str>,
    scopes: &[&str],
) -> Response {
    let metadata = format!("{}{METADATA}", base(keeper, request.headers(), request.uri()));
    let error = error.map(|error| format!("error=\"{error}\", ")).unwrap_or_default();
    let text = format!("Bearer {error}resource_metadata=\"{metadata}\", scope=\"{}\"", scopes.join(" "));
    let mut response = (status, Json(json!({"error": status.canonical_reason()}))).into_response();
    if let Ok(value) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, value);
    }
    response
}

/// Where this server is, as its clients see it. The host was checked by the door.
fn base(keeper: &Gatekeeper, headers: &HeaderMap, uri: &Uri) -> String {
    keeper.front.public_url.clone().unwrap_or_else(|| {
        let authority = door::authority(headers, uri).map(|a| a.to_string()).unwrap_or_default();
        format!("http://{authority}")
    })
}

/// RFC 9728: where a token for this server comes from.
pub async fn metadata(State(keeper): State<Arc<Gatekeeper>>, headers: HeaderMap, uri: Uri) -> Response {
    let base = base(&keeper, &headers, &uri);
    let mut metadata = json!({
        "resource": format!("{base}/mcp"),
        "resource_name": "Midwatch",
        "scopes_supported": scope::ALL,
        "bearer_methods_supported": ["header"],
    });
    let issuers = keeper.authenticate.issuers();
    if !issuers.is_empty() {
        metadata["authorization_servers"] = json!(issuers);
    }
    Json(metadata).into_response()
}
