//! `requestState`: what the server gives a client to bring back, so that it need not be believed.
//!
//! A state is sealed with a key that lives as long as the process. It is bound to the caller, the tool and the arguments, ends
//! soon, and opens once. Whatever is wrong with one, the answer is the same: it is not valid.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::{hmac, rand};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// A person needs time to read a plan, and not more than an approval lives.
const LIFE: SignedDuration = SignedDuration::from_mins(15);
/// States in flight at most; beyond it none is opened until old ones have ended.
const MOST: usize = 65_536;
const LONGEST: usize = 4096;

/// What a state is good for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound<'a> {
    pub principal: &'a str,
    pub tool: &'a str,
    /// digest of the accepted arguments
    pub digest: &'a str,
}

#[derive(Serialize, Deserialize)]
struct State {
    principal: String,
    tool: String,
    digest: String,
    content: String,
    expires: i64,
    nonce: String,
}

pub struct Seals {
    key: hmac::Key,
    used: Mutex<HashMap<String, i64>>,
}

impl Seals {
    pub fn new() -> Result<Self, String> {
        let mut secret = [0; 32];
        rand::fill(&mut secret).map_err(|_| "the system gives no random bytes".to_owned())?;
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, &secret), used: Mutex::default() })
    }

    pub fn seal(&self, bound: &Bound<'_>, content: &str, now: Timestamp) -> Result<String, String> {
        let mut nonce = [0; 16];
        rand::fill(&mut nonce).map_err(|_| "the system gives no random bytes".to_owned())?;
        let state = State {
            principal: bound.principal.to_owned(),
            tool: bound.tool.to_owned(),
            digest: bound.digest.to_owned(),
            content: content.to_owned(),
            expires: now.as_millisecond().saturating_add(i64::try_from(LIFE.as_millis()).unwrap_or(i64::MAX)),
            nonce: BASE64.encode(nonce),
        };
        let payload = BASE64.encode(serde_json::to_vec(&state).map_err(|error| error.to_string())?);
        let mac = BASE64.encode(hmac::sign(&self.key, payload.as_bytes()));
        Ok(format!("{payload}.{mac}"))
    }

    /// The content, once, if the state was made here for exactly this and has not ended.
    pub fn open(&self, sealed: &str, bound: &Bound<'_>, now: Timestamp) -> Option<String> {
        if sealed.len() > LONGEST {
            return None;
        }
        let (payload, mac) = sealed.split_once('.')?;
        hmac::verify(&self.key, payload.as_bytes(), &BASE64.decode(mac).ok()?).ok()?;
        let state: State = serde_json::from_slice(&BASE64.decode(payload).ok()?).ok()?;
        let same = state.principal == bound.principal && state.tool == bound.tool && state.digest == bound.digest;
        let now = now.as_millisecond();
        if !same || now >= state.expires {
            return None;
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.len() >= MOST {
            used.retain(|_, expires| *expires > now);
        }
        // full or seen before: an attacker gains nothing by filling it
        let fresh = used.len() < MOST && !used.contains_key(&state.nonce);
        if !fresh {
            return None;
        }
        used.insert(state.nonce, state.expires);
        Some(state.content)
    }
}
