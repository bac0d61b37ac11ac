//! Digests of what a server said of its tools when they were first seen.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::source::Listed;

/// Digest by server and tool. Remove an entry to accept what the server says now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pins(pub BTreeMap<String, BTreeMap<String, String>>);

/// A tool that is not offered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Quarantined {
    pub server: String,
    pub tool: String,
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    New,
    Same,
    Changed,
}

impl Pins {
    /// Compares a tool with its pin; one that was never seen is pinned as it is.
    pub fn check(&mut self, server: &str, tool: &Listed) -> Known {
        let pins = self.0.entry(server.to_owned()).or_default();
        match pins.get(&tool.name) {
            None => {
                pins.insert(tool.name.clone(), tool.digest.clone());
                Known::New
            }
            Some(pin) if *pin == tool.digest => Known::Same,
            Some(_) => Known::Changed,
        }
    }
}

/// Over the whole description, before anything is cut off or cleaned.
pub fn of(name: &str, description: &str, schema: &Value) -> String {
    let whole = Value::from(vec![Value::from(name), Value::from(description), schema.clone()]).to_string();
    digest(&SHA256, whole.as_bytes()).as_ref().iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
