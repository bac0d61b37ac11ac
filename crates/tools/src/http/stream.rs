//! Streamable HTTP: rmcp serves the stateless revision and the sessions of the older ones.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use tower::ServiceExt;

use super::{BODY, Front, Make};

pub type Service<H> = StreamableHttpService<H, LocalSessionManager>;

pub fn service<H: ServerHandler>(make: impl Make<H>, front: &Front) -> (Service<H>, Arc<LocalSessionManager>) {
    let manager = Arc::new(LocalSessionManager::default());
    // Host and Origin were checked by the door, which knows more names than this list would
    let mut config = StreamableHttpServerConfig::default().disable_allowed_hosts().disable_allowed_origins();
    config.max_request_body_bytes = BODY;
    config.cancellation_token = front.stop.clone();
    let service = StreamableHttpService::new(move || Ok(make(None)), manager.clone(), config);
    (service, manager)
}

pub async fn answer<H: ServerHandler>(service: Service<H>, request: Request) -> Response {
    let answered: Result<_, Infallible> = service.oneshot(request).await;
    match answered {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    }
}
