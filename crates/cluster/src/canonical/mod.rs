//! The canonical Kubernetes request: what policy decides on, a person approves, and the gate lets out.

mod digest;
mod http;
mod json;
mod name;
mod precondition;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::identity::Identity;

pub use digest::{Digest, NoDigest};
pub use json::{canonical as canonical_json, strict as strict_json};

pub const JSON: &str = "application/json";
pub const JSON_PATCH: &str = "application/json-patch+json";
pub const MERGE_PATCH: &str = "application/merge-patch+json";
pub const STRATEGIC_MERGE_PATCH: &str = "application/strategic-merge-patch+json";
pub const APPLY_PATCH: &str = "application/apply-patch+yaml";

#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    #[default]
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    /// Server-side apply; Kubernetes authorises it as a patch.
    Apply,
    Delete,
    DeleteCollection,
    /// Opens a channel into a workload or a node, with whatever method.
    Connect,
}

impl Verb {
    pub const ALL: [Self; 10] = [
        Self::Get,
        Self::List,
        Self::Watch,
        Self::Create,
        Self::Update,
        Self::Patch,
        Self::Apply,
        Self::Delete,
        Self::DeleteCollection,
        Self::Connect,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Apply => "apply",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
            Self::Connect => "connect",
        }
    }

    /// The verb in RBAC rules.
    pub fn rbac(self) -> &'static str {
        match self {
            Self::Apply => "patch",
            // Since Kubernetes 1.35 a channel needs `create`, whatever its method is.
            Self::Connect => "create",
            other => other.as_str(),
        }
    }

    pub fn reads(self) -> bool {
        matches!(self, Self::Get | Self::List | Self::Watch)
    }
}

/// What the object must still be when the write arrives.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preconditions {
    #[serde(default)]
    pub uid: Option<String>,
    #[serde(default)]
    pub resource_version: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The uid of the namespace kube-system.
    pub cluster: String,
    pub verb: Verb,
    /// Empty for the core group.
    #[serde(default)]
    pub group: String,
    pub version: String,
    /// Plural, lower case.
    pub resource: String,
    /// What lies below the object; below `proxy` with the path that is asked for.
    #[serde(default)]
    pub subresource: Option<String>,
    #[serde(default)]
    pub namespace: Option<String>,
    #[serde(default)]
    pub name: Option<String>,
    /// Without `fieldManager`. Options of a delete stand here, also those that travel in its body.
    #[serde(default)]
    pub query: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub content_type: Option<String>,
    #[serde(default)]
    pub body: Option<Value>,
    #[serde(default)]
    pub field_manager: Option<String>,
    /// None: the account of the connection itself.
    #[serde(default)]
    pub as_user: Option<Identity>,
    #[serde(default)]
    pub preconditions: Option<Preconditions>,
}

/// Why something is no request that can be decided on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub(crate) String);

impl Malformed {
    pub(crate) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl Request {
    /// RFC 8785 bytes of all of it, in the one form that requests with the same meaning share.
    pub fn canonical(&self) -> Vec<u8> {
        // A struct of strings, maps and JSON values has no form that cannot be written.
        json::canonical(&serde_json::to_value(self.normal()).unwrap_or_default())
    }

    pub fn digest(&self) -> Digest {
        Digest::of(&self.canonical())
    }

    /// Whether the server would only try it.
    pub fn is_dry_run(&self) -> bool {
        self.normal().query.get("dryRun").is_some_and(|values| values.len() == 1 && values[0] == "All")
    }

    pub fn as_dry_run(&self) -> Self {
        let mut request = self.normal();
        request.query.insert("dryRun".to_owned(), vec!["All".to_owned()]);
        request
    }

    /// `deployments.apps`, `pods/exec`: as policies and RBAC name it.
    pub fn resource_name(&self) -> String {
        let dot = if self.group.is_empty() { "" } else { "." };
        let (slash, subresource) = self.subresource.as_deref().map_or(("", ""), |subresource| ("/", subresource));
        format!("{}{dot}{}{slash}{subresource}", self.resource, self.group)
    }

    /// The namespace that it touches; a Namespace object lies in itself.
    pub fn within(&self) -> Option<&str> {
        if self.group.is_empty() && self.resource == "namespaces" {
            return self.name.as_deref();
        }
        self.namespace.as_deref()
    }

    /// `delete pods web-1 in shop`, for people.
    pub fn summary(&self) -> String {
        let name = self.name.as_ref().map(|name| format!(" {name}")).unwrap_or_default();
        let namespace = self.namespace.as_ref().map(|namespace| format!(" in {namespace}")).unwrap_or_default();
        format!("{} {}{name}{namespace}", self.verb.as_str(), self.resource_name())
    }

    /// The same request with everything in its one place.
    pub(crate) fn normal(&self) -> Self {
        let mut request = self.clone();
        precondition::take(&mut request);
        if request.verb == Verb::Watch {
            request.query.insert("watch".to_owned(), vec!["true".to_owned()]);
        }
        request.body = request.body.filter(|body| !body.is_null());
        request.preconditions = request.preconditions.filter(|conditions| *conditions != Preconditions::default());
        let given = request.content_type.as_deref().map(|kind| kind.split(';').next().unwrap_or_default().trim());
        request.content_type = match (request.verb, &request.body, given) {
            (Verb::Patch, _, Some(given)) => Some(given.to_ascii_lowercase()),
            (Verb::Patch, _, None) => Some(MERGE_PATCH.to_owned()),
            (Verb::Apply, ..) => Some(APPLY_PATCH.to_owned()),
            (_, Some(_), _) => Some(JSON.to_owned()),
            (_, None, _) => None,
        };
        request
    }
}
