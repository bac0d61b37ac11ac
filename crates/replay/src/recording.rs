//! A recorded cluster in memory.

use std::collections::BTreeMap;

use bytes::Bytes;
use jiff::Timestamp;

use crate::catalog::Catalog;
use crate::metrics::Metrics;

/// A cluster as it was at one moment: its objects, its logs, some metrics.
#[derive(Debug)]
pub struct Recording {
    pub name: String,
    pub version: String,
    /// "Now" for whoever looks at the recording.
    pub time: Timestamp,
    pub(crate) catalog: Catalog,
    pub(crate) logs: Logs,
    pub(crate) metrics: Metrics,
    /// What the recorder could not read, with the reason.
    pub(crate) gaps: BTreeMap<String, String>,
    pub(crate) warnings: Vec<String>,
}

pub(crate) type Logs = BTreeMap<LogKey, Bytes>;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LogKey {
    pub namespace: String,
    pub pod: String,
    pub container: String,
    pub previous: bool,
}

impl Recording {
    /// What was skipped while loading, each with its file, its line and the reason.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }
}

impl LogKey {
    pub fn new(namespace: &str, pod: &str, container: &str, previous: bool) -> Self {
        Self { namespace: namespace.to_owned(), pod: pod.to_owned(), container: container.to_owned(), previous }
    }

    /// How the log is called in a gap.
    pub fn title(&self) -> String {
        let what = if self.previous { "previous log" } else { "log" };
        format!("{what} {}/{}/{}", self.namespace, self.pod, self.container)
    }
}
