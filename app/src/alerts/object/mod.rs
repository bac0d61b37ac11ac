//! Which Kubernetes object an alert is about. The alert's name decides first, by the table of the standard alerts; then
//! the specific labels; the label `pod` last, because in half of the standard alerts it names the exporter.

mod confirm;
mod labels;
mod table;
mod workload;

use diagnose::ObjectRef;

use super::alert::Alert;

pub use confirm::{Found, Lookup, confirm};
pub use workload::workload;

/// One guess at what an alert is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Subject {
    Object(ObjectRef),
    /// A node known by an address only.
    NodeAt(String),
    /// The node on which this pod runs: an exporter's pod tells which node it measures.
    NodeOf(ObjectRef),
    /// A part of the cluster by its usual name, to which an installation may have put a prefix or a suffix.
    Component {
        kind: &'static str,
        name: String,
        namespace: Option<String>,
    },
    Namespace(String),
    Cluster,
}

/// Guesses, the best first; the last one always exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    pub subjects: Vec<Subject>,
    /// The label names that mislead in this alert: they name the exporter or the series.
    pub misleading: Vec<&'static str>,
}

impl Resolution {
    /// The best guess.
    pub fn first(&self) -> &Subject {
        self.subjects.first().unwrap_or(&Subject::Cluster)
    }
}

pub fn resolve(alert: &Alert) -> Resolution {
    let row = table::row(alert.name());
    let misleading: Vec<&'static str> = row.map(|row| row.misleading.clone()).unwrap_or_default();
    let mut subjects = row.map(|row| table::subjects(row, alert)).unwrap_or_default();
    subjects.extend(labels::subjects(alert, &misleading));
    let mut seen = std::collections::HashSet::new();
    subjects.retain(|subject| seen.insert(subject.clone()));
    if !subjects.contains(&Subject::Cluster) {
        subjects.push(Subject::Cluster);
    }
    Resolution { subjects, misleading }
}

#[cfg(test)]
mod tests;
