//! The transport of 2024-11-05, for clients that know no other: answers come on a stream, requests go to another address.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::rand;
use axum::Extension;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use futures::channel::mpsc;
use futures::{SinkExt, Stream, StreamExt};
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::{ServerHandler, ServiceExt};
use serde::Deserialize;
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::debug;

use super::Make;
use crate::context::Caller;

/// Messages on their way; a client that sends faster than its calls run has to wait.
const WAITING: usize = 16;
/// Streams open at once.
const MOST: usize = 256;
const KEEP_ALIVE: Duration = Duration::from_secs(15);

struct Line {
    caller: String,
    to_server: mpsc::Sender<ClientJsonRpcMessage>,
}

struct Lines<F> {
    make: F,
    stop: CancellationToken,
    open: Mutex<HashMap<String, Line>>,
}

pub fn router<H: ServerHandler, F: Make<H>>(make: F, stop: CancellationToken) -> Router {
    let lines = Arc::new(Lines { make, stop, open: Mutex::default() });
    Router::new().route("/sse", get(open::<H, F>)).route("/messages", post(message::<F>)).with_state(lines)
}

/// Takes the line down when the client's stream is dropped, which cancels its calls.
struct Hangup<F> {
    id: String,
    lines: Arc<Lines<F>>,
    _calls: DropGuard,
}

impl<F> Drop for Hangup<F> {
    fn drop(&mut self) {
        self.lines.open.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}

async fn open<H: ServerHandler, F: Make<H>>(
    State(lines): State<Arc<Lines<F>>>,
    Extension(caller): Extension<Caller>,
) -> Response {
    let mut random = [0; 24];
    if rand::fill(&mut random).is_err() {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let id = BASE64.encode(random);
    let (to_server, from_client) = mpsc::channel(WAITING);
    let (to_client, from_server) = mpsc::channel::<ServerJsonRpcMessage>(WAITING);
    {
        let mut open = lines.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() >= MOST {
            return (StatusCode::SERVICE_UNAVAILABLE, "Too many open streams; try again later").into_response();
        }
        open.insert(id.clone(), Line { caller: caller.name.clone(), to_server });
    }
    let server = (lines.make)(Some(caller));
    let calls = lines.stop.child_token();
    let until = calls.clone();
    tokio::spawn(async move {
        let to_client = to_client.sink_map_err(std::io::Error::other);
        match server.serve_with_ct((to_client, from_client), until).await {
            Ok(running) => drop(running.waiting().await),
            Err(error) => debug!(%error, "a client of the old transport left early"),
        }
    });
    let stop = lines.stop.clone();
    let hangup = Hangup { id: id.clone(), lines, _calls: calls.drop_guard() };
    Sse::new(events(id, from_server, hangup).take_until(stop.cancelled_owned()))
        .keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
        .into_response()
}

fn events<F: Send + Sync + 'static>(
    id: String,
    answers: mpsc::Receiver<ServerJsonRpcMessage>,
    hangup: Hangup<F>,
) -> impl Stream<Item = Result<Event, Infallible>> {
    let endpoint = Event::default().event("endpoint").data(format!("/messages?session_id={id}"));
    let answers = answers.filter_map(move |answer| {
        // held for as long as the stream lives
        let _ = &hangup;
        let text = serde_json::to_string(&answer).ok();
        std::future::ready(text.map(|text| Event::default().event("message").data(text)))
    });
    futures::stream::iter([endpoint]).chain(answers).map(Ok)
}

#[derive(Deserialize)]
struct Address {
    session_id: String,
}

async fn message<F: Send + Sync + 'static>(
    State(lines): State<Arc<Lines<F>>>,
    Extension(caller): Extension<Caller>,
    Query(address): Query<Address>,
    body: Bytes,
) -> Response {
    let line = {
        let open = lines.open.lock().unwrap_or_else(PoisonError::into_inner);
        // somebody else's stream and none at all look the same
        open.get(&address.session_id).filter(|line| line.caller == caller.name).map(|line| line.to_server.clone())
    };
    let Some(mut line) = line else {
        return (StatusCode::NOT_FOUND, "Not Found: Session not found").into_response();
    };
    let message: ClientJsonRpcMessage = match serde_json::from_slice(&body) {
        Ok(message) => message,
        Err(error) => return (StatusCode::BAD_REQUEST, format!("Not a message: {error}")).into_response(),
    };
    match line.send(message).await {
        Ok(()) => (StatusCode::ACCEPTED, "Accepted").into_response(),
        Err(_) => (StatusCode::NOT_FOUND, "Not Found: Session not found").into_response(),
    }
}
