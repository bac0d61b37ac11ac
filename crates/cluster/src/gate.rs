//! The gate: a tower layer under every request, that lets out reads and what has a pass, and lets in clean answers.

use std::{
    future::Future,
    num::NonZeroU32,
    pin::Pin,
    sync::{Arc, OnceLock},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures::future::BoxFuture;
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter, clock::Clock, clock::DefaultClock};
use http::{HeaderMap, Method, Request, Response, StatusCode, header, request::Parts};
use http_body_util::BodyExt;
use kube::client::Body;
use tokio::{
    sync::{Mutex, Semaphore},
    time::{Instant, sleep, timeout_at},
};
use tower::{BoxError, Layer, Service, ServiceExt};

use crate::{
    body::{self, Answer},
    canonical,
    class::{Class, Classified, Scope, Seen},
    error::Fault,
    identity::Identity,
    pace::Limits,
    pass::Pass,
    request::{self, Allowed, Content},
    secrets,
    traffic::Traffic,
};

/// Steps before a request leaves: a time-out in them proves that nothing was sent.
pub const BEFORE_SENDING: [&str; 2] =
    ["waiting for one of the places for requests under way", "waiting for the rate limit"];

/// Decides on each read of objects before it leaves, and writes down the sensitive ones; an error says why not.
pub type Leave = Arc<dyn Fn(&canonical::Request, &Classified) -> BoxFuture<'static, Result<(), String>> + Send + Sync>;

/// Puts a gate above a service. Clones share their limits and counts.
#[derive(Clone)]
pub struct GateLayer {
    rules: Arc<Rules>,
    caller: Arc<Caller>,
}

struct Rules {
    limits: Limits,
    traffic: Arc<Traffic>,
    slots: Semaphore,
    rate: DefaultDirectRateLimiter,
    /// The cluster's uid, once it was asked for.
    uid: OnceLock<String>,
    /// The configuration of the connection acts as somebody else.
    impersonates: bool,
}

/// For whom requests leave.
#[derive(Default)]
struct Caller {
    identity: Option<Identity>,
    reads: Reads,
}

#[derive(Default)]
enum Reads {
    /// The account of the connection, for work that nobody asked for: what it may read is for RBAC to say.
    #[default]
    OfTheAccount,
    /// A person's: without sensitive ones.
    Plain,
    Asking {
        scope: Scope,
        leave: Leave,
    },
}

impl GateLayer {
    /// `impersonates`: the connection's configuration already acts as somebody, so nobody else can.
    pub fn new(limits: &Limits, impersonates: bool) -> Self {
        let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let quota = Quota::per_second(at_least_one(limits.rate)).allow_burst(at_least_one(limits.burst));
        let rules = Rules {
            limits: limits.clone(),
            traffic: Arc::default(),
            slots: Semaphore::new(limits.concurrency.max(1)),
            rate: RateLimiter::direct(quota),
            uid: OnceLock::new(),
            impersonates,
        };
        Self { rules: Arc::new(rules), caller: Arc::default() }
    }

    pub fn traffic(&self) -> Arc<Traffic> {
        self.rules.traffic.clone()
    }

    pub(crate) fn acting_as(&self, identity: &Identity) -> Self {
        self.with(Caller { identity: Some(identity.clone()), reads: Reads::Plain })
    }

    pub(crate) fn of_the_account(&self) -> Self {
        self.with(Caller::default())
    }

    pub(crate) fn asking(&self, scope: Scope, leave: Leave) -> Self {
        self.with(Caller { identity: self.caller.identity.clone(), reads: Reads::Asking { scope, leave } })
    }

    fn with(&self, caller: Caller) -> Self {
        Self { rules: self.rules.clone(), caller: Arc::new(caller) }
    }

    pub(crate) fn identity(&self) -> Option<&Identity> {
        self.caller.identity.as_ref()
    }

    pub(crate) fn uid(&self) -> &OnceLock<String> {
        &self.rules.uid
    }
}

impl<S> Layer<S> for GateLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate { inner: Arc::new(Mutex::new(inner)), layer: self.clone() }
    }
}

