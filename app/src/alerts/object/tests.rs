//! Every row of the table, in both label styles, and the traps.

use std::collections::BTreeMap;

use diagnose::{ObjectRef, Target};

use super::{Found, Lookup, Resolution, Subject, confirm, resolve};
use crate::alerts::alert::{Alert, Status};

fn alert(pairs: &[(&str, &str)]) -> Alert {
    from(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

fn from(labels: BTreeMap<String, String>) -> Alert {
    Alert {
        status: Status::Firing,
        labels,
        annotations: BTreeMap::new(),
        starts_at: None,
        ends_at: None,
        generator_url: String::new(),
        fingerprint: String::new(),
        extra: serde_json::Map::new(),
    }
}

/// Splits one line of the table, quotes and all.
fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(String::new()),
            _ => cells.last_mut().unwrap().push(c),
        }
    }
    cells
}

/// What the label holds: the sick object's name, or the exporter's where the table says that it misleads.
fn value(label: &str, misleads: bool, exporter: &str) -> String {
    match (label, misleads) {
        ("pod", true) => format!("kps-{exporter}-7c9f8d5b4-x2x4z"),
        ("namespace", true) => "monitoring".to_owned(),
        ("service" | "job" | "container", true) => exporter.to_owned(),
        ("instance", _) => if exporter == "node-exporter" { "10.0.0.7:9100" } else { "10.1.0.9:8080" }.to_owned(),
        ("namespace", false) => "shop".to_owned(),
        ("exported_namespace", _) => "shop".to_owned(),
        _ => format!("the-{label}"),
    }
}

struct Expected {
    row: usize,
    name: String,
    style: &'static str,
    alert: Alert,
    wanted: Subject,
}

fn component(kind: &'static str, name: &str, namespace: Option<&str>) -> Subject {
    Subject::Component { kind, name: name.to_owned(), namespace: namespace.map(str::to_owned) }
}

/// The object by the table's words, worked out apart from the code under test.
fn wanted(kind: &str, resolver: &str, object_labels: &[&str]) -> Subject {
    let object = |kind: &str, label: &str| Subject::Object(ObjectRef::new(kind, "shop", &format!("the-{label}")));
    match (resolver, kind) {
        ("heartbeat" | "drop", _) => Subject::Cluster,
        ("node_label", _) => Subject::Object(ObjectRef::cluster("Node", "the-node")),
        ("node_from_instance", _) => Subject::NodeAt("10.0.0.7".to_owned()),
        ("target_service", _) => object("Service", "service"),
        ("by_labels_cluster_scoped", "APIService") => Subject::Object(ObjectRef::cluster("APIService", "the-name")),
        ("by_labels_cluster_scoped", "PersistentVolume") => {
            Subject::Object(ObjectRef::cluster("PersistentVolume", "the-persistentvolume"))
        }
        ("by_labels", "Certificate (cert-manager CR)") => object("Certificate", "name"),
        ("by_labels", _) if object_labels.contains(&"pod") => object("Pod", "pod"),
        ("by_labels", kind) => {
            let kind = kind.split(" (").next().unwrap();
            let label = if kind == "Job" { "job_name".to_owned() } else { kind.to_lowercase() };
            object(kind, &label)
        }
        (_, "Service (Grafana)") => component("Service", "the-job", Some("shop")),
        (_, "Deployment (prometheus-operator)") => component("Deployment", "prometheus-operator", Some("shop")),
        (_, "Deployment (coredns)") => component("Deployment", "coredns", Some("kube-system")),
        (_, "Scheduler") => component("Pod", "kube-scheduler", Some("kube-system")),
        (_, "ControllerManager") => component("Pod", "kube-controller-manager", Some("kube-system")),
        (_, "KubeProxy") => component("DaemonSet", "kube-proxy", Some("kube-system")),
        (_, "Component (kube-state-metrics)") => component("Deployment", "kube-state-metrics", None),
        (_, "Component (cert-manager)" | "Component (ACME host)") => component("Deployment", "cert-manager", None),
        (_, kind) if kind.contains("APIServer") => component("Pod", "kube-apiserver", Some("kube-system")),
        ("cluster", "Cluster" | "Cluster (all kubelets)") => Subject::Cluster,
        other => panic!("no expectation for {other:?}"),
    }
}

