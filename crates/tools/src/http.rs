//! The server over HTTP: `/mcp` for every revision since 2025-03-26, and on request the old `/sse` with `/messages`.
//!
//! Who passes: a request whose `Host` and `Origin` are ours, that carries no token in its address, is not too large, and
//! whose bearer is known. What the caller is becomes part of the request; sessions prove nothing.

mod bearer;
mod body;
mod door;
mod session;
mod sse;
mod stream;

use std::sync::Arc;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{any, get};
use futures::future::BoxFuture;
use rmcp::ServerHandler;
use tokio_util::sync::CancellationToken;

use crate::context::Caller;
use session::Sessions;

/// Larger requests are refused unread.
const BODY: usize = 1 << 20;

/// Why nobody passes with this bearer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied {
    /// Unknown, ended, or made for somebody else: all the same to the one who shows it.
    Invalid,
    /// It cannot be told now, for a reason that is ours.
    Unavailable(String),
}

/// Who stands behind a bearer token. The hub implements it.
pub trait Authenticate: Send + Sync + 'static {
    fn bearer<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Caller, Denied>>;
    /// Who calls without a token. None: nobody may.
    fn anonymous(&self) -> Option<Caller>;
    /// Authorization servers that issue tokens for this server, for its metadata.
    fn issuers(&self) -> Vec<String>;
}

#[derive(Clone, Default)]
pub struct Front {
    /// Host names, with or without port, under which this server is reached; loopback names always are.
    pub hosts: Vec<String>,
    /// Origins of other web pages that may call, such as `https://inspector.example:443`.
    pub origins: Vec<String>,
    /// The address under which others reach this server, without a slash at its end. Without it the request's own host is used.
    pub public_url: Option<String>,
    /// Serve `/sse` and `/messages` too.
    pub sse: bool,
    /// Ends every open stream.
    pub stop: CancellationToken,
}

struct Gatekeeper {
    front: Front,
    authenticate: Arc<dyn Authenticate>,
    sessions: Sessions,
}

/// Makes one server for one connection: of this caller alone, or of whoever each request names.
pub trait Make<H>: Fn(Option<Caller>) -> H + Clone + Send + Sync + 'static {}
impl<H, F: Fn(Option<Caller>) -> H + Clone + Send + Sync + 'static> Make<H> for F {}

pub fn router<H: ServerHandler>(make: impl Make<H>, authenticate: Arc<dyn Authenticate>, front: Front) -> Router {
    let (service, manager) = stream::service(make.clone(), &front);
    let keeper = Arc::new(Gatekeeper { sessions: Sessions::new(manager), authenticate, front });
    let mut guarded = Router::new().route("/mcp", any(move |request| stream::answer(service.clone(), request)));
    if keeper.front.sse {
        guarded = guarded.merge(sse::router(make, keeper.front.stop.clone()));
    }
    let guarded = guarded
        .layer(from_fn_with_state(keeper.clone(), session::same_caller))
        .layer(from_fn_with_state(keeper.clone(), bearer::scoped))
        .layer(from_fn_with_state(keeper.clone(), bearer::known));
    let open = Router::new()
        .route("/.well-known/oauth-protected-resource", get(bearer::metadata))
        .route("/.well-known/oauth-protected-resource/mcp", get(bearer::metadata))
        .with_state(keeper.clone());
    guarded.merge(open).layer(from_fn_with_state(keeper, door::ours))
}
