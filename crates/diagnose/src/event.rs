//! An event of either API group, tied to the object it is about.

use jiff::Timestamp;
use serde_json::Value;

use crate::finding::{Cite, Source};
use crate::object::{Object, ObjectRef, text};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub object: ObjectRef,
    /// uid of the object it was written about, empty when the writer left it out
    pub uid: String,
    /// `spec.containers{NAME}` for a container's event
    pub field_path: String,
    pub warning: bool,
    pub reason: String,
    pub message: String,
    pub count: i64,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// the component that wrote it
    pub component: String,
}

impl Event {
    /// Takes a `v1` or an `events.k8s.io/v1` Event. None when it is about nothing nameable.
    pub fn new(value: &Value) -> Option<Self> {
        let about = value.get("involvedObject").or_else(|| value.get("regarding"))?;
        let kind = text(about, "kind");
        let namespace = if crate::kinds::is_cluster_scoped(kind) { "" } else { text(about, "namespace") };
        let time = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).and_then(|t| t.parse().ok());
        let last = time("/series/lastObservedTime")
            .or_else(|| time("/lastTimestamp"))
            .or_else(|| time("/deprecatedLastTimestamp"))
            .or_else(|| time("/eventTime"))
            .or_else(|| time("/metadata/creationTimestamp"));
        let first = time("/firstTimestamp")
            .or_else(|| time("/deprecatedFirstTimestamp"))
            .or_else(|| time("/eventTime"))
            .or(last);
        let number = |pointer: &str| value.pointer(pointer).and_then(Value::as_i64);
        let word = |keys: [&str; 2]| keys.iter().map(|k| text(value, k)).find(|t| !t.is_empty()).unwrap_or_default();
        let component =
            ["/source/component", "/deprecatedSource/component", "/reportingComponent", "/reportingController"]
                .iter()
                .find_map(|p| value.pointer(p).and_then(Value::as_str).filter(|s| !s.is_empty()))
                .unwrap_or_default();
        Some(Self {
            object: ObjectRef::new(kind, namespace, text(about, "name")),
            uid: text(about, "uid").to_owned(),
            field_path: text(about, "fieldPath").to_owned(),
            warning: text(value, "type") == "Warning",
            reason: text(value, "reason").to_owned(),
            message: word(["message", "note"]).to_owned(),
            count: number("/series/count")
                .or_else(|| number("/count"))
                .or_else(|| number("/deprecatedCount"))
                .unwrap_or(1),
            first,
            last,
            component: component.to_owned(),
        })
    }

    /// Whether it speaks of an earlier object of the same name. The kubelet writes a node's name as its uid.
    pub fn is_stale(&self, living: &Object) -> bool {
        let uid = living.uid();
        if !self.uid.is_empty() && !uid.is_empty() && self.uid != living.name() {
            return self.uid != uid;
        }
        matches!((self.last, living.created()), (Some(last), Some(created)) if last < created)
    }

    /// The container of a container's event.
    pub fn container(&self) -> Option<&str> {
        self.field_path.split_once('{')?.1.strip_suffix('}')
    }

    /// Oldest first, the same on every run.
    pub fn order(&self) -> (Option<Timestamp>, &str, &str) {
        (self.last, &self.reason, &self.message)
    }

    pub fn cite(&self) -> Cite {
        Cite {
            object: self.object.clone(),
            source: Source::Event(self.reason.clone()),
            time: self.last,
            text: self.message.clone(),
        }
    }
}
