//! What a server said of its tools when they were first seen.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::clean;
use super::source::Listed;

/// Bytes of a description that are kept for people to read.
const SHOWN: usize = 16 << 10;

/// One description, by its digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Pin {
    /// over the whole description, before anything is cut off or cleaned
    pub digest: String,
    /// for people: hidden letters visible, and cut where it is endless
    pub text: String,
}

impl Pin {
    pub fn of(name: &str, description: &str, schema: &Value) -> Self {
        let whole = Value::from(vec![Value::from(name), Value::from(description), schema.clone()]).to_string();
        let hex = |hex: String, byte: &u8| hex + &format!("{byte:02x}");
        let digest = digest(&SHA256, whole.as_bytes()).as_ref().iter().fold(String::new(), hex);
        let text = clean::bare(&format!("{description}\n{}", serde_json::to_string_pretty(schema).unwrap_or_default()));
        let text = text.get(..text.floor_char_boundary(SHOWN)).unwrap_or_default().to_owned();
        Self { digest, text }
    }
}

/// Pins by server and tool.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pins(pub BTreeMap<String, BTreeMap<String, Pin>>);

/// A tool that is not offered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Quarantined {
    pub server: String,
    pub tool: String,
    pub why: String,
    /// the description that was pinned and the one that the server gives now, where that is the reason
    pub change: Option<(Pin, Pin)>,
}

pub enum Known {
    New,
    Same,
    Changed(Pin),
}

impl Pins {
    /// Compares a tool with its pin; one that was never seen is pinned as it is.
    pub fn check(&mut self, server: &str, tool: &Listed) -> Known {
        let pins = self.0.entry(server.to_owned()).or_default();
        match pins.get(&tool.name) {
            None => {
                pins.insert(tool.name.clone(), tool.pin.clone());
                Known::New
            }
            Some(pin) if pin.digest == tool.pin.digest => Known::Same,
            Some(pin) => Known::Changed(pin.clone()),
        }
    }
}
