//! What an operator may decide about alerts.

use std::collections::BTreeSet;

use super::alert::Severity;
use crate::store::Millis;

#[derive(Debug, Clone)]
pub struct Settings {
    /// Separates alerts of equal labels from different worlds, such as tenants.
    pub realm: String,
    /// Labels that do not tell alerts apart, such as the name of a Prometheus replica.
    pub ignored_labels: BTreeSet<String>,
    /// Seconds without news after which a firing alert counts as stale: twice the sender's repeat interval.
    pub stale_after_s: u32,
    /// Seconds without a heartbeat (Watchdog) after which its source is reported missing.
    pub heartbeat_after_s: u32,
    /// Alert names that are heartbeats: never diagnosed, missed when they stop.
    pub heartbeats: BTreeSet<String>,
    /// Alert names that are dropped.
    pub dropped: BTreeSet<String>,
    pub flapping: Flapping,
    pub storm: Storm,
    /// Below this severity nothing is sent; it is stored all the same.
    pub least_severity: Severity,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            realm: String::new(),
            ignored_labels: ["prometheus_replica", "__replica__"].map(str::to_owned).into(),
            stale_after_s: 24 * 3_600,
            heartbeat_after_s: 15 * 60,
            heartbeats: ["Watchdog", "DeadMansSwitch"].map(str::to_owned).into(),
            dropped: ["InfoInhibitor"].map(str::to_owned).into(),
            flapping: Flapping::default(),
            storm: Storm::default(),
            least_severity: Severity::None,
        }
    }
}

/// When an alert that comes and goes is told as one.
#[derive(Debug, Clone)]
pub struct Flapping {
    /// Changes of state within the window that make it flapping.
    pub changes: u32,
    pub window_s: u32,
    /// The least quiet time, in seconds, before the end of a flapping alert is believed.
    pub quiet_s: u32,
}

impl Default for Flapping {
    fn default() -> Self {
        Self { changes: 4, window_s: 30 * 60, quiet_s: 10 * 60 }
    }
}

impl Flapping {
    pub fn window(&self) -> Millis {
        Millis::from(self.window_s) * 1_000
    }

    pub fn quiet(&self) -> Millis {
        Millis::from(self.quiet_s) * 1_000
    }
}

/// When single messages give way to one digest a minute.
#[derive(Debug, Clone)]
pub struct Storm {
    /// New incidents within a minute that are told one by one.
    pub incidents_per_minute: u32,
    /// The same for critical ones.
    pub critical_per_minute: u32,
}

impl Default for Storm {
    fn default() -> Self {
        Self { incidents_per_minute: 6, critical_per_minute: 12 }
    }
}
