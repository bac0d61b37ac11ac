//! What `kubectl get` prints of claims, volumes and classes.

use serde_json::{Value, json};

use super::super::at;
use crate::kinds::Resource;

use super::{AGE, Row, computed, field, or, text, wide};

pub(super) fn columns(resource: &Resource) -> Option<Vec<Row>> {
    Some(match resource.kind.as_ref() {
        "PersistentVolumeClaim" => vec![
            field("Status", "status.phase"),
            field("Volume", "spec.volumeName"),
            field("Capacity", "status.capacity.storage"),
            computed("Access Modes", |it| {
                modes(if at(it, "status.accessModes").is_array() { at(it, "status.accessModes") } else { &Value::Null })
            }),
            field("StorageClass", "spec.storageClassName"),
            computed("VolumeAttributesClass", |it| or(at(it, "spec.volumeAttributesClassName"), "<unset>")),
            AGE,
            wide("VolumeMode", "spec.volumeMode"),
        ],
        "PersistentVolume" => vec![
            field("Capacity", "spec.capacity.storage"),
            computed("Access Modes", |it| modes(at(it, "spec.accessModes"))),
            field("Reclaim Policy", "spec.persistentVolumeReclaimPolicy"),
            field("Status", "status.phase"),
            computed("Claim", |it| match at(it, "spec.claimRef.name").as_str() {
                Some(name) => json!(format!("{}/{name}", text(at(it, "spec.claimRef.namespace")))),
                None => json!(""),
            }),
            field("StorageClass", "spec.storageClassName"),
            computed("VolumeAttributesClass", |it| or(at(it, "spec.volumeAttributesClassName"), "<unset>")),
            field("Reason", "status.reason"),
            AGE,
            wide("VolumeMode", "spec.volumeMode"),
        ],
        "StorageClass" => vec![
            field("Provisioner", "provisioner"),
            computed("ReclaimPolicy", |it| or(at(it, "reclaimPolicy"), "Delete")),
            computed("VolumeBindingMode", |it| or(at(it, "volumeBindingMode"), "Immediate")),
            computed("AllowVolumeExpansion", |it| json!(at(it, "allowVolumeExpansion") == true)),
            AGE,
        ],
        "CSIDriver" => vec![
            computed("AttachRequired", |it| json!(at(it, "spec.attachRequired") != false)),
            computed("PodInfoOnMount", |it| json!(at(it, "spec.podInfoOnMount") == true)),
            computed("StorageCapacity", |it| json!(at(it, "spec.storageCapacity") == true)),
            AGE,
        ],
        "VolumeAttachment" => vec![
            field("Attacher", "spec.attacher"),
            field("PV", "spec.source.persistentVolumeName"),
            field("Node", "spec.nodeName"),
            field("Attached", "status.attached"),
            AGE,
        ],
        _ => return None,
    })
}

fn modes(list: &Value) -> Value {
    let short = |mode: &Value| match mode.as_str() {
        Some("ReadWriteOnce") => "RWO",
        Some("ReadOnlyMany") => "ROX",
        Some("ReadWriteMany") => "RWX",
        Some("ReadWriteOncePod") => "RWOP",
        Some(_) | None => "",
    };
    let shorts: Vec<&str> = list.as_array().into_iter().flatten().map(short).collect();
    json!(shorts.join(","))
}
