//! An alert in our own terms, whoever sent it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::store::Millis;

/// Who sent it, told by the shape of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    Alertmanager,
    /// Prometheus or vmalert, pushing as to an Alertmanager.
    Push,
    Grafana,
    VolcengineVmp,
    AliyunArms,
    AliyunCloudMonitor,
    TencentTcop,
    /// Read from an Alertmanager's or Prometheus' API.
    Reconcile,
    /// Raised by Midwatch itself.
    Own,
}

impl Source {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::Push => "push",
            Self::Grafana => "grafana",
            Self::VolcengineVmp => "volcengine_vmp",
            Self::AliyunArms => "aliyun_arms",
            Self::AliyunCloudMonitor => "aliyun_cloudmonitor",
            Self::TencentTcop => "tencent_tcop",
            Self::Reconcile => "reconcile",
            Self::Own => "own",
        }
    }
}

/// Rising: a comparison tells which is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    None,
    Info,
    Warning,
    Critical,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// Reads back what [`Self::as_str`] wrote.
    pub fn from_stored(word: &str) -> Self {
        match word {
            "critical" => Self::Critical,
            "info" => Self::Info,
            "none" => Self::None,
            _ => Self::Warning,
        }
    }

    /// Reads the many words for a level. A missing or unknown word is a warning: neither silent nor shouting.
    pub fn from_word(word: &str) -> Self {
        match word.trim().to_ascii_lowercase().as_str() {
            "critical" | "crit" | "page" | "fatal" | "disaster" | "emergency" | "error" | "high" | "p0" | "p1"
            | "s0" | "s1" | "严重" | "紧急" | "致命" | "重大" => Self::Critical,
            "info" | "information" | "informational" | "notice" | "low" | "p3" | "p4" | "s3" | "s4" | "提示"
            | "通知" | "信息" => Self::Info,
            "none" | "debug" | "ok" => Self::None,
            _ => Self::Warning,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Firing,
    Resolved,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    pub status: Status,
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    /// None where the sender did not say, or said it in a way that cannot be read.
    pub starts_at: Option<Millis>,
    /// When it ended; for a firing push, until when the sender vouches for it.
    pub ends_at: Option<Millis>,
    pub generator_url: String,
    /// The sender's own, kept for links and look-ups; never a key.
    pub fingerprint: String,
    /// Fields that we do not know, as they came.
    pub extra: Map<String, Value>,
}

/// Labels by which the various systems name the level, in the order of trust.
const SEVERITY_LABELS: [&str; 6] =
    ["severity", "internal_label_alert_level", "_aliyun_arms_alert_level", "level", "priority", "alert_level"];

impl Alert {
    /// As it is kept and shown: without secrets, such as those in a probe's address. Only what it came with says which
    /// alert it is.
    pub fn redacted(mut self) -> Self {
        let texts = self.labels.values_mut().chain(self.annotations.values_mut());
        for text in texts.chain([&mut self.generator_url]) {
            *text = redact::text(text).into_owned();
        }
        for value in self.extra.values_mut() {
            redact::session().value(value);
        }
        self
    }

    /// A firing alert of which only the labels matter.
    pub fn of_labels(labels: BTreeMap<String, String>) -> Self {
        Self {
            status: Status::Firing,
            labels,
            annotations: BTreeMap::new(),
            starts_at: None,
            ends_at: None,
            generator_url: String::new(),
            fingerprint: String::new(),
            extra: Map::new(),
        }
    }

    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    pub fn name(&self) -> &str {
        self.label("alertname")
    }

    pub fn severity(&self) -> Severity {
        let word = SEVERITY_LABELS.iter().map(|name| self.label(name)).find(|word| !word.is_empty());
        Severity::from_word(word.unwrap_or_default())
    }

    /// The cluster that the labels name; empty on single-cluster setups.
    pub fn cluster(&self) -> &str {
        ["cluster", "clustername", "cluster_name", "cluster_id"]
            .iter()
            .map(|name| self.label(name))
            .find(|name| !name.is_empty())
            .unwrap_or_default()
    }
}

/// What one request said.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    pub source: Source,
    pub alerts: Vec<Alert>,
    /// Entries that are no alerts, each with the reason.
    pub invalid: Vec<Invalid>,
    /// How many alerts the sender left out of this request.
    pub truncated: u64,
    pub group_key: String,
    pub external_url: String,
    pub receiver: String,
}

impl Batch {
    pub fn new(source: Source) -> Self {
        Self {
            source,
            alerts: Vec::new(),
            invalid: Vec::new(),
            truncated: 0,
            group_key: String::new(),
            external_url: String::new(),
            receiver: String::new(),
        }
    }
}

/// An entry that could not be read as an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Invalid {
    pub body: String,
    pub why: String,
}
