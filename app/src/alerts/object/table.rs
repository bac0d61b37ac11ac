//! The standard alerts: name -> kind of object, and the labels that name it (`kube_alerts.csv`).

use std::collections::HashMap;
use std::sync::LazyLock;

use diagnose::ObjectRef;

use super::Subject;
use super::labels;
use crate::alerts::alert::Alert;

static TABLE: LazyLock<HashMap<&'static str, Row>> =
    LazyLock::new(|| read(include_str!("../kube_alerts.csv")).into_iter().map(|row| (row.name, row)).collect());

pub(super) struct Row {
    pub name: &'static str,
    /// `Pod`, or with what of it: `Pod (container)`.
    kind: &'static str,
    labels: Vec<&'static str>,
    resolver: &'static str,
    pub misleading: Vec<&'static str>,
}

pub(super) fn row(alertname: &str) -> Option<&'static Row> {
    TABLE.get(alertname)
}

fn read(csv: &'static str) -> Vec<Row> {
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().map(fields).unwrap_or_default();
    let column = |name: &str| header.iter().position(|field| *field == name);
    let (Some(name), Some(kind), Some(labels), Some(resolver), Some(misleading)) = (
        column("alertname"),
        column("object_kind"),
        column("object_labels"),
        column("resolver"),
        column("misleading_labels"),
    ) else {
        return Vec::new();
    };
    let list = |field: &'static str| field.split(';').filter(|word| !word.is_empty()).collect();
    lines
        .map(fields)
        .filter(|row| row.len() == header.len())
        .map(|row| Row {
            name: row[name],
            kind: row[kind],
            labels: list(row[labels]),
            resolver: row[resolver],
            misleading: list(row[misleading]),
        })
        .collect()
}

/// Splits at commas outside quotation marks. No field that is used here holds a quotation mark.
fn fields(line: &'static str) -> Vec<&'static str> {
    let mut quoted = false;
    line.split(move |c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
    .map(|field| field.trim_matches('"'))
    .collect()
}

pub(super) fn subjects(row: &Row, alert: &Alert) -> Vec<Subject> {
    match row.resolver {
        "by_labels" => by_labels(row, alert, true).into_iter().collect(),
        "by_labels_cluster_scoped" => by_labels(row, alert, false).into_iter().collect(),
        "node_label" => {
            let mut found: Vec<Subject> = labels::value(alert, "node").map(node).into_iter().collect();
            if found.is_empty() {
                found.extend(from_instance(alert));
            }
            found
        }
        "node_from_instance" => from_instance(alert),
        "target_service" => labels::object(alert, "Service", "service").into_iter().collect(),
        "instance_endpoint" => component(row, alert),
        "component_in_namespace" | "component_absent" => component(row, alert),
        // `cluster`, `heartbeat`, `drop`: no object.
        _ => component(row, alert).into_iter().chain([Subject::Cluster]).collect(),
    }
}

fn node(name: &str) -> Subject {
    Subject::Object(ObjectRef::cluster("Node", name))
}

/// The object that the row's labels name: the last of them that names a kind.
fn by_labels(row: &Row, alert: &Alert, namespaced: bool) -> Option<Subject> {
    let kind = match row.kind {
        "APIService" => Some(("APIService", "name")),
        "Certificate (cert-manager CR)" => Some(("Certificate", "name")),
        _ => row.labels.iter().rev().find_map(|label| labels::kind_of(label).map(|kind| (kind, *label))),
    };
    let (kind, label) = kind?;
    if namespaced {
        return labels::object(alert, kind, label);
    }
    Some(Subject::Object(ObjectRef::cluster(kind, labels::value(alert, label)?)))
}

/// node-exporter: the instance is the node's name, or its address; and the exporter's own pod runs on the node.
fn from_instance(alert: &Alert) -> Vec<Subject> {
    let mut found: Vec<Subject> = labels::value(alert, "nodename").map(node).into_iter().collect();
    found.extend(labels::node_at(alert.label("instance")));
    if let Some(Subject::Object(pod)) = labels::object(alert, "Pod", "pod") {
        found.push(Subject::NodeOf(pod));
    }
    found
}

/// A part of the cluster that the alert's kind names.
fn component(row: &Row, alert: &Alert) -> Vec<Subject> {
    let system = Some("kube-system");
    let own = Some(alert.label("namespace")).filter(|namespace| !namespace.is_empty());
    let (kind, name, namespace) = match row.kind {
        "APIServer" | "APIServer (as client)" | "Certificate (client of APIServer)" => {
            ("Pod", "kube-apiserver", system)
        }
        "Scheduler" => ("Pod", "kube-scheduler", system),
        "ControllerManager" => ("Pod", "kube-controller-manager", system),
        "KubeProxy" => ("DaemonSet", "kube-proxy", system),
        "Deployment (coredns)" => ("Deployment", "coredns", system),
        "Deployment (prometheus-operator)" => ("Deployment", "prometheus-operator", own),
        "Service (Grafana)" => {
            ("Service", if alert.label("job").is_empty() { "grafana" } else { alert.label("job") }, own)
        }
        "Component (kube-state-metrics)" => ("Deployment", "kube-state-metrics", None),
        "Component (cert-manager)" | "Component (ACME host)" => ("Deployment", "cert-manager", None),
        _ => return Vec::new(),
    };
    vec![Subject::Component { kind, name: name.to_owned(), namespace: namespace.map(str::to_owned) }]
}
