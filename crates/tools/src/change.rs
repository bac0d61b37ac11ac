//! A change as the canonical request that policy decides on and a person approves.

use std::collections::BTreeMap;

use cluster::Identity;
use serde_json::Value;

use crate::hands::Change;
use cluster::Verb;

/// Who owns the fields that are written.
const MANAGER: &str = "midwatch";

impl Change {
    /// The request to the cluster of this uid, as this person. Preconditions are the hub's.
    pub fn request(&self, cluster: &str, as_user: Option<Identity>) -> cluster::Request {
        let (group, version) = self.api_version.rsplit_once('/').unwrap_or(("", &self.api_version));
        let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, value) in &self.query {
            query.entry(key.clone()).or_default().push(value.clone());
        }
        let writes = self.body.is_some();
        cluster::Request {
            cluster: cluster.to_owned(),
            verb: verb(self.verb),
            group: group.to_owned(),
            version: version.to_owned(),
            resource: self.resource.clone(),
            subresource: self.subresource.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
            query,
            content_type: self.body.as_ref().map(|body| content_type(self.verb, body).to_owned()),
            body: self.body.clone(),
            field_manager: writes.then(|| MANAGER.to_owned()),
            as_user,
            preconditions: None,
        }
    }
}

/// A patch is a merge where its body is an object, a list of steps where it is a list.
fn content_type(verb: Verb, body: &Value) -> &'static str {
    match verb {
        Verb::Apply => cluster::APPLY_PATCH,
        Verb::Patch if body.is_array() => cluster::JSON_PATCH,
        Verb::Patch => cluster::MERGE_PATCH,
        Verb::Get
        | Verb::List
        | Verb::Watch
        | Verb::Create
        | Verb::Update
        | Verb::Delete
        | Verb::DeleteCollection
        | Verb::Connect => cluster::JSON,
    }
}

fn verb(verb: Verb) -> cluster::Verb {
    match verb {
        Verb::Get => cluster::Verb::Get,
        Verb::List => cluster::Verb::List,
        Verb::Watch => cluster::Verb::Watch,
        Verb::Create => cluster::Verb::Create,
        Verb::Update => cluster::Verb::Update,
        Verb::Patch => cluster::Verb::Patch,
        Verb::Apply => cluster::Verb::Apply,
        Verb::Delete => cluster::Verb::Delete,
        Verb::DeleteCollection => cluster::Verb::DeleteCollection,
        Verb::Connect => cluster::Verb::Connect,
    }
}
