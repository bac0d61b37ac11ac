//! Nodes, namespaces, config maps, Secrets (their keys only).

use diagnose::Object;
use diagnose::object::text;
use jiff::Timestamp;

use super::{Cells, several, word};
use crate::pods::Rank;

const ROLE: &str = "node-role.kubernetes.io/";

pub fn node(object: &Object, _: Timestamp) -> Cells {
    let ready = object.condition("Ready");
    let mut status = match ready.map(|c| c.status) {
        Some("True") => "Ready",
        Some("False") => "NotReady",
        _ => "Unknown",
    }
    .to_owned();
    if object.bool("/spec/unschedulable") == Some(true) {
        status.push_str(",SchedulingDisabled");
    }
    let pressure = object.conditions().find(|c| c.kind != "Ready" && c.is_true());
    let labels = object.labels();
    let roles = labels.keys().filter_map(|label| label.strip_prefix(ROLE));
    let address = object.list("/status/addresses").iter().find(|a| text(a, "type") == "InternalIP");
    let cells = vec![
        status.clone(),
        several(roles),
        word(object.str("/status/nodeInfo/kubeletVersion")),
        word(address.map(|a| text(a, "address")).unwrap_or_default()),
    ];
    match (ready.filter(|c| !c.is_true()), pressure) {
        (Some(c), _) => (cells, Rank::Failing, format!("{} {}", c.reason, c.message)),
        (None, Some(c)) => (cells, Rank::NotReady, format!("{} {}", c.kind, c.message)),
        (None, None) if status != "Ready" => (cells, Rank::Noted, String::new()),
        (None, None) => (cells, Rank::Well, String::new()),
    }
}

pub fn namespace(object: &Object, _: Timestamp) -> Cells {
    let phase = object.str("/status/phase");
    (vec![if phase.is_empty() { "Active".to_owned() } else { word(phase) }], Rank::Well, String::new())
}

pub fn config_map(object: &Object, _: Timestamp) -> Cells {
    (vec![keys(object, &["/data", "/binaryData"])], Rank::Well, String::new())
}

pub fn secret(object: &Object, _: Timestamp) -> Cells {
    (vec![word(object.str("/type")), keys(object, &["/data"])], Rank::Well, String::new())
}

fn keys(object: &Object, pointers: &[&str]) -> String {
    several(pointers.iter().filter_map(|p| object.at(p).as_object()).flat_map(|map| map.keys().map(String::as_str)))
}
