//! Looks up in the cluster what an alert may be about.

use cluster::Cluster;
use diagnose::{ObjectRef, Target, kinds};
use serde_json::Value;

use crate::alerts::Alert;
use crate::alerts::object::{Found, Lookup, Subject, confirm, resolve};

/// What alerts of one incident are about: the first object of the first alert that can be confirmed.
pub async fn target(cluster: &Cluster, alerts: &[Alert]) -> Target {
    let mut wider = None;
    for alert in alerts {
        match confirm(&resolve(alert), &Live(cluster)).await {
            object @ Target::Object(_) => return object,
            namespace @ Target::Namespace(_) => wider = wider.or(Some(namespace)),
            Target::Cluster => {}
        }
    }
    wider.unwrap_or(Target::Cluster)
}

struct Live<'a>(&'a Cluster);

/// An answer of the API server: the body, a clear "not found", or nothing that could be read.
enum Answer {
    Body(Value),
    NotFound,
    Unread,
}

impl Lookup for Live<'_> {
    async fn find(&self, subject: &Subject) -> Found {
        match subject {
            Subject::Object(object) => match self.get(object).await {
                Answer::Body(_) => Found::Yes(object.clone()),
                Answer::NotFound => Found::No,
                Answer::Unread => Found::Unknown,
            },
            Subject::NodeAt(address) => self.node_at(address).await,
            Subject::NodeOf(pod) => match self.get(pod).await {
                Answer::Body(pod) => match pod["spec"]["nodeName"].as_str() {
                    Some(node) => Found::Yes(ObjectRef::cluster("Node", node)),
                    None => Found::No,
                },
                Answer::NotFound => Found::No,
                Answer::Unread => Found::Unknown,
            },
            Subject::Component { kind, name, namespace } => self.component(kind, name, namespace.as_deref()).await,
            Subject::Namespace(_) | Subject::Cluster => Found::Unknown,
        }
    }
}

impl Live<'_> {
    async fn read(&self, path: &str) -> Answer {
        let Ok(request) = http::Request::get(path).body(Vec::new()) else { return Answer::Unread };
        match self.0.client.request::<Value>(request).await {
            Ok(body) => Answer::Body(body),
            Err(kube::Error::Api(status)) if status.code == 404 => Answer::NotFound,
            Err(_) => Answer::Unread,
        }
    }

    async fn get(&self, object: &ObjectRef) -> Answer {
        match kinds::kind(&object.kind) {
            Some(kind) => self.read(&kind.object_path(&object.namespace, &object.name)).await,
            None => Answer::Unread,
        }
    }

    async fn node_at(&self, address: &str) -> Found {
        let list = match self.read("/api/v1/nodes").await {
            Answer::Body(list) => list,
            Answer::NotFound | Answer::Unread => return Found::Unknown,
        };
        let nodes = list["items"].as_array().into_iter().flatten();
        let here = |node: &&Value| {
            let addresses = node["status"]["addresses"].as_array();
            addresses.into_iter().flatten().any(|a| a["address"] == address) || node["metadata"]["name"] == address
        };
        match nodes.into_iter().find(here).and_then(|node| node["metadata"]["name"].as_str()) {
            Some(name) => Found::Yes(ObjectRef::cluster("Node", name)),
            None => Found::No,
        }
    }

    /// The object of that name, else one whose name begins or ends with it.
    async fn component(&self, kind: &str, name: &str, namespace: Option<&str>) -> Found {
        let Some(kind) = kinds::kind(kind) else { return Found::Unknown };
        let list = match self.read(&kind.list_path(namespace.unwrap_or_default())).await {
            Answer::Body(list) => list,
            Answer::NotFound | Answer::Unread => return Found::Unknown,
        };
        let mut found: Vec<(u8, ObjectRef)> = Vec::new();
        for item in list["items"].as_array().into_iter().flatten() {
            let its = item["metadata"]["name"].as_str().unwrap_or_default();
            let rank = match its {
                _ if its == name => 0,
                _ if its.starts_with(&format!("{name}-")) || its.ends_with(&format!("-{name}")) => 1,
                _ => continue,
            };
            let namespace = item["metadata"]["namespace"].as_str().unwrap_or_default();
            found.push((rank, ObjectRef::new(kind.name, namespace, its)));
        }
        found.sort();
        found.into_iter().next().map_or(Found::No, |(_, object)| Found::Yes(object))
    }
}
