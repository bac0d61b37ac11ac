//! Sessions of the older revisions: each belongs to the caller who began it, and to nobody else it exists.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use rmcp::transport::streamable_http_server::session::SessionManager;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;

use super::Gatekeeper;
use crate::context::Caller;

const HEADER: &str = "mcp-session-id";
/// Above this many remembered sessions, those that have ended are forgotten before one is added.
const MANY: usize = 256;
/// Open sessions at most; the next client is asked to come back later.
const MOST: usize = 4096;

pub struct Sessions {
    owners: Mutex<HashMap<String, Caller>>,
    manager: Arc<LocalSessionManager>,
}

impl Sessions {
    pub fn new(manager: Arc<LocalSessionManager>) -> Self {
        Self { owners: Mutex::default(), manager }
    }

    fn owner(&self, id: &str) -> Option<Caller> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    fn keep(&self, id: String, caller: Caller) {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner).insert(id, caller);
    }

    /// Forgets what has ended; false when there is no room even so.
    async fn has_room(&self) -> bool {
        let known: Vec<String> = {
            let owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
            if owners.len() < MANY {
                return true;
            }
            owners.keys().cloned().collect()
        };
        let mut ended = Vec::new();
        for id in known {
            if !self.manager.has_session(&id.as_str().into()).await.unwrap_or(false) {
                ended.push(id);
            }
        }
        let mut owners = self.owners.lock().unwrap_or_else(PoisonError::into_inner);
        for id in ended {
            owners.remove(&id);
        }
        owners.len() < MOST
    }
}

pub async fn same_caller(State(keeper): State<Arc<Gatekeeper>>, request: Request, next: Next) -> Response {
    let Some(caller) = request.extensions().get::<Caller>().cloned() else {
        return StatusCode::UNAUTHORIZED.into_response();
    };
    let shown = request.headers().get(HEADER).map(|id| id.to_str().unwrap_or_default().to_owned());
    match shown {
        // somebody else's session and none at all look the same
        Some(id) if keeper.sessions.owner(&id).is_none_or(|owner| owner.name != caller.name) => {
            return (StatusCode::NOT_FOUND, "Not Found: Session not found").into_response();
        }
        Some(_) => {}
        None => {
            if !keeper.sessions.has_room().await {
                return (StatusCode::SERVICE_UNAVAILABLE, "Too many open sessions; try again later").into_response();
            }
        }
    }
    let response = next.run(request).await;
    if let Some(id) = response.headers().get(HEADER).and_then(|id| id.to_str().ok())
        && keeper.sessions.owner(id).is_none()
    {
        keeper.sessions.keep(id.to_owned(), caller);
    }
    response
}
