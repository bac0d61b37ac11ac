//! The canonical request of a wish, with everything that only the cluster knows.

use std::collections::BTreeMap;

use cluster::{Cluster, JSON_PATCH, MERGE_PATCH, Request, Verb};
use serde_json::Value;

use super::propose::Wish;
use super::{Approvals, Refusal};
use crate::people::Person;

/// The field manager of every change.
pub const MANAGER: &str = "midwatch";

impl Approvals {
    /// The request in its one form, with everything that only the cluster knows.
    pub(super) async fn canonical(&self, person: &Person, wish: &Wish) -> Result<Request, Refusal> {
        let own = self.cluster()?;
        let cluster = own.uid().await.map_err(|error| Refusal::Unreachable(error.to_string()))?;
        let as_user = self.acting_for(person)?;
        let acting = self.as_user(as_user.as_ref())?;
        let (resource, namespaced) = resource_of(&acting, &wish.api_version, &wish.kind).await?;
        let (group, version) = wish.api_version.split_once('/').unwrap_or(("", &wish.api_version));
        let mut body = wish.body.clone();
        let own_name = body.as_ref().and_then(|body| body["metadata"]["name"].as_str()).map(str::to_owned);
        let own_namespace = body.as_ref().and_then(|body| body["metadata"]["namespace"].as_str()).map(str::to_owned);
        let namespace = wish.namespace.clone().or(own_namespace).unwrap_or_else(|| own.namespace.clone());
        if let Some(Value::Object(object)) = &mut body {
            bookkeeping_out(object);
        }
        let creates = wish.verb == Verb::Create && wish.subresource.is_none();
        let content_type = match (wish.verb, &body) {
            (Verb::Patch, Some(Value::Array(_))) => Some(JSON_PATCH.to_owned()),
            (Verb::Patch, _) => Some(MERGE_PATCH.to_owned()),
            _ => None,
        };
        let mut query = BTreeMap::<String, Vec<String>>::new();
        for (key, value) in &wish.query {
            query.entry(key.clone()).or_default().push(value.clone());
        }
        let request = Request {
            cluster,
            verb: wish.verb,
            group: group.to_owned(),
            version: version.to_owned(),
            resource,
            subresource: wish.subresource.clone(),
            namespace: namespaced.then_some(namespace),
            name: wish.name.clone().or(own_name).filter(|_| !creates),
            query,
            content_type,
            body,
            field_manager: (wish.verb != Verb::Delete).then(|| MANAGER.to_owned()),
            as_user,
            preconditions: None,
        };
        request.check().map_err(|error| Refusal::Malformed(error.to_string()))?;
        if request.verb.reads() {
            return Err(Refusal::Malformed("a read needs no approval".to_owned()));
        }
        if request.is_dry_run() || request.query.contains_key("dryRun") {
            return Err(Refusal::Malformed("a dry run is made anyway; leave out dryRun".to_owned()));
        }
        Ok(request)
    }
}

/// Fields that a copied object brings along and that no writer sets.
fn bookkeeping_out(object: &mut serde_json::Map<String, Value>) {
    object.remove("status");
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        for field in ["managedFields", "creationTimestamp", "generation", "selfLink", "resourceVersion", "uid"] {
            metadata.remove(field);
        }
    }
}

/// Plural and scope of a kind, asked of the one group that it is in.
async fn resource_of(cluster: &Cluster, api_version: &str, kind: &str) -> Result<(String, bool), Refusal> {
    let fits = |text: &str| {
        text.split('/').count() <= 2
            && text.split('/').all(|part| !part.is_empty())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || ".-/".contains(c))
    };
    if !fits(api_version) {
        return Err(Refusal::Malformed(format!("apiVersion {api_version:?} is none")));
    }
    let path = if api_version.contains('/') { format!("/apis/{api_version}") } else { format!("/api/{api_version}") };
    let request = http::Request::get(path).body(Vec::new()).map_err(anyhow::Error::from)?;
    let listed: Value = match cluster.client.request(request).await {
        Ok(listed) => listed,
        Err(kube::Error::Api(status)) if status.code == 404 => {
            return Err(Refusal::Malformed(format!("this cluster has no apiVersion {api_version}")));
        }
        Err(error) => return Err(Refusal::Unreachable(cluster::reason(&error))),
    };
    let all = listed["resources"].as_array().cloned().unwrap_or_default();
    let found = all.iter().find(|one| one["kind"] == kind && one["name"].as_str().is_some_and(|n| !n.contains('/')));
    let plural = found.and_then(|one| one["name"].as_str()).map(str::to_owned);
    let plural = plural.ok_or_else(|| Refusal::Malformed(format!("{api_version} has no kind {kind}")))?;
    Ok((plural, found.is_some_and(|one| one["namespaced"] == true)))
}