pub struct Gate<S> {
    /// A retry needs the service a second time, and kube's is not `Clone`. The lock is held while a call starts, not
    /// while it runs.
    inner: Arc<Mutex<S>>,
    layer: GateLayer,
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

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let (inner, layer) = (self.inner.clone(), self.layer.clone());
        Box::pin(async move {
            match layer.admit(request).await {
                Ok((request, allowed)) => exchange(inner, layer.rules, request, allowed).await,
                Err(refusal) => {
                    layer.rules.traffic.deny();
                    tracing::warn!(%refusal, "the gate refused a request");
                    Err(refusal.into())
                }
            }
        })
    }
}

impl GateLayer {
    /// Everything that has to hold before a request may leave.
    async fn admit(&self, request: Request<Body>) -> Result<(Request<Bytes>, Allowed), Fault> {
        let (mut parts, body) = request.into_parts();
        let (method, path) = (parts.method.clone(), parts.uri.path().to_owned());
        let refuse = |why| Fault::Refused { method: method.clone(), path: path.clone(), why };

        if parts.headers.keys().any(|name| name.as_str().starts_with("impersonate-")) {
            return Err(refuse("only the gate itself says for whom a request is"));
        }
        if self.identity().is_some() && self.rules.impersonates {
            return Err(refuse("the kubeconfig acts as somebody itself (`as`), so nobody else can"));
        }
        let pass = parts.extensions.remove::<Pass>();
        let allowed = request::admit(&mut parts, pass.is_some())?;
        // Bodies are ours, in memory: an error here is one of the caller's making.
        let body = body.collect().await.map_err(|_| refuse("its body cannot be read"))?.to_bytes();
        match pass {
            Some(pass) => pass.spend(&self.canonical(&parts, &body).map_err(refuse)?).map_err(refuse)?,
            None => self.leave(&parts, &allowed).await?,
        }
        if let Some(identity) = self.identity() {
            parts.headers.extend(identity.headers().map_err(refuse)?);
        }
        Ok((Request::from_parts(parts, body), allowed))
    }

    fn canonical(&self, parts: &Parts, body: &Bytes) -> Result<canonical::Request, &'static str> {
        let uid = self.rules.uid.get().map(String::as_str).unwrap_or_default();
        let request = Request::from_parts(parts.clone(), body);
        canonical::Request::from_http(&request, uid, self.identity())
            .map_err(|_| "it is no request that can be decided on")
    }

    /// What a person reads is decided by whoever was named for it; without one, nothing sensitive is read. The account's
    /// own reads are bounded by its rights.
    async fn leave(&self, parts: &Parts, allowed: &Allowed) -> Result<(), Fault> {
        if !allowed.object || allowed.method == Method::POST {
            return Ok(());
        }
        let scope = match &self.caller.reads {
            Reads::OfTheAccount if allowed.node => &Scope::default(),
            Reads::OfTheAccount => return Ok(()),
            Reads::Plain => &Scope::default(),
            Reads::Asking { scope, .. } => scope,
        };
        let refuse = |why| Fault::Refused { method: parts.method.clone(), path: allowed.path.clone(), why };
        let request = self.canonical(parts, &Bytes::new()).map_err(refuse)?;
        let classified = scope.classify(&request, &Seen::default());
        let decided = match &self.caller.reads {
            Reads::Asking { leave, .. } => leave(&request, &classified).await,
            Reads::OfTheAccount | Reads::Plain if classified.class == Class::R => Ok(()),
            Reads::OfTheAccount | Reads::Plain => Err("sensitive reads are off here".to_owned()),
        };
        let why = classified.why.first().copied().unwrap_or_default();
        let class = classified.class.as_str();
        decided.map_err(|denied| Fault::NeedsLeave { path: allowed.path.clone(), class, why, denied })
    }
}

async fn exchange<S, B>(
    inner: Arc<Mutex<S>>,
    rules: Arc<Rules>,
    request: Request<Bytes>,
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
    let [queue, pace] = BEFORE_SENDING;
    let retries = if allowed.writes { 0 } else { rules.limits.retries };
    let mut attempt = 0;
    loop {
        let slot = deadline.hold(queue, rules.slots.acquire()).await??;
        deadline.hold(pace, rules.turn()).await?;
        rules.traffic.request();
        let request = Request::from_parts(parts.clone(), Body::from(asked.clone()));
        let answer = deadline.hold("waiting for the answer", send(&inner, request)).await?;
        let response = answer.map_err(|source| Fault::Connection { path: allowed.path.clone(), source })?;
        let pause = retry_after(response.status(), response.headers());
        if let Some(pause) = pause.filter(|pause| attempt < retries && Instant::now() + *pause < deadline.at) {
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
