//! `approvals` in the configuration.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Minutes that a proposal waits for a yes; the policy may say less. At most 15.
    pub ttl_minutes: u64,
    /// Minutes that an object is watched after a change.
    pub watch_minutes: u64,
    /// Seconds after which a change whose answer was lost counts as not done, if the object does not show it.
    pub settle_seconds: u64,
    /// Proposals of one person that may wait at once.
    pub most_waiting: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { ttl_minutes: 15, watch_minutes: 5, settle_seconds: 60, most_waiting: 20 }
    }
}

impl Settings {
    /// However it is configured, nobody's yes is good for longer than a quarter of an hour.
    pub fn ttl(&self) -> Duration {
        Duration::from_secs(60 * self.ttl_minutes.clamp(1, 15))
    }

    pub fn watch(&self) -> Duration {
        Duration::from_secs(60 * self.watch_minutes)
    }

    pub fn settle(&self) -> Duration {
        Duration::from_secs(self.settle_seconds)
    }
}

/// With whose rights changes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acting {
    /// The API server is asked in the name of the person who asks here.
    AsPerson,
    /// The connection's own account is the person: a kubeconfig at their terminal.
    AsOwner,
    /// Midwatch's own account is nobody's: nothing is changed with it.
    Never,
}
