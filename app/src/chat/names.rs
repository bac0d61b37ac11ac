//! Reads the names that there are in a cluster.

use cluster::Cluster;
use diagnose::ObjectRef;
use diagnose::kinds::{self, Kind};
use futures::StreamExt;
use serde_json::Value;

use super::known::{Entry, Known, MEANT};

/// Lists under way at one time.
const AT_ONCE: usize = 6;

/// The objects of one kind.
pub async fn list(cluster: &Cluster, kind: &Kind, namespace: &str) -> Result<Vec<Entry>, String> {
    let path = kind.list_path(namespace);
    let request = http::Request::get(path.as_str()).body(Vec::new()).map_err(|error| error.to_string())?;
    let list = cluster.client.request::<Value>(request).await.map_err(|error| cluster::reason(&error))?;
    let items = list["items"].as_array().into_iter().flatten();
    Ok(items.map(|item| entry(kind, item)).collect())
}

/// The names of the cluster, or of one namespace. What could not be read is in the second part.
pub async fn known(cluster: &Cluster, namespace: Option<&str>) -> (Known, Vec<String>) {
    let mut known = Known::default();
    let mut gaps = Vec::new();
    // nobody asks for a replica set by its name
    let named = MEANT.iter().filter(|name| **name != "ReplicaSet");
    let wanted = named.filter_map(|name| kinds::kind(name)).chain(kinds::kind("Namespace"));
    let lists = futures::stream::iter(wanted).map(|kind| async move {
        let place = if kind.namespaced { namespace.unwrap_or_default() } else { "" };
        (kind, list(cluster, kind, place).await)
    });
    let lists: Vec<_> = lists.buffered(AT_ONCE).collect().await;
    for (kind, found) in lists {
        match found {
            Ok(found) if kind.name == "Namespace" => {
                known.namespaces = found.into_iter().map(|entry| entry.object.name).collect();
            }
            Ok(found) => known.objects.extend(found),
            Err(why) => gaps.push(format!("{}: {why}", kind.plural)),
        }
    }
    (known, gaps)
}

fn entry(kind: &Kind, item: &Value) -> Entry {
    let text = |pointer: &str| item.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let object = ObjectRef::new(kind.name, text("/metadata/namespace"), text("/metadata/name"));
    let owner = text("/metadata/ownerReferences/0/name");
    let owner = match text("/metadata/ownerReferences/0/kind") {
        // a Deployment's name and a hash
        "ReplicaSet" => owner.rsplit_once('-').map_or(owner, |(workload, _)| workload),
        _ => owner,
    };
    let conditions = item.pointer("/status/conditions").and_then(Value::as_array);
    let ready = || conditions.into_iter().flatten().any(|c| c["type"] == "Ready" && c["status"] == "True");
    let troubled = match kind.name {
        "Pod" => text("/status/phase") != "Succeeded" && !ready(),
        "Node" => !ready(),
        "PersistentVolumeClaim" => text("/status/phase") != "Bound",
        "Deployment" | "StatefulSet" => {
            let number = |pointer: &str| item.pointer(pointer).and_then(Value::as_i64);
            number("/status/readyReplicas").unwrap_or(0) < number("/spec/replicas").unwrap_or(1)
        }
        _ => false,
    };
    Entry { object, owner: (!owner.is_empty()).then(|| owner.to_owned()), troubled }
}
