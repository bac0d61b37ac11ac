//! A receiver of Standard Webhooks: verifies the signature and drops what it has already seen.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Incoming, Reply, Vendor};
use crate::sign;

/// One receiver.
#[derive(Debug)]
pub struct Webhook {
    /// The key, `whsec_…`.
    pub secret: Option<String>,
    /// Bodies of accepted messages, each id once.
    pub messages: Vec<Value>,
    seen: BTreeSet<String>,
}

impl Webhook {
    /// A receiver at any path.
    pub fn new(secret: Option<&str>) -> Self {
        Self { secret: secret.map(str::to_owned), messages: Vec::new(), seen: BTreeSet::new() }
    }

    fn signed(&self, incoming: &Incoming, id: &str) -> bool {
        let Some(secret) = &self.secret else {
            return true;
        };
        let header = |name: &str| incoming.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let stamp = header("webhook-timestamp").parse::<i64>().unwrap_or(0);
        let fresh = (incoming.at.as_second() - stamp).abs() <= 300;
        let wanted = sign::standard_webhooks(secret, id, stamp, &incoming.body);
        fresh && header("webhook-signature").split(' ').any(|given| Some(given) == wanted.as_deref())
    }
}

impl Vendor for Webhook {
    fn answer(&mut self, incoming: &Incoming) -> Reply {
        let id = incoming.headers.get("webhook-id").and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
        if id.is_empty() {
            return Reply::text(400, "no webhook-id");
        }
        if !self.signed(incoming, &id) {
            return Reply::text(401, "bad signature");
        }
        if self.seen.insert(id) {
            self.messages.push(incoming.json());
        }
        Reply::text(200, "ok")
    }
}
