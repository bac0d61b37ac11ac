//! Claims, volumes, storage classes.

use diagnose::Object;
use jiff::Timestamp;
use serde_json::Value;

use super::{Cells, word};
use crate::pods::Rank;

pub fn claim(object: &Object, _: Timestamp) -> Cells {
    let status = object.str("/status/phase");
    let bound = object.str("/status/capacity/storage");
    let asked = object.str("/spec/resources/requests/storage");
    let size = if bound.is_empty() || bound == asked { word(asked) } else { format!("{bound}(asked:{asked})") };
    let cells =
        vec![word(status), size, word(object.str("/spec/storageClassName")), word(object.str("/spec/volumeName"))];
    match status {
        "Bound" => (cells, Rank::Well, String::new()),
        "Lost" => (cells, Rank::Failing, "its volume is gone".to_owned()),
        _ => (cells, Rank::Failing, "not bound; its events say why".to_owned()),
    }
}

pub fn volume(object: &Object, _: Timestamp) -> Cells {
    let status = object.str("/status/phase");
    let claim = match (object.str("/spec/claimRef/namespace"), object.str("/spec/claimRef/name")) {
        ("" | "-", _) => "-".to_owned(),
        (namespace, name) => format!("{namespace}/{name}"),
    };
    let size = word(object.str("/spec/capacity/storage"));
    let cells = vec![word(status), size, word(object.str("/spec/storageClassName")), claim];
    let rank = match status {
        "Failed" => Rank::Failing,
        "Released" => Rank::Noted,
        _ => Rank::Well,
    };
    (cells, rank, object.str("/status/message").to_owned())
}

pub fn class(object: &Object, _: Timestamp) -> Cells {
    let default = object.annotation("storageclass.kubernetes.io/is-default-class") == "true";
    let provisioner = object.str("/provisioner");
    let or = |pointer: &str, usual: &str| object.at(pointer).as_str().map_or_else(|| usual.to_owned(), word);
    let cells = vec![
        if default { format!("{provisioner}(default)") } else { word(provisioner) },
        or("/reclaimPolicy", "Delete"),
        or("/volumeBindingMode", "Immediate"),
        object.at("/allowVolumeExpansion").as_bool().map_or(Value::from(false), Value::from).to_string(),
    ];
    (cells, Rank::Well, String::new())
}
