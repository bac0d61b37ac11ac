//! The gate: a tower layer under every request, that only lets reads out and only lets clean answers in.

use std::{
    future::Future,
    num::NonZeroU32,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock, clock::DefaultClock};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use kube::client::Body;
use tokio::{
    sync::{Mutex, Semaphore},
    time::{Instant, sleep, timeout_at},
};
use tower::{BoxError, Layer, Service, ServiceExt};

use crate::{
    body::{self, Answer},
    error::Fault,
    limits::Limits,
    request::{self, Allowed, Content},
    secrets,
    traffic::Traffic,
};

/// Puts a gate above a service. Clones share their limits and counts.
#[derive(Clone)]
pub struct GateLayer {
    rules: Arc<Rules>,
}

struct Rules {
    limits: Limits,
    traffic: Arc<Traffic>,
    slots: Semaphore,
    rate: DefaultDirectRateLimiter,
}

impl GateLayer {
    pub fn new(limits: &Limits) -> Self {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(limits.rate)).allow_burst(at_least_one(limits.burst));
        let rules = Rules {
            limits: limits.clone(),
            traffic: Arc::default(),
            slots: Semaphore::new(limits.concurrency.max(1)),
            rate: RateLimiter::direct(quota),
        };
        Self { rules: Arc::new(rules) }
    }

    pub fn traffic(&self) -> Arc<Traffic> {
        self.rules.traffic.clone()
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate { inner: Arc::new(Mutex::new(inner)), rules: self.rules.clone() }
    }
}

pub struct Gate<S> {
    /// A retry needs the service a second time, and kube's is not `Clone`. The lock is held while a call starts, not
    /// while it runs.
    inner: Arc<Mutex<S>>,
    rules: Arc<Rules>,
}

impl<S, B> Service<Request<Body>> for Gate<S>
where
    S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Answer>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // The limits hold inside the call, where the time-out covers the wait.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let rules = self.rules.clone();
        let allowed = match request::admit(&mut request) {
            Ok(allowed) => allowed,
            Err(refusal) => {
                rules.traffic.deny();
                tracing::warn!(%refusal, "the gate refused a request");
                return Box::pin(std::future::ready(Err(refusal.into())));
            }
        };
        Box::pin(exchange(self.inner.clone(), rules, request, allowed))
    }
}

async fn exchange<S, B>(
    inner: Arc<Mutex<S>>,
    rules: Arc<Rules>,
    request: Request<Body>,
    allowed: Allowed,
) -> Result<Response<Answer>, BoxError>
where
    S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let deadline =
        Deadline { at: Instant::now() + rules.limits.timeout, path: &allowed.path, limit: rules.limits.timeout };
    let (parts, asked) = request.into_parts();
    let asked = asked.collect().await?.to_bytes();
    let mut attempt = 0;
    loop {
        let slot =
            deadline.hold("waiting for one of the places for requests under way", rules.slots.acquire()).await??;
        deadline.hold("waiting for the rate limit", rules.turn()).await?;
        rules.traffic.request();
        let request = Request::from_parts(parts.clone(), Body::from(asked.clone()));
        let answer = deadline.hold("waiting for the answer", send(&inner, request)).await?;
        let response = answer.map_err(|source| Fault::Connection { path: allowed.path.clone(), source })?;
        let pause = retry_after(response.status(), response.headers());
        if let Some(pause) =
            pause.filter(|pause| attempt < rules.limits.retries && Instant::now() + *pause < deadline.at)
        {
            drop((response, slot));
            attempt += 1;
            rules.traffic.retry();
            sleep(pause).await;
            continue;
        }
        return Ok(finish(&rules, &allowed, response, &deadline).await?);
    }
}

async fn send<S, B>(inner: &Mutex<S>, request: Request<Body>) -> Result<Response<B>, BoxError>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
{
    let call = {
        let mut inner = inner.lock().await;
        inner.ready().await.map_err(Into::into)?.call(request)
    };
    call.await.map_err(Into::into)
}

impl Rules {
    async fn turn(&self) {
        let clock = DefaultClock::default();
        while let Err(later) = self.rate.check() {
            sleep(later.wait_time_from(clock.now())).await;
        }
    }
}

struct Deadline<'a> {
    at: Instant,
    path: &'a str,
    limit: Duration,
}

impl Deadline<'_> {
    async fn hold<T>(&self, step: &'static str, work: impl Future<Output = T>) -> Result<T, Fault> {
        timeout_at(self.at, work).await.map_err(|_| Fault::Timeout {
            path: self.path.to_owned(),
            limit: self.limit,
            step,
        })
    }
}

/// How long an overloaded server asks to wait. API servers give seconds; the date form of a proxy is not honoured and
/// its answer goes to the caller.
fn retry_after(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    if !matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
        return None;
    }
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

async fn finish<B>(
    rules: &Rules,
    allowed: &Allowed,
    response: Response<B>,
    deadline: &Deadline<'_>,
) -> Result<Response<Answer>, Fault>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    let path = || allowed.path.clone();
    let status = response.status();
    if status.is_redirection() {
        let to = response.headers().get(header::LOCATION).and_then(|to| to.to_str().ok());
        return Err(Fault::Redirect { path: path(), to: to.unwrap_or("nowhere").to_owned() });
    }
    if status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Fault::Unreadable { path: path(), why: "the server switched protocols".to_owned() });
    }
    let (mut parts, content) = response.into_parts();
    let json = is_json(&parts.headers);
    if status.is_success() && allowed.content != Content::Text && allowed.method != Method::HEAD && !json {
        return Err(Fault::Unreadable { path: path(), why: "it is not JSON".to_owned() });
    }
    if status.is_success() && allowed.stream {
        return Ok(Response::from_parts(
            parts,
            body::lines(content, allowed.clone(), &rules.limits, rules.traffic.clone()),
        ));
    }
    let read = body::collect(content, allowed, rules.limits.body, &rules.traffic);
    let read = deadline.hold("reading the answer", read).await??;
    let clean = clean(allowed, status, json, read).map_err(|why| Fault::Unreadable { path: path(), why })?;
    if allowed.method != Method::HEAD {
        parts.headers.remove(header::CONTENT_LENGTH);
    }
    Ok(Response::from_parts(parts, body::whole(clean)))
}

fn clean(allowed: &Allowed, status: StatusCode, json: bool, read: Bytes) -> Result<Bytes, String> {
    if allowed.method == Method::HEAD {
        return Ok(read);
    }
    match allowed.content {
        Content::Text => Ok(read),
        // An error page of a proxy says nothing about Secrets, but nobody has looked at it: the status is enough.
        Content::Secrets if !status.is_success() => {
            Ok(secrets::blank_answer(&read).map(Bytes::from).unwrap_or_default())
        }
        Content::Secrets => secrets::blank_answer(&read).map(Bytes::from),
        Content::Objects if json => Ok(secrets::blank_strays(&read)?.map_or(read, Bytes::from)),
        Content::Objects => Ok(read),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
