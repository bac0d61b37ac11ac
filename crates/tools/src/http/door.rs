//! `Host` and `Origin`: a web page that somebody has open must not reach this server through their browser.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, Uri, header, uri::Authority};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::Gatekeeper;

pub async fn ours(State(keeper): State<Arc<Gatekeeper>>, request: Request, next: Next) -> Response {
    match check(&keeper.front.hosts, &keeper.front.origins, request.headers(), request.uri()) {
        Ok(()) => next.run(request).await,
        Err(why) => (StatusCode::FORBIDDEN, why).into_response(),
    }
}

/// The authority under which the request came, whether HTTP/1 or HTTP/2.
pub fn authority(headers: &HeaderMap, uri: &Uri) -> Option<Authority> {
    let mut hosts = headers.get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => Authority::try_from(host.as_bytes()).ok(),
        (None, _) => uri.authority().cloned(),
        // two hosts are none
        (Some(_), Some(_)) => None,
    }
}

fn check(hosts: &[String], origins: &[String], headers: &HeaderMap, uri: &Uri) -> Result<(), &'static str> {
    let authority = authority(headers, uri).ok_or("Forbidden: the Host header is missing or cannot be read")?;
    if !known_host(hosts, &authority) {
        return Err("Forbidden: this Host is not served here; name it in mcp.allowed_hosts");
    }
    let mut given = headers.get_all(header::ORIGIN).iter();
    let origin = match (given.next(), given.next()) {
        (None, _) => return Ok(()),
        (Some(origin), None) => origin.to_str().map_err(|_| "Forbidden: the Origin header cannot be read")?,
        (Some(_), Some(_)) => return Err("Forbidden: more than one Origin header"),
    };
    let same = |allowed: &str| -> bool {
        let both = normal(origin).zip(normal(allowed));
        both.is_some_and(|(origin, allowed)| origin == allowed)
    };
    // a page that we serve ourselves, under the name by which this request found us
    let own = ["http", "https"].iter().any(|scheme| same(&format!("{scheme}://{authority}")));
    if own || origins.iter().any(|allowed| same(allowed)) {
        return Ok(());
    }
    Err("Forbidden: this Origin may not call; name it in mcp.allowed_origins")
}

fn known_host(hosts: &[String], authority: &Authority) -> bool {
    let name = authority.host().trim_matches(['[', ']']).to_ascii_lowercase();
    if matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1") {
        return true;
    }
    hosts.iter().filter_map(|host| Authority::try_from(host.as_str()).ok()).any(|allowed| {
        let same_name = allowed.host().eq_ignore_ascii_case(authority.host());
        same_name && allowed.port_u16().is_none_or(|port| authority.port_u16() == Some(port))
    })
}

/// Scheme, host and port as browsers compare them. None for `null` and all that is no origin.
fn normal(origin: &str) -> Option<(String, String, u16)> {
    let uri: Uri = origin.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let authority = uri.authority()?;
    let bare =
        uri.path() == "/" && !origin.ends_with('/') && uri.query().is_none() && !authority.as_str().contains('@');
    let usual = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    bare.then(|| (scheme, authority.host().to_ascii_lowercase(), authority.port_u16().unwrap_or(usual)))
}
