//! Reading an object as the person who asks, and what of it people decide on.

use cluster::{Cluster, Outcome, Request, Verb};
use serde_json::Value;

use super::Refusal;
use super::clean::{clean, clean_new};

/// An object as it was read.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    pub uid: Option<String>,
    pub resource_version: Option<String>,
    pub generation: Option<i64>,
    /// As it came.
    pub raw: Value,
    /// Without bookkeeping and status.
    pub clean: Value,
}

impl Seen {
    pub fn new(raw: Value) -> Self {
        let text = |field: &str| raw["metadata"][field].as_str().map(str::to_owned);
        Self {
            uid: text("uid"),
            resource_version: text("resourceVersion"),
            generation: raw["metadata"]["generation"].as_i64(),
            clean: clean(&raw),
            raw,
        }
    }

    /// What classes of changes are told by: without status, but still this one object.
    pub fn identified(&self) -> Value {
        identified(&self.clean, self.uid.as_deref())
    }

    pub fn is_going(&self) -> bool {
        !self.raw["metadata"]["deletionTimestamp"].is_null()
    }
}

/// A cleaned object with its uid.
pub fn identified(clean: &Value, uid: Option<&str>) -> Value {
    let mut object = clean.clone();
    if let (Some(metadata), Some(uid)) = (object["metadata"].as_object_mut(), uid) {
        metadata.insert("uid".to_owned(), uid.into());
    }
    object
}

/// The object that a request is about; None when there is none.
pub async fn read(cluster: &Cluster, about: &Request, name: &str) -> Result<Option<Seen>, Refusal> {
    let request = Request {
        cluster: about.cluster.clone(),
        verb: Verb::Get,
        group: about.group.clone(),
        version: about.version.clone(),
        resource: about.resource.clone(),
        subresource: about.subresource.clone(),
        namespace: about.namespace.clone(),
        name: Some(name.to_owned()),
        ..Request::default()
    };
    let http = request.to_http().map_err(|error| Refusal::Malformed(error.to_string()))?;
    match cluster.client.request::<Value>(http).await {
        Ok(raw) => Ok(Some(Seen::new(raw))),
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
        Err(kube::Error::Api(status)) if status.code == 403 => Err(forbidden(&request, &status.message)),
        Err(error) => Err(Refusal::Unreachable(cluster::reason(&error))),
    }
}

/// Earlier templates of a workload, as its controller keeps them. None where they cannot be read: then going back to
/// one counts like any other change.
pub async fn revisions(cluster: &Cluster, about: &Request, seen: &Seen) -> Vec<Value> {
    let resource = match (about.group.as_str(), about.resource.as_str()) {
        ("apps", "deployments") => "replicasets",
        ("apps", "statefulsets" | "daemonsets") => "controllerrevisions",
        _ => return Vec::new(),
    };
    let list = Request {
        cluster: about.cluster.clone(),
        verb: Verb::List,
        group: "apps".to_owned(),
        version: "v1".to_owned(),
        resource: resource.to_owned(),
        namespace: about.namespace.clone(),
        ..Request::default()
    };
    let Ok(http) = list.to_http() else { return Vec::new() };
    let mut listed: Value = cluster.client.request(http).await.unwrap_or_default();
    let uid = seen.uid.as_deref().unwrap_or_default();
    let owned = |one: &Value| {
        let owners = one["metadata"]["ownerReferences"].as_array();
        owners.into_iter().flatten().any(|owner| owner["uid"] == uid)
    };
    let items = listed["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
    items.into_iter().filter(owned).collect()
}

/// What the dry run of a request makes of the object; None when it is gone afterwards.
pub async fn preview(cluster: &Cluster, request: &Request, live: Option<&Value>) -> Result<Option<Value>, Refusal> {
    let object = match cluster.dry_run(request).await {
        Ok(object) => object,
        Err(outcome) => return Err(no_preview(request, outcome)),
    };
    if request.verb == Verb::Delete {
        return Ok(None);
    }
    Ok(Some(match live {
        Some(_) => clean(&object),
        None => clean_new(&object, request.body.as_ref().unwrap_or(&Value::Null)),
    }))
}

pub fn no_preview(request: &Request, outcome: Outcome) -> Refusal {
    match outcome {
        Outcome::Refused { code: 403, message, .. } => forbidden(request, &message),
        Outcome::Refused { code: 409, message, .. } => {
            Refusal::Stale(format!("the object is not as expected: {message}"))
        }
        Outcome::Refused { code: 404, message, .. } => Refusal::Refused(format!("not found: {message}")),
        Outcome::Refused { code: 400, message, .. } if message.contains("does not support dry run") => {
            Refusal::Refused(format!("the change cannot be previewed, so nobody can approve it: {message}"))
        }
        Outcome::Refused { code, message, .. } => {
            Refusal::Refused(format!("the API server would refuse this (HTTP {code}): {message}"))
        }
        Outcome::Unknown { why, .. } | Outcome::NotSent { why } => Refusal::Unreachable(why),
    }
}

fn forbidden(request: &Request, message: &str) -> Refusal {
    Refusal::Forbidden {
        verb: request.verb.rbac().to_owned(),
        resource: request.resource_name(),
        namespace: request.within().map(str::to_owned),
        message: message.to_owned(),
    }
}
