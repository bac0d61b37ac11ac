//! What `kubectl get` prints of nodes, namespaces, events and configuration.

use serde_json::{Value, json};

use super::super::{Fill, at};
use crate::kinds::Resource;

use super::{AGE, Row, computed, each, field, or, text, wide};

pub(super) fn columns(resource: &Resource) -> Option<Vec<Row>> {
    nodes_and_events(resource).or_else(|| configuration(resource))
}

fn nodes_and_events(resource: &Resource) -> Option<Vec<Row>> {
    Some(match resource.kind.as_ref() {
        "Node" => vec![
            computed("Status", node_status),
            computed("Roles", node_roles),
            AGE,
            field("Version", "status.nodeInfo.kubeletVersion"),
            ("Internal-IP", 1, Fill::Computed(|it| address(it, "InternalIP"))),
            ("External-IP", 1, Fill::Computed(|it| address(it, "ExternalIP"))),
            ("OS-Image", 1, Fill::Computed(|it| info(it, "osImage"))),
            ("Kernel-Version", 1, Fill::Computed(kernel)),
            ("Container-Runtime", 1, Fill::Computed(|it| info(it, "containerRuntimeVersion"))),
        ],
        "Namespace" => vec![field("Status", "status.phase"), AGE],
        "Event" => vec![
            ("Last Seen", 0, Fill::Age(&["series.lastObservedTime", "lastTimestamp", "eventTime", "firstTimestamp"])),
            field("Type", "type"),
            field("Reason", "reason"),
            computed("Object", |it| {
                json!(format!(
                    "{}/{}",
                    text(at(it, "involvedObject.kind")).to_lowercase(),
                    text(at(it, "involvedObject.name"))
                ))
            }),
            wide("Source", "source.component"),
            computed("Message", |it| json!(text(&it["message"]).trim())),
            ("First Seen", 1, Fill::Age(&["firstTimestamp", "eventTime"])),
            ("Count", 1, Fill::Field("count")),
            ("Name", 1, Fill::Name),
        ],
        _ => return None,
    })
}

fn configuration(resource: &Resource) -> Option<Vec<Row>> {
    Some(match resource.kind.as_ref() {
        "ConfigMap" => vec![computed("Data", |it| json!(keys(&it["data"]) + keys(&it["binaryData"]))), AGE],
        "Secret" => vec![field("Type", "type"), computed("Data", |it| json!(keys(&it["data"]))), AGE],
        "CustomResourceDefinition" | "Role" | "ClusterRole" => {
            vec![("Created At", 0, Fill::Field("metadata.creationTimestamp"))]
        }
        "RoleBinding" | "ClusterRoleBinding" => vec![
            computed("Role", |it| json!(format!("{}/{}", text(at(it, "roleRef.kind")), text(at(it, "roleRef.name"))))),
            AGE,
            ("Users", 1, Fill::Computed(|it| subjects(it, "User"))),
            ("Groups", 1, Fill::Computed(|it| subjects(it, "Group"))),
            ("ServiceAccounts", 1, Fill::Computed(|it| subjects(it, "ServiceAccount"))),
        ],
        "ComponentStatus" => vec![
            computed("Status", |it| condition(it, "status")),
            computed("Message", |it| condition(it, "message")),
            computed("Error", |it| condition(it, "error")),
        ],
        "APIService" => vec![
            computed("Service", |it| match at(it, "spec.service.name").as_str() {
                Some(name) => json!(format!("{}/{name}", text(at(it, "spec.service.namespace")))),
                None => json!("Local"),
            }),
            computed("Available", available),
            AGE,
        ],
        "PriorityClass" => vec![
            field("Value", "value"),
            computed("Global-Default", |it| json!(it["globalDefault"] == true)),
            AGE,
            computed("PreemptionPolicy", |it| or(&it["preemptionPolicy"], "PreemptLowerPriority")),
        ],
        "Lease" => vec![field("Holder", "spec.holderIdentity"), AGE],
        _ => return None,
    })
}

fn subjects(binding: &Value, kind: &str) -> Value {
    let of_kind = each(binding, "subjects").into_iter().filter(|subject| subject["kind"] == kind);
    let names: Vec<String> = of_kind
        .map(|subject| match subject["namespace"].as_str() {
            Some(namespace) => format!("{namespace}/{}", text(&subject["name"])),
            None => text(&subject["name"]),
        })
        .collect();
    json!(names.join(", "))
}

fn info(node: &Value, field: &str) -> Value {
    let value = &at(node, "status.nodeInfo")[field];
    if value.as_str().is_none_or(str::is_empty) { json!("<unknown>") } else { value.clone() }
}

fn kernel(node: &Value) -> Value {
    let (kernel, architecture) = (info(node, "kernelVersion"), &at(node, "status.nodeInfo")["architecture"]);
    match architecture.as_str() {
        Some(architecture) if !architecture.is_empty() => json!(format!("{} ({architecture})", text(&kernel))),
        Some(_) | None => kernel,
    }
}

fn node_status(node: &Value) -> Value {
    let ready =
        each(node, "status.conditions").into_iter().find(|one| one["type"] == "Ready").map(|one| text(&one["status"]));
    let word = match ready.as_deref() {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    let cordoned = if at(node, "spec.unschedulable") == true { ",SchedulingDisabled" } else { "" };
    json!(format!("{word}{cordoned}"))
}

fn node_roles(node: &Value) -> Value {
    let mut roles: Vec<&str> = at(node, "metadata.labels")
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(key, _)| key.strip_prefix("node-role.kubernetes.io/"))
        .collect();
    roles.sort_unstable();
    if roles.is_empty() { json!("<none>") } else { json!(roles.join(",")) }
}

fn address(node: &Value, kind: &str) -> Value {
    let found = each(node, "status.addresses").into_iter().find(|one| one["type"] == kind);
    found.map_or_else(|| json!("<none>"), |one| one["address"].clone())
}

fn condition(object: &Value, field: &str) -> Value {
    let healthy = each(object, "conditions").into_iter().find(|one| one["type"] == "Healthy");
    let value = healthy.map(|one| one[field].clone()).unwrap_or_default();
    match (field, value.as_str()) {
        ("status", Some("True")) => json!("Healthy"),
        ("status", Some(_)) => json!("Unhealthy"),
        _ => value,
    }
}

fn available(service: &Value) -> Value {
    let found = each(service, "status.conditions").into_iter().find(|one| one["type"] == "Available");
    found.map_or_else(
        || json!("Unknown"),
        |one| {
            if one["status"] == "True" {
                return json!("True");
            }
            json!(format!("{} ({})", text(&one["status"]), text(&one["reason"])))
        },
    )
}

fn keys(map: &Value) -> usize {
    map.as_object().map_or(0, serde_json::Map::len)
}
