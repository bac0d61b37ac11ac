//! One Kubernetes object as it was read: its name, and its fields by JSON pointer. No typed structs, so that clusters of
//! any version and hand-written recordings are read alike.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Which object: kind, namespace (empty for cluster-scoped kinds) and name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ObjectRef {
    pub kind: String,
    #[serde(default)]
    pub namespace: String,
    pub name: String,
}

impl ObjectRef {
    pub fn new(kind: &str, namespace: &str, name: &str) -> Self {
        Self { kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// A cluster-scoped object.
    pub fn cluster(kind: &str, name: &str) -> Self {
        Self::new(kind, "", name)
    }

    /// `namespace/name`, or the name alone for cluster-scoped kinds.
    pub fn path(&self) -> String {
        if self.namespace.is_empty() { self.name.clone() } else { format!("{}/{}", self.namespace, self.name) }
    }

    /// ` -n NAMESPACE` for a kubectl command, empty for cluster-scoped kinds.
    pub fn flag(&self) -> String {
        if self.namespace.is_empty() { String::new() } else { format!(" -n {}", self.namespace) }
    }

    /// `kind/name` as kubectl takes it, the kind in lower case.
    pub fn arg(&self) -> String {
        format!("{}/{}", self.kind.to_lowercase(), self.name)
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.path())
    }
}

#[derive(Debug, Clone)]
pub struct Object {
    pub re: ObjectRef,
    pub value: Value,
}

static NULL: Value = Value::Null;

impl Object {
    /// Takes an object as the API writes it. None without a kind or a name.
    pub fn new(value: Value) -> Option<Self> {
        let kind = value.get("kind")?.as_str()?;
        let meta = value.get("metadata")?;
        let name = meta.get("name")?.as_str()?;
        let namespace = meta.get("namespace").and_then(Value::as_str).unwrap_or_default();
        Some(Self { re: ObjectRef::new(kind, namespace, name), value })
    }

    /// The value at a JSON pointer (`/spec/nodeName`); null when absent.
    pub fn at(&self, pointer: &str) -> &Value {
        self.value.pointer(pointer).unwrap_or(&NULL)
    }

    pub fn str(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_default()
    }

    pub fn int(&self, pointer: &str) -> Option<i64> {
        self.at(pointer).as_i64()
    }

    pub fn bool(&self, pointer: &str) -> Option<bool> {
        self.at(pointer).as_bool()
    }

    /// The items of a list; empty when absent.
    pub fn list(&self, pointer: &str) -> &[Value] {
        self.at(pointer).as_array().map_or(&[], Vec::as_slice)
    }

    pub fn time(&self, pointer: &str) -> Option<Timestamp> {
        self.str(pointer).parse().ok()
    }

    pub fn kind(&self) -> &str {
        &self.re.kind
    }

    pub fn namespace(&self) -> &str {
        &self.re.namespace
    }

    pub fn name(&self) -> &str {
        &self.re.name
    }

    pub fn uid(&self) -> &str {
        self.str("/metadata/uid")
    }

    pub fn created(&self) -> Option<Timestamp> {
        self.time("/metadata/creationTimestamp")
    }

    pub fn deleting_since(&self) -> Option<Timestamp> {
        self.time("/metadata/deletionTimestamp")
    }

    pub fn labels(&self) -> BTreeMap<&str, &str> {
        strings(self.at("/metadata/labels"))
    }

    pub fn annotation(&self, key: &str) -> &str {
        self.at("/metadata/annotations").get(key).and_then(Value::as_str).unwrap_or_default()
    }

    /// The owner that controls this object, else the first owner.
    pub fn owner(&self) -> Option<ObjectRef> {
        let owners = self.list("/metadata/ownerReferences");
        let owner = owners.iter().find(|o| o["controller"] == true).or_else(|| owners.first())?;
        let kind = owner["kind"].as_str()?;
        let namespace = if crate::kinds::is_cluster_scoped(kind) { "" } else { self.namespace() };
        Some(ObjectRef::new(kind, namespace, owner["name"].as_str()?))
    }

    /// A condition of `status.conditions` by its type.
    pub fn condition(&self, kind: &str) -> Option<Condition<'_>> {
        self.conditions().find(|c| c.kind == kind)
    }

    pub fn conditions(&self) -> impl Iterator<Item = Condition<'_>> {
        self.list("/status/conditions").iter().enumerate().map(|(index, value)| Condition {
            index,
            kind: text(value, "type"),
            status: text(value, "status"),
            reason: text(value, "reason"),
            message: text(value, "message"),
            since: text(value, "lastTransitionTime").parse().ok(),
        })
    }

    /// Path and value of the pod template's `spec` of a workload, or the pod's own.
    pub fn pod_spec_path(&self) -> Option<&'static str> {
        match self.kind() {
            "Pod" => Some("/spec"),
            "CronJob" => Some("/spec/jobTemplate/spec/template/spec"),
            "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicationController" => {
                Some("/spec/template/spec")
            }
            _ => None,
        }
    }
}

/// One entry of `status.conditions`.
#[derive(Debug, Clone, Copy)]
pub struct Condition<'a> {
    pub index: usize,
    pub kind: &'a str,
    pub status: &'a str,
    pub reason: &'a str,
    pub message: &'a str,
    pub since: Option<Timestamp>,
}

impl Condition<'_> {
    pub fn is_true(&self) -> bool {
        self.status == "True"
    }
}

/// A string field of a value; empty when absent.
pub fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// A map of strings, such as labels or a selector.
pub fn strings(value: &Value) -> BTreeMap<&str, &str> {
    value
        .as_object()
        .map(|map| map.iter().filter_map(|(k, v)| Some((k.as_str(), v.as_str()?))).collect())
        .unwrap_or_default()
}