fn expectations() -> Vec<Expected> {
    let csv = include_str!("../kube_alerts.csv");
    let mut lines = csv.lines();
    let header = cells(lines.next().unwrap());
    let column = |row: &[String], name: &str| row[header.iter().position(|h| h == name).unwrap()].clone();
    let mut all = Vec::new();
    for (index, line) in lines.enumerate() {
        let row = cells(line);
        assert_eq!(row.len(), header.len(), "{line}");
        let list = |name: &str| -> Vec<String> {
            column(&row, name).split(';').filter(|w| !w.is_empty()).map(str::to_owned).collect()
        };
        let (name, resolver) = (column(&row, "alertname"), column(&row, "resolver"));
        let (object, misleading) = (list("object_labels"), list("misleading_labels"));
        let exporter = if resolver == "node_from_instance" { "node-exporter" } else { "kube-state-metrics" };
        for style in ["labels_kube_prometheus", "labels_helm_chart"] {
            let mut names = list(style);
            if names.is_empty() {
                names = object.iter().chain(&misleading).cloned().collect();
            }
            let mut labels: BTreeMap<String, String> =
                names.iter().map(|label| (label.clone(), value(label, misleading.contains(label), exporter))).collect();
            labels.insert("alertname".to_owned(), name.clone());
            let kind = column(&row, "object_kind");
            let object: Vec<&str> = object.iter().map(String::as_str).collect();
            let wanted = wanted(&kind, &resolver, &object);
            all.push(Expected { row: index, name: name.clone(), style, alert: from(labels), wanted });
        }
    }
    all
}

#[test]
fn every_row_in_both_styles_is_its_object() {
    let all = expectations();
    assert_eq!(all.last().unwrap().row + 1, 223);
    let wrong: Vec<String> = all
        .iter()
        .filter(|e| *resolve(&e.alert).first() != e.wanted)
        .map(|e| format!("{} ({}): {:?}, not {:?}", e.name, e.style, resolve(&e.alert).first(), e.wanted))
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}

#[test]
fn an_exporters_pod_is_never_the_subject() {
    for expected in expectations() {
        for subject in resolve(&expected.alert).subjects {
            if let Subject::Object(object) = subject {
                let text = format!("{} ({}): {object}", expected.name, expected.style);
                assert!(!object.name.contains("kps-"), "{text}");
                assert!(object.kind != "Service" || !object.name.contains("kube-state-metrics"), "{text}");
            }
        }
    }
}

#[test]
fn labels_that_the_exporter_pushed_aside_win() {
    let labels = [
        ("alertname", "KubePodCrashLooping"),
        ("namespace", "monitoring"),
        ("pod", "kps-kube-state-metrics-7c9f8d5b4-x2x4z"),
        ("exported_namespace", "shop"),
        ("exported_pod", "cart-0"),
    ];
    assert_eq!(*resolve(&alert(&labels)).first(), Subject::Object(ObjectRef::new("Pod", "shop", "cart-0")));
}

#[test]
fn an_own_rule_is_read_by_its_labels() {
    let deployment = Subject::Object(ObjectRef::new("Deployment", "shop", "cart"));
    for (labels, wanted) in [
        (vec![("pod", "kps-kube-state-metrics-1"), ("deployment", "cart")], deployment.clone()),
        (vec![("pod_name", "cart-0")], Subject::Object(ObjectRef::new("Pod", "shop", "cart-0"))),
        (vec![("workload", "cart"), ("workload_type", "deployment"), ("pod", "x")], deployment.clone()),
        (
            vec![("_aliyun_arms_involvedObject_kind", "Deployment"), ("_aliyun_arms_involvedObject_name", "cart")],
            deployment,
        ),
        (vec![("job", "kube-state-metrics"), ("pod", "p-1")], Subject::Namespace("shop".to_owned())),
    ] {
        let mut all = vec![("alertname", "Pod状态异常"), ("namespace", "shop")];
        all.extend(labels);
        assert_eq!(*resolve(&alert(&all)).first(), wanted, "{all:?}");
    }
    let by_address = alert(&[("alertname", "磁盘"), ("instance", "10.0.0.7:9100")]);
    assert_eq!(*resolve(&by_address).first(), Subject::NodeAt("10.0.0.7".to_owned()));
}

struct Only(Vec<(Subject, Found)>);

impl Lookup for Only {
    async fn find(&self, subject: &Subject) -> Found {
        self.0.iter().find(|(s, _)| s == subject).map_or(Found::No, |(_, found)| found.clone())
    }
}

#[tokio::test]
async fn a_guess_counts_when_it_exists_and_otherwise_the_next_one() {
    let pod = ObjectRef::new("Pod", "shop", "cart-0");
    let gone = ObjectRef::new("Deployment", "shop", "cart");
    let resolution = Resolution {
        subjects: vec![
            Subject::Object(gone.clone()),
            Subject::Object(pod.clone()),
            Subject::Namespace("shop".to_owned()),
            Subject::Cluster,
        ],
        misleading: Vec::new(),
    };
    let there = Only(vec![(Subject::Object(pod.clone()), Found::Yes(pod.clone()))]);
    assert_eq!(confirm(&resolution, &there).await, Target::Object(pod));
    assert_eq!(confirm(&resolution, &Only(Vec::new())).await, Target::Namespace("shop".to_owned()));
    let forbidden = Only(vec![(Subject::Object(gone.clone()), Found::Unknown)]);
    assert_eq!(confirm(&resolution, &forbidden).await, Target::Object(gone));
}
