//! Stand-in servers on loopback, one a vendor: they know limits, signatures, paces and error answers, keep what they
//! got, and fail when told to. For tests and for `midwatch demo`.

pub mod card;
mod card_html;
pub mod dingtalk;
pub mod feishu;
pub mod slack;
pub mod webhook;
pub mod wecom;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Response, StatusCode, Uri};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::limit::Window;

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// When it came, by the server's clock.
    pub at: Timestamp,
    /// Its method.
    pub method: Method,
    /// Its path and query.
    pub uri: Uri,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Incoming {
    /// The body as JSON; `Null` if it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// A value of the query, decoded.
    pub fn query(&self, name: &str) -> Option<String> {
        let url = reqwest::Url::parse(&format!("http://x/?{}", self.uri.query()?)).ok()?;
        url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    }

    /// The token of an `Authorization: Bearer` header.
    pub fn bearer(&self) -> Option<&str> {
        self.headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// Body.
    pub body: String,
}

impl Reply {
    /// 200 with a JSON body.
    pub fn json(body: &Value) -> Self {
        let kind = ("content-type", "application/json; charset=utf-8".to_owned());
        Self { status: 200, headers: vec![kind], body: body.to_string() }
    }

    /// A status with a text.
    pub fn text(status: u16, body: &str) -> Self {
        Self { status, headers: vec![("content-type", "text/plain".to_owned())], body: body.to_owned() }
    }

    /// The same with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// What goes wrong with the next request, before the vendor's rules are asked.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This answer.
    Answer(Reply),
    /// The usual answer, after this long.
    Slow(Duration),
    /// The message is taken, and the connection breaks before the answer is whole.
    Reset,
}

/// A vendor's rules.
pub trait Vendor: Send + 'static {
    /// Judge a request and keep what is accepted.
    fn answer(&mut self, incoming: &Incoming) -> Reply;
}

struct Inner<V> {
    vendor: V,
    faults: VecDeque<Fault>,
    received: Vec<Incoming>,
    clock: Option<Timestamp>,
}

/// A running stand-in server; it stops when dropped.
pub struct Pretend<V> {
    address: SocketAddr,
    inner: Arc<Mutex<Inner<V>>>,
    task: tokio::task::JoinHandle<()>,
}

impl<V> Drop for Pretend<V> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<V: Vendor> Pretend<V> {
    /// Listen on a free loopback port.
    pub async fn start(vendor: V) -> std::io::Result<Self> {
        let inner = Inner { vendor, faults: VecDeque::new(), received: Vec::new(), clock: None };
        let inner = Arc::new(Mutex::new(inner));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let router = axum::Router::new().fallback(handle::<V>).with_state(inner.clone());
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, router).await {
                tracing::error!(%error, "a pretend server stopped");
            }
        });
        Ok(Self { address, inner, task })
    }

    /// Its address with `path`, which begins with `/` or is empty.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Let the next `times` requests go wrong.
    pub fn fail(&self, times: usize, fault: &Fault) {
        lock(&self.inner).faults.extend(std::iter::repeat_n(fault.clone(), times));
    }

    /// Every request so far, also those that were refused.
    pub fn received(&self) -> Vec<Incoming> {
        lock(&self.inner).received.clone()
    }

    /// Set the server's clock; without it, it is the machine's.
    pub fn set_clock(&self, now: Timestamp) {
        lock(&self.inner).clock = Some(now);
    }

    /// Look into the vendor's state or change it.
    pub fn with<T>(&self, look: impl FnOnce(&mut V) -> T) -> T {
        look(&mut lock(&self.inner).vendor)
    }
}

fn lock<V>(inner: &Mutex<Inner<V>>) -> MutexGuard<'_, Inner<V>> {
    inner.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn handle<V: Vendor>(State(inner): State<Arc<Mutex<Inner<V>>>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    // More than any vendor takes, so that their own limits are what refuses.
    let Ok(body) = to_bytes(body, 4 << 20).await else {
        return respond(Reply::text(413, "too large"), false);
    };
    let fault = {
        let mut inner = lock(&inner);
        inner.faults.pop_front()
    };
    if let Some(Fault::Slow(pause)) = &fault {
        tokio::time::sleep(*pause).await;
    }
    let mut inner = lock(&inner);
    let at = inner.clock.unwrap_or_else(Timestamp::now);
    let incoming = Incoming { at, method: head.method, uri: head.uri, headers: head.headers, body };
    inner.received.push(incoming.clone());
    match fault {
        Some(Fault::Answer(reply)) => respond(reply, false),
        Some(Fault::Reset) => respond(inner.vendor.answer(&incoming), true),
        Some(Fault::Slow(_)) | None => respond(inner.vendor.answer(&incoming), false),
    }
}

fn respond(reply: Reply, broken: bool) -> Response<Body> {
    let body = if broken {
        let error = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        Body::from_stream(futures::stream::iter([Err::<Bytes, _>(error)]))
    } else {
        Body::from(reply.body)
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in reply.headers {
        if let Ok(value) = value.parse() {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// A vendor's own count of messages: what is refused counts too, as vendors do it.
#[derive(Debug, Default)]
pub struct Pace {
    times: Vec<Timestamp>,
    muted_until: Option<Timestamp>,
    /// How many requests came too early or while muted.
    pub violations: usize,
}

impl Pace {
    /// Count a request; `false` if it comes too early. After one such, `punishment` long everything is refused.
    pub fn admit(&mut self, windows: &[Window], punishment: Option<Duration>, now: Timestamp) -> bool {
        let after = |span: Duration| SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
        self.times.push(now);
        let muted = self.muted_until.is_some_and(|until| until > now);
        let too_fast = windows.iter().any(|window| {
            let recent = self.times.iter().filter(|t| now.duration_since(**t) < after(window.per)).count();
            recent > window.count
        });
        if too_fast {
            self.muted_until = punishment.and_then(|p| now.checked_add(after(p)).ok()).or(self.muted_until);
        }
        if muted || too_fast {
            self.violations += 1;
        }
        !(muted || too_fast)
    }
}

/// The vendor's number of messages a minute.
pub(crate) const fn a_minute(count: usize) -> Window {
    Window::new(count, Duration::from_secs(60))
}
