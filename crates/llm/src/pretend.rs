//! A scripted model on a port: written turns in the wire format of the path that is asked, faults on demand, and what was
//! asked kept and checked. For tests.

mod anthropic;
mod gemini;
mod ollama;
mod openai_chat;
mod openai_responses;
mod pairs;
mod stream;
mod turn;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Response, StatusCode, header};
use axum::serve::ListenerExt;
use serde_json::{Value, json};

pub use turn::Turn;
use turn::What;

use crate::settings::Dialect;

/// The most bytes of a request that are read.
const MOST: usize = 64 << 20;

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

type Script = Box<dyn FnMut(&Value) -> Option<Turn> + Send>;

struct Inner {
    script: Script,
    asked: Vec<Asked>,
    violations: Vec<String>,
}

#[derive(Clone)]
struct Shared {
    inner: Arc<Mutex<Inner>>,
    open: Arc<AtomicUsize>,
}

/// The running server; it stops when dropped.
pub struct Model {
    /// its address with the version, as it is configured for OpenAI's format
    pub url: String,
    /// its address alone
    pub root: String,
    shared: Shared,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Model {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Model {
    /// Answers with these turns one after another; after the last one it says 500.
    pub async fn start(turns: Vec<Turn>) -> std::io::Result<Self> {
        let mut turns = VecDeque::from(turns);
        Self::serve(Box::new(move |_| turns.pop_front())).await
    }

    /// Answers with what `act` makes of the body of each request.
    pub async fn acting(mut act: impl FnMut(&Value) -> Turn + Send + 'static) -> std::io::Result<Self> {
        Self::serve(Box::new(move |body| Some(act(body)))).await
    }

    async fn serve(script: Script) -> std::io::Result<Self> {
        let inner = Inner { script, asked: Vec::new(), violations: Vec::new() };
        let shared = Shared { inner: Arc::new(Mutex::new(inner)), open: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let root = format!("http://{}", listener.local_addr()?);
        let router = axum::Router::new().fallback(handle).with_state(shared.clone());
        let task = tokio::spawn(async move {
            // without it small pieces wait for the other side's delayed acknowledgement, 40 ms each
            let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "a pretend model stopped");
            }
        });
        Ok(Self { url: format!("{root}/v1"), root, shared, task })
    }

    /// The bodies of the requests so far.
    pub fn requests(&self) -> Vec<Value> {
        lock(&self.shared.inner).asked.iter().map(|asked| asked.body.clone()).collect()
    }

    /// The requests so far with path and headers.
    pub fn asked(&self) -> Vec<Asked> {
        lock(&self.shared.inner).asked.clone()
    }

    /// What was wrong with the requests so far: calls without a result and the reverse.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.shared.inner).violations.clone()
    }

    /// How many answers are being written.
    pub fn open(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }
}

fn lock(inner: &Mutex<Inner>) -> MutexGuard<'_, Inner> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn handle(State(shared): State<Shared>, request: Request) -> Result<Response<Body>, Infallible> {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let Ok(bytes) = to_bytes(body, MOST).await else { return Ok(plain(StatusCode::PAYLOAD_TOO_LARGE, "too large")) };
    let Some(dialect) = dialect(&path) else { return Ok(elsewhere(&path)) };
    let body: Value = match serde_json::from_slice(&bytes) {
        Ok(body) => body,
        Err(error) => return Ok(refused(dialect, &error.to_string())),
    };
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let asked = Asked { path: path.clone(), headers: headers.collect(), body: body.clone() };
    let turn = {
        let mut inner = lock(&shared.inner);
        inner.asked.push(asked);
        if let Err(why) = pairs::check(dialect, &body) {
            inner.violations.push(why.clone());
            return Ok(refused(dialect, &why));
        }
        (inner.script)(&body)
    };
    let Some(turn) = turn else { return Ok(plain(StatusCode::INTERNAL_SERVER_ERROR, "the script is over")) };
    Ok(answer(dialect, &path, &body, turn, &shared.open))
}

/// The wire format that is asked for.
fn dialect(path: &str) -> Option<Dialect> {
    let ends = [
        ("/chat/completions", Dialect::OpenaiChat),
        ("/responses", Dialect::OpenaiResponses),
        ("/messages", Dialect::Anthropic),
        (":streamGenerateContent", Dialect::Gemini),
        (":generateContent", Dialect::Gemini),
        ("/api/chat", Dialect::Ollama),
    ];
    ends.iter().find(|(end, _)| path.ends_with(end)).map(|(_, dialect)| *dialect)
}

fn elsewhere(path: &str) -> Response<Body> {
    if path.ends_with("/models") {
        let list = json!({"object": "list", "data": [{"id": "pretend", "object": "model", "owned_by": "nobody"}]});
        return respond(StatusCode::OK, "application/json", list.to_string().into());
    }
    plain(StatusCode::NOT_FOUND, "no such path")
}

fn refused(dialect: Dialect, why: &str) -> Response<Body> {
    let body = match dialect {
        Dialect::OpenaiChat | Dialect::OpenaiResponses => {
            json!({"error": {"message": why, "type": "invalid_request_error", "code": null}})
        }
        Dialect::Anthropic => json!({"type": "error", "error": {"type": "invalid_request_error", "message": why}}),
        Dialect::Gemini => json!({"error": {"code": 400, "message": why, "status": "INVALID_ARGUMENT"}}),
        Dialect::Ollama => json!({"error": why}),
    };
    respond(StatusCode::BAD_REQUEST, "application/json", body.to_string().into())
}

fn answer(dialect: Dialect, path: &str, body: &Value, turn: Turn, open: &Arc<AtomicUsize>) -> Response<Body> {
    let streamed = match dialect {
        Dialect::Gemini => path.ends_with(":streamGenerateContent"),
        Dialect::Ollama => body["stream"] != false,
        Dialect::OpenaiChat | Dialect::OpenaiResponses | Dialect::Anthropic => body["stream"] == true,
    };
    let (status, kind, pieces, headers) = match turn.what {
        What::Raw { status, headers, body } => (status, "text/event-stream", vec![body], headers),
        What::Said(said) if streamed => {
            let (kind, pieces) = stream::pieces(dialect, &said);
            (200, kind, pieces, Vec::new())
        }
        What::Said(said) => (200, "application/json", vec![stream::whole(dialect, &said).to_string()], Vec::new()),
    };
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = Body::from_stream(stream::paced(pieces, turn.pace, open));
    let mut response = respond(status, kind, body);
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (header::HeaderName::try_from(name), header::HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn plain(status: StatusCode, text: &'static str) -> Response<Body> {
    respond(status, "text/plain", Bytes::from_static(text.as_bytes()).into())
}

fn respond(status: StatusCode, kind: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
