//! What the HTTP side needs to know, with secrets already read.

use std::collections::BTreeMap;
use std::fmt;

#[derive(Debug, Clone)]
pub struct Settings {
    /// Who may send alerts. Without any, only senders on this machine may.
    pub credentials: Vec<Credential>,
    /// Grafana's signature over the body, by the last part of the webhook's path (`grafana` for `/webhooks/grafana`).
    pub signatures: BTreeMap<String, Signature>,
    /// The largest body in bytes, after decompression.
    pub body_limit: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { credentials: Vec::new(), signatures: BTreeMap::new(), body_limit: 32 << 20 }
    }
}

#[derive(Clone)]
pub struct Credential {
    pub proof: Proof,
    /// The only webhook paths it opens, by their last part; empty means all.
    pub only: Vec<String>,
}

#[derive(Clone)]
pub enum Proof {
    Basic { username: String, password: String },
    Bearer { token: String },
}

#[derive(Clone)]
pub struct Signature {
    pub secret: String,
    /// Grafana's header for the signature, `X-Grafana-Alerting-Signature` unless it was renamed.
    pub header: String,
    /// Grafana's header for the time, where one is configured there.
    pub timestamp_header: Option<String>,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
