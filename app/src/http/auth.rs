//! Who may send: any of several users or tokens, compared in constant time; and Grafana's signature over the body.

use std::net::{IpAddr, SocketAddr};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use axum::http::{HeaderMap, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use subtle::{Choice, ConstantTimeEq as _};

use super::error::ApiError;
use super::settings::{self, Settings};
use crate::store::Millis;

/// How far Grafana's clock may be off, and how old a signed body may be.
const WINDOW: Millis = 300_000;
/// One line of log for refused senders within this time.
const LOG_EVERY: Duration = Duration::from_secs(10);

pub struct Auth {
    known: Vec<Known>,
    signatures: Vec<(String, Signature)>,
    refused: Mutex<Refused>,
}

struct Known {
    proof: Proof,
    only: Vec<String>,
}

/// `user:password`, or a token.
enum Proof {
    Basic(Vec<u8>),
    Bearer(Vec<u8>),
}

struct Signature {
    key: hmac::Key,
    header: String,
    timestamp_header: Option<String>,
}

#[derive(Default)]
struct Refused {
    logged: Option<Instant>,
    unlogged: u64,
}

impl Auth {
    pub fn new(settings: &Settings) -> Self {
        let known = settings.credentials.iter().map(|credential| Known {
            proof: match &credential.proof {
                settings::Proof::Basic { username, password } => {
                    Proof::Basic(format!("{username}:{password}").into_bytes())
                }
                settings::Proof::Bearer { token } => Proof::Bearer(token.clone().into_bytes()),
            },
            only: credential.only.clone(),
        });
        let signatures = settings.signatures.iter().map(|(name, setting)| {
            let signature = Signature {
                key: hmac::Key::new(hmac::HMAC_SHA256, setting.secret.as_bytes()),
                header: setting.header.clone(),
                timestamp_header: setting.timestamp_header.clone(),
            };
            (name.clone(), signature)
        });
        Self { known: known.collect(), signatures: signatures.collect(), refused: Mutex::default() }
    }

    /// Lets the request pass or says why not. `endpoint` is the last part of the webhook's path.
    pub fn check(&self, endpoint: &str, peer: SocketAddr, headers: &HeaderMap) -> Result<(), ApiError> {
        if self.known.is_empty() {
            // A signed endpoint proves its sender by the body.
            if is_loopback(peer.ip()) || self.signatures.iter().any(|(name, _)| name == endpoint) {
                return Ok(());
            }
            self.refuse(endpoint, peer);
            return Err(ApiError::OnlyLoopback);
        }
        let offered = headers.get(header::AUTHORIZATION).and_then(|value| offered(value.as_bytes()));
        // All are compared, so that the time tells neither which one fits nor how many there are before it.
        let mut fits = Choice::from(0);
        for known in &self.known {
            let here = known.only.is_empty() || known.only.iter().any(|name| name == endpoint);
            let equal = offered.as_ref().map_or(Choice::from(0), |offered| known.proof.fits(offered));
            fits |= equal & Choice::from(u8::from(here));
        }
        if bool::from(fits) {
            return Ok(());
        }
        self.refuse(endpoint, peer);
        Err(ApiError::Unauthorized)
    }

    /// Checks Grafana's signature where one is configured for the endpoint.
    pub fn check_signature(
        &self,
        endpoint: &str,
        headers: &HeaderMap,
        body: &[u8],
        now: Millis,
    ) -> Result<(), ApiError> {
        let Some((_, signature)) = self.signatures.iter().find(|(name, _)| name == endpoint) else { return Ok(()) };
        signature.verify(headers, body, now).ok_or(ApiError::BadSignature)
    }

    /// Counts a refusal, and logs it unless one was just logged: a sender that is wrong is wrong every second.
    fn refuse(&self, endpoint: &str, peer: SocketAddr) {
        metrics::counter!("midwatch_intake_refused_total").increment(1);
        let Ok(mut refused) = self.refused.lock() else { return };
        if refused.logged.is_some_and(|at| at.elapsed() < LOG_EVERY) {
            refused.unlogged += 1;
            return;
        }
        tracing::warn!(%peer, endpoint, also_refused = refused.unlogged, "refused a sender: credentials missing or wrong");
        *refused = Refused { logged: Some(Instant::now()), unlogged: 0 };
    }
}

fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

fn offered(header: &[u8]) -> Option<Proof> {
    let space = header.iter().position(|byte| *byte == b' ')?;
    let (scheme, rest) = header.split_at(space);
    let rest = rest.trim_ascii();
    if scheme.eq_ignore_ascii_case(b"basic") {
        return Some(Proof::Basic(STANDARD.decode(rest).ok()?));
    }
    scheme.eq_ignore_ascii_case(b"bearer").then(|| Proof::Bearer(rest.to_vec()))
}

impl Proof {
    fn fits(&self, offered: &Self) -> Choice {
        match (self, offered) {
            (Self::Basic(known), Self::Basic(offered)) | (Self::Bearer(known), Self::Bearer(offered)) => {
                known.as_slice().ct_eq(offered.as_slice())
            }
            (Self::Basic(_), Self::Bearer(_)) | (Self::Bearer(_), Self::Basic(_)) => Choice::from(0),
        }
    }
}

impl Signature {
    fn verify(&self, headers: &HeaderMap, body: &[u8], now: Millis) -> Option<()> {
        let given = unhex(headers.get(&self.header)?.as_bytes())?;
        let mut signed = Vec::new();
        if let Some(name) = &self.timestamp_header {
            let stamp = headers.get(name)?.to_str().ok()?;
            let seconds: Millis = stamp.parse().ok()?;
            if now.checked_sub(seconds.checked_mul(1_000)?)?.abs() > WINDOW {
                return None;
            }
            signed.extend_from_slice(stamp.as_bytes());
            signed.push(b':');
        }
        signed.extend_from_slice(body);
        hmac::verify(&self.key, &signed, &given).ok()
    }
}

fn unhex(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    text.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}
