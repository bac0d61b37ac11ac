//! The HTTP client of all channels: a time limit, no redirects, answers read up to a bound, no address in any error.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Response, Url, redirect};
use serde_json::Value;

use crate::error::{Class, SendError};

const TIME_LIMIT: Duration = Duration::from_secs(15);
/// How rustls begins when it does not believe a certificate: waiting does not help.
pub(crate) const UNTRUSTED: &str = "invalid peer certificate";
const LONGEST_ANSWER: usize = 64 * 1024;

/// What channels send through.
#[derive(Clone, Debug)]
pub struct Client {
    outside: reqwest::Client,
    loopback: reqwest::Client,
}

/// The TLS or proxy settings of the machine cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cannot start an HTTP client: {0}")]
pub struct ClientError(#[from] reqwest::Error);

impl Client {
    /// A client with the usual limit of 15 s a request. The process must have a rustls provider installed.
    pub fn new() -> Result<Self, ClientError> {
        Self::with_time_limit(TIME_LIMIT)
    }

    /// A client with another limit.
    pub fn with_time_limit(limit: Duration) -> Result<Self, ClientError> {
        let builder = || {
            reqwest::Client::builder()
                .timeout(limit)
                .connect_timeout(limit.min(Duration::from_secs(5)))
                // A followed redirect turns a POST into a GET and the message is lost in silence.
                .redirect(redirect::Policy::none())
                .user_agent(concat!("midwatch/", env!("CARGO_PKG_VERSION")))
        };
        Ok(Self { outside: builder().build()?, loopback: builder().no_proxy().build()? })
    }

    /// A request to `url`. A proxy is for the world outside, not for this machine.
    pub(crate) fn request(&self, method: reqwest::Method, url: Url) -> reqwest::RequestBuilder {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if here { self.loopback.request(method, url) } else { self.outside.request(method, url) }
    }

    /// POST a JSON body.
    pub(crate) async fn post(&self, url: Url, body: &Value, now: Timestamp) -> Result<Answer, SendError> {
        send(self.request(reqwest::Method::POST, url).json(body), now).await
    }
}

/// Send a request and read its answer.
pub(crate) async fn send(request: reqwest::RequestBuilder, now: Timestamp) -> Result<Answer, SendError> {
    let response = request.send().await.map_err(|e| network(&e))?;
    Answer::read(response, now).await
}

/// An address from the configuration. The text of a bad one is not repeated: it may hold a key.
pub(crate) fn address(name: &str, text: &str) -> Result<Url, SendError> {
    let url = Url::parse(text.trim()).map_err(|e| SendError::config(format!("{name} is not an address: {e}")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(SendError::config(format!("{name} must begin with https:// or http://")));
    }
    Ok(url)
}

/// `base` with `path` behind it.
pub(crate) fn under(name: &str, base: &str, path: &str) -> Result<Url, SendError> {
    address(name, &format!("{}/{path}", base.trim().trim_end_matches('/')))
}

/// What a server answered, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) text: String,
}

impl Answer {
    async fn read(mut response: Response, now: Timestamp) -> Result<Self, SendError> {
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(reqwest::header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| wait(value, now));
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| network(&e))? {
            let room = LONGEST_ANSWER - bytes.len();
            bytes.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if chunk.len() >= room {
                break;
            }
        }
        Ok(Self { status, retry_after, text: String::from_utf8_lossy(&bytes).into_owned() })
    }

    /// The body as JSON; `Null` if it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// The start of the body, for a person.
    pub(crate) fn excerpt(&self) -> String {
        let text = crate::render::clean::line(&crate::render::clean::clean(&self.text));
        crate::render::clean::middle_cut(&text, 200)
    }

    /// The error that the HTTP status alone tells, `None` for 2xx.
    pub(crate) fn error_by_status(&self) -> Option<SendError> {
        let class = match self.status {
            200..=299 => return None,
            300..=399 => {
                let text = format!("HTTP {}: the address redirects; configure the final one", self.status);
                return Some(SendError::config(text));
            }
            401 | 403 | 407 => Class::Config,
            413 => Class::TooLong,
            429 => Class::RateLimited { pause: self.retry_after.unwrap_or(Duration::from_secs(60)) },
            408 | 425 | 500..=599 => Class::Retry { after: self.retry_after },
            _ => Class::Dead,
        };
        Some(SendError::new(class, format!("HTTP {}: {}", self.status, self.excerpt())))
    }

    /// The error for an answer that is no JSON of the expected form: a login page, a proxy's notice.
    pub(crate) fn unexpected(&self) -> SendError {
        SendError::retry(format!("HTTP {} with an answer that is not this API's: {}", self.status, self.excerpt()))
    }
}

fn network(error: &reqwest::Error) -> SendError {
    // reqwest puts the address, and with it the key, into its text: the cause behind it says enough.
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    let what = if error.is_timeout() {
        "no answer in time".to_owned()
    } else if std::ptr::addr_eq(cause, error) {
        "the request failed".to_owned()
    } else {
        cause.to_string()
    };
    let class = if what.contains(UNTRUSTED) { Class::Config } else { Class::Retry { after: None } };
    SendError::new(class, format!("network: {what}"))
}

/// `Retry-After`: seconds or a date. A day is the most we believe.
fn wait(value: &str, now: Timestamp) -> Option<Duration> {
    let seconds = match value.trim().parse::<f64>() {
        Ok(seconds) => seconds,
        Err(_) => {
            let date = jiff::fmt::rfc2822::parse(value.trim()).ok()?;
            date.timestamp().duration_since(now).as_secs_f64()
        }
    };
    Duration::try_from_secs_f64(seconds.clamp(0.0, 86_400.0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_in_seconds_or_as_a_date() {
        let now: Timestamp = "2026-11-24T03:00:00Z".parse().unwrap();
        assert_eq!(wait("7", now), Some(Duration::from_secs(7)));
        assert_eq!(wait("Tue, 24 Nov 2026 03:00:30 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(wait("Tue, 24 Nov 2026 02:00:30 GMT", now), Some(Duration::ZERO));
        assert_eq!(wait("soon", now), None);
    }

    #[test]
    fn a_bad_address_is_not_repeated() {
        let error = address("url", "hps:/secret-key").unwrap_err();
        assert!(!error.text.contains("secret-key"), "{}", error.text);
        assert!(address("url", "not an address secret-key").unwrap_err().text.starts_with("url is not an address"));
    }
}
