//! What a list shows of an object: the columns of each kind, and which objects are in trouble.

mod cluster;
mod storage;
mod traffic;
mod workloads;

use diagnose::Object;
use diagnose::object::text;
use jiff::Timestamp;
use serde_json::Value;

use crate::age::age;
use crate::kind::Kind;
use crate::pods::{self, Rank};

pub use workloads::images;

/// One object in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    pub namespace: String,
    pub name: String,
    pub cells: Vec<String>,
    pub rank: Rank,
    /// Why it is not well.
    pub why: String,
}

/// The cells of an object besides its name and age, with its rank and the reason.
type Cells = (Vec<String>, Rank, String);

/// How objects of a kind are shown.
#[derive(Clone, Copy)]
pub struct Layout {
    /// Without name and age.
    pub header: &'static [&'static str],
    cells: fn(&Object, Timestamp) -> Cells,
}

/// The layout of a kind; None for kinds that the server's own table shows better.
pub fn layout(kind: &Kind) -> Option<Layout> {
    let layout = |header, cells| Some(Layout { header, cells });
    match (kind.group(), kind.name.as_ref()) {
        ("", "Pod") => layout(&["READY", "STATUS", "RESTARTS", "NODE", "IP"], pod),
        ("apps", "Deployment" | "StatefulSet" | "ReplicaSet") | ("", "ReplicationController") => {
            layout(&["READY", "UPDATED", "IMAGES"], workloads::replicated)
        }
        ("apps", "DaemonSet") => layout(&["READY", "UPDATED", "IMAGES"], workloads::daemon_set),
        ("batch", "Job") => layout(&["COMPLETIONS", "ACTIVE", "FAILED"], workloads::job),
        ("batch", "CronJob") => layout(&["SCHEDULE", "SUSPENDED", "ACTIVE", "LAST"], workloads::cron_job),
        ("autoscaling", "HorizontalPodAutoscaler") => {
            layout(&["TARGET", "MIN", "MAX", "REPLICAS"], workloads::autoscaler)
        }
        ("", "PersistentVolumeClaim") => layout(&["STATUS", "SIZE", "CLASS", "VOLUME"], storage::claim),
        ("", "PersistentVolume") => layout(&["STATUS", "SIZE", "CLASS", "CLAIM"], storage::volume),
        ("storage.k8s.io", "StorageClass") => {
            layout(&["PROVISIONER", "RECLAIM", "BINDING", "EXPANDABLE"], storage::class)
        }
        ("", "Service") => layout(&["TYPE", "CLUSTER-IP", "EXTERNAL", "PORTS"], traffic::service),
        ("networking.k8s.io", "Ingress") => layout(&["CLASS", "HOSTS", "ADDRESS"], traffic::ingress),
        ("", "Node") => layout(&["STATUS", "ROLES", "VERSION", "IP"], cluster::node),
        ("", "Namespace") => layout(&["STATUS"], cluster::namespace),
        ("", "ConfigMap") => layout(&["KEYS"], cluster::config_map),
        ("", "Secret") => layout(&["TYPE", "KEYS"], cluster::secret),
        _ => None,
    }
}

impl Layout {
    pub fn row(&self, object: &Object, now: Timestamp) -> Row {
        let (mut cells, rank, why) = (self.cells)(object, now);
        cells.push(age(object.created(), now));
        let (rank, why) = deleting(object, now).unwrap_or((rank, why));
        Row { namespace: object.namespace().to_owned(), name: object.name().to_owned(), cells, rank, why }
    }
}

/// An object that should be gone and is not.
fn deleting(object: &Object, now: Timestamp) -> Option<(Rank, String)> {
    let since = object.deleting_since()?;
    let finalizers: Vec<&str> = object.list("/metadata/finalizers").iter().filter_map(Value::as_str).collect();
    let waits = if finalizers.is_empty() { String::new() } else { format!(", finalizers {}", finalizers.join(" ")) };
    Some((Rank::NotReady, format!("being deleted for {}{waits}", age(Some(since), now))))
}

/// Rows of kinds without a layout, from the server's table: its header without name and age, and the rows.
pub fn of_table(table: &Value, now: Timestamp) -> (Vec<String>, Vec<Row>) {
    let definitions = table["columnDefinitions"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    let shown = |at: &usize| {
        let (name, priority) = (text(&definitions[*at], "name"), definitions[*at]["priority"].as_i64().unwrap_or(0));
        priority == 0 && !matches!(name, "Name" | "Age" | "Created At")
    };
    let columns: Vec<usize> = (0..definitions.len()).filter(shown).collect();
    let header = columns.iter().map(|at| text(&definitions[*at], "name").to_uppercase().replace(' ', "-")).collect();
    let rows = table["rows"].as_array().into_iter().flatten();
    let rows = rows.filter_map(|row| {
        let object = &row["object"];
        let mut cells: Vec<String> = columns.iter().map(|at| cell(&row["cells"][*at])).collect();
        let named = Object::new(with_kind(object))?;
        cells.push(age(named.created(), now));
        let (rank, why) = deleting(&named, now).unwrap_or_else(|| conditions(&named));
        Some(Row { namespace: named.namespace().to_owned(), name: named.name().to_owned(), cells, rank, why })
    });
    (header, rows.collect())
}

/// Objects in a table may lack their kind, which nobody reads here.
fn with_kind(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.entry("kind").or_insert_with(|| "Object".into());
    }
    object
}

/// What an object of an unknown kind says of itself.
pub fn conditions(object: &Object) -> (Rank, String) {
    let good =
        ["Ready", "Available", "Healthy", "Synced", "Established", "Succeeded", "Complete", "Accepted", "Programmed"];
    let bad = object.conditions().find(|c| good.contains(&c.kind) && c.status == "False");
    match bad {
        Some(c) => (Rank::NotReady, [c.kind, "False", c.reason, c.message].join(" ").trim().to_owned()),
        None => (Rank::Well, String::new()),
    }
}

fn pod(pod: &Object, now: Timestamp) -> Cells {
    let found = pods::condition(pod, now);
    let cells = vec![
        format!("{}/{}", found.ready, found.containers),
        found.status,
        found.restarts.to_string(),
        word(pod.str("/spec/nodeName")),
        word(pod.str("/status/podIP")),
    ];
    (cells, found.rank, found.why)
}

/// A cell has no spaces and is never empty, so that a line can be read without padding.
fn word(text: &str) -> String {
    let joined = text.split_whitespace().collect::<Vec<_>>().join("_");
    if joined.is_empty() { "-".to_owned() } else { joined }
}

fn cell(value: &Value) -> String {
    match value {
        Value::String(text) => word(text),
        Value::Null => "-".to_owned(),
        other => word(&other.to_string()),
    }
}

/// Parts joined by commas; `-` for none, the number of the rest for more than three.
fn several<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [] => "-".to_owned(),
        [first, second, third, rest @ ..] if !rest.is_empty() => {
            word(&format!("{first},{second},{third},+{}", rest.len()))
        }
        parts => word(&parts.join(",")),
    }
}
