//! Commands that change a pod template, for the controllers whose template may be changed.

use serde_json::{Value, json};

use crate::object::Object;
use crate::pod::{Container, Role};

/// Quotes a word for a POSIX shell where it needs it.
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '@' | '=' | ',');
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Whether the template of this object may be changed after it was made. A pod's and a job's may not.
pub fn may_change(root: &Object) -> bool {
    matches!(
        root.kind(),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "ReplicationController" | "CronJob"
    )
}

/// `kubectl patch` of the template's pod spec; None where the template may not be changed.
pub fn patch(root: &Object, spec: &Value) -> Option<String> {
    if !may_change(root) {
        return None;
    }
    let template = json!({"spec": {"template": {"spec": spec}}});
    let body = if root.kind() == "CronJob" { json!({"spec": {"jobTemplate": template}}) } else { template };
    Some(format!("kubectl patch {}{} --type=strategic -p {}", root.re.arg(), root.re.flag(), quote(&body.to_string())))
}

/// A patch of one container of the template.
pub fn patch_container(root: &Object, container: &Container<'_>, fields: &Value) -> Option<String> {
    let list = if container.role == Role::Main { "containers" } else { "initContainers" };
    let mut entry = json!({"name": container.name});
    if let (Some(entry), Some(fields)) = (entry.as_object_mut(), fields.as_object()) {
        entry.extend(fields.clone());
    }
    patch(root, &json!({list: [entry]}))
}

/// `kubectl set image`; a pod's image may be changed too, a job's may not.
pub fn set_image(root: &Object, container: &Container<'_>, image: &str) -> Option<String> {
    if !may_change(root) && root.kind() != "Pod" {
        return None;
    }
    Some(format!("kubectl set image {}{} {}={}", root.re.arg(), root.re.flag(), container.name, quote(image)))
}
