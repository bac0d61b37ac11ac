//! Which objects an alert's labels can mean, the likeliest first.

use std::collections::BTreeMap;

use diagnose::ObjectRef;

pub struct Resolved {
    pub candidates: Vec<ObjectRef>,
}

pub fn resolve(labels: &BTreeMap<String, String>) -> Resolved {
    let namespace = labels.get("namespace").map_or("", String::as_str);
    let kinds = [
        ("persistentvolumeclaim", "PersistentVolumeClaim"),
        ("deployment", "Deployment"),
        ("pod", "Pod"),
        ("node", "Node"),
    ];
    let candidates = kinds.iter().filter_map(|(label, kind)| {
        labels.get(*label).map(|name| ObjectRef::new(kind, if *kind == "Node" { "" } else { namespace }, name))
    });
    Resolved { candidates: candidates.collect() }
}
