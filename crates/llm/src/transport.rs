//! The HTTP side of one model: a client with its proxy and certificates, and time limits for each part of an answer.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Certificate, Proxy, Response, Url, redirect};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use crate::error::Class;
use crate::refusal::{self, Refusal};
use crate::settings::{Model, SettingsError};

const CONNECT: Duration = Duration::from_secs(10);
const FIRST_BYTE: Duration = Duration::from_secs(60);
const IDLE: Duration = Duration::from_secs(60);
/// A model that thinks without showing it is silent for longer.
const IDLE_THINKING: Duration = Duration::from_secs(120);
const LONGEST_ERROR: usize = 64 * 1024;
const LONGEST_ANSWER: usize = 32 << 20;

#[derive(Debug, Clone)]
pub(crate) struct Transport {
    client: reqwest::Client,
    base: Url,
}

/// One request.
pub(crate) struct Call<'a> {
    /// below the model's address
    pub path: &'a str,
    pub headers: &'a [(String, String)],
    pub body: &'a Value,
    pub deadline: Instant,
    pub thinks: bool,
}

/// An answer with status 200.
pub(crate) enum Got {
    /// it was fed while it came
    Stream,
    /// it came in one piece that is no stream
    Whole(String),
}

impl Transport {
    pub fn new(model: &Model) -> Result<Self, SettingsError> {
        let bad = |what: String| SettingsError { model: model.name.clone(), what };
        if let Some(problem) = model.problems().into_iter().next() {
            return Err(bad(problem));
        }
        let base = Url::parse(model.url.trim()).map_err(|error| bad(format!("url: {error}")))?;
        let mut builder = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            // a followed redirect turns a POST into a GET and takes the key elsewhere
            .redirect(redirect::Policy::none())
            .user_agent(concat!("midwatch/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &model.proxy {
            let proxy = Proxy::all(proxy.as_str()).map_err(|_| bad("proxy: no address of a proxy".to_owned()))?;
            builder = builder.proxy(proxy);
        } else if is_here(&base) {
            // a proxy is for the world outside
            builder = builder.no_proxy();
        }
        if let Some(path) = &model.ca_file {
            let told = |error: &dyn std::fmt::Display| bad(format!("ca_file {}: {error}", path.display()));
            let pem = std::fs::read(path).map_err(|error| told(&error))?;
            let certificates = Certificate::from_pem_bundle(&pem).map_err(|error| told(&error))?;
            if certificates.is_empty() {
                return Err(told(&"no certificate stands in it"));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let client = builder.build().map_err(|error| bad(format!("cannot start an HTTP client: {}", cause(&error))))?;
        Ok(Self { client, base })
    }

    /// Sends the request and feeds what comes; an answer that is none becomes a refusal.
    pub async fn send(
        &self,
        call: &Call<'_>,
        feed: &mut (dyn FnMut(&[u8]) -> Result<(), Refusal> + Send),
    ) -> Result<Got, Refusal> {
        let url = self.url(call.path)?;
        let mut request = self.client.post(url).json(call.body);
        for (name, value) in call.headers {
            request = request.header(name, value);
        }
        let first = Instant::now() + FIRST_BYTE;
        let response = within(first.min(call.deadline), request.send()).await?.map_err(|error| network(&error))?;
        if response.status().as_u16() != 200 {
            return Err(refused(response, call.deadline).await);
        }
        receive(response, call, first, feed).await
    }

    fn url(&self, path: &str) -> Result<Url, Refusal> {
        let mut base = self.base.clone();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        let whole = base.path().trim_end_matches('/').to_owned();
        // an address with the whole path is taken as it stands
        if !whole.ends_with(path.trim_end_matches('/')) {
            base.set_path(&crate::dialect::join(&whole, path));
        }
        if let Some(query) = query {
            let own = base.query().map(|own| format!("{own}&{query}"));
            base.set_query(Some(own.as_deref().unwrap_or(query)));
        }
        Ok(base)
    }
}

fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

async fn receive(
    mut response: Response,
    call: &Call<'_>,
    first: Instant,
    feed: &mut (dyn FnMut(&[u8]) -> Result<(), Refusal> + Send),
) -> Result<Got, Refusal> {
    let kind = response.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let mut stream = (kind.contains("event-stream") || kind.contains("ndjson")).then_some(true);
    let mut whole = Vec::new();
    let mut size = 0;
    let mut until = first;
    loop {
        let chunk = within(until.min(call.deadline), response.chunk()).await?;
        let chunk = match chunk {
            Ok(Some(chunk)) => chunk,
            Ok(None) => break,
            // what came so far may be whole: the decoder knows
            Err(_) if stream == Some(true) => break,
            Err(error) => return Err(network(&error)),
        };
        until = Instant::now() + if call.thinks { IDLE_THINKING } else { IDLE };
        size += chunk.len();
        if size > LONGEST_ANSWER {
            return Err(Refusal::ours(Class::TooLarge, format!("an answer of more than {} MiB", LONGEST_ANSWER >> 20)));
        }
        if stream.is_none() {
            let start = chunk.iter().find(|byte| !byte.is_ascii_whitespace());
            stream = start.map(|byte| !matches!(byte, b'{' | b'[' | b'<'));
        }
        match stream {
            Some(true) => feed(&chunk)?,
            Some(false) | None => whole.extend_from_slice(&chunk),
        }
    }
    if stream == Some(true) {
        return Ok(Got::Stream);
    }
    Ok(Got::Whole(String::from_utf8_lossy(&whole).into_owned()))
}

async fn refused(mut response: Response, deadline: Instant) -> Refusal {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let mut body = Vec::new();
    let until = deadline.min(Instant::now() + CONNECT);
    // a body that breaks off still tells something
    while let Ok(Ok(Some(chunk))) = timeout_at(until, response.chunk()).await {
        let room = LONGEST_ERROR - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if chunk.len() >= room {
            break;
        }
    }
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    refusal::read(status, &header, &String::from_utf8_lossy(&body), Timestamp::now())
}

async fn within<T>(until: Instant, work: impl Future<Output = T>) -> Result<T, Refusal> {
    timeout_at(until, work).await.map_err(|_| Refusal::ours(Class::Timeout, "no answer in time"))
}

fn network(error: &reqwest::Error) -> Refusal {
    let class = if error.is_connect() {
        Class::Unreachable
    } else if error.is_timeout() {
        Class::Timeout
    } else {
        Class::IncompleteStream
    };
    Refusal::ours(class, cause(error))
}

/// reqwest puts the address into its text, and that may hold a key: the cause behind it says enough.
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    if error.is_timeout() {
        "no connection in time".to_owned()
    } else if std::ptr::addr_eq(cause, error) {
        "the request failed".to_owned()
    } else {
        cause.to_string()
    }
}
