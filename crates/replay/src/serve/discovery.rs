//! Discovery: which groups, versions and resources there are; plain and aggregated.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};

use super::failure::Failure;
use super::{Replay, accept};
use crate::catalog::{Catalog, Collection};
use crate::kinds::Resource;

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
const READ: [&str; 3] = ["get", "list", "watch"];

pub(super) async fn core(State(replay): State<Replay>, headers: HeaderMap) -> Response {
    if accept::aggregated_discovery(&headers) {
        return aggregated(&replay.recording().catalog, true);
    }
    Json(json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})).into_response()
}

pub(super) async fn groups(State(replay): State<Replay>, headers: HeaderMap) -> Response {
    let recording = replay.recording();
    if accept::aggregated_discovery(&headers) {
        return aggregated(&recording.catalog, false);
    }
    let groups: Vec<Value> = versions(&recording.catalog)
        .iter()
        .filter(|(group, _)| !group.is_empty())
        .map(|(group, versions)| api_group(group, versions))
        .collect();
    Json(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})).into_response()
}

pub(super) async fn group(State(replay): State<Replay>, Path(name): Path<String>) -> Response {
    let recording = replay.recording();
    let versions = versions(&recording.catalog);
    let Some((group, versions)) = versions.iter().find(|(group, _)| *group == name && !name.is_empty()) else {
        return Failure::no_such_resource().into_response();
    };
    let mut answer = api_group(group, versions);
    answer["kind"] = Value::from("APIGroup");
    answer["apiVersion"] = Value::from("v1");
    Json(answer).into_response()
}

pub(super) async fn core_resources(State(replay): State<Replay>, Path(version): Path<String>) -> Response {
    resource_list(&replay.recording().catalog, "", &version)
}

pub(super) async fn resources(
    State(replay): State<Replay>,
    Path((group, version)): Path<(String, String)>,
) -> Response {
    resource_list(&replay.recording().catalog, &group, &version)
}

/// Each group with its versions, both in discovery's order.
fn versions(catalog: &Catalog) -> Vec<(&str, Vec<&str>)> {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for Collection { resource, .. } in &catalog.collections {
        let (group, version) = (resource.group.as_ref(), resource.version.as_ref());
        match groups.last_mut() {
            Some((last, versions)) if *last == group => {
                if !versions.contains(&version) {
                    versions.push(version);
                }
            }
            Some(_) | None => groups.push((group, vec![version])),
        }
    }
    groups
}

fn api_group(group: &str, versions: &[&str]) -> Value {
    let versions: Vec<Value> = versions
        .iter()
        .map(|version| json!({"groupVersion": format!("{group}/{version}"), "version": version}))
        .collect();
    json!({"name": group, "preferredVersion": versions.first(), "versions": versions})
}

fn of_version<'a>(catalog: &'a Catalog, group: &'a str, version: &'a str) -> impl Iterator<Item = &'a Resource> {
    let resources = catalog.collections.iter().map(|collection| &collection.resource);
    resources.filter(move |resource| resource.group == group && resource.version == version)
}

fn resource_list(catalog: &Catalog, group: &str, version: &str) -> Response {
    let mut resources = Vec::new();
    let mut api_version = None;
    for resource in of_version(catalog, group, version) {
        api_version = Some(resource.api_version());
        let mut entry = json!({"name": resource.plural, "singularName": resource.singular, "namespaced": resource.namespaced,
            "kind": resource.kind, "verbs": verbs(resource)});
        if !resource.short_names.is_empty() {
            entry["shortNames"] = json!(resource.short_names);
        }
        if !resource.categories.is_empty() {
            entry["categories"] = json!(resource.categories);
        }
        resources.push(entry);
        for subresource in &resource.subresources {
            let (group, version, kind) = subresource_kind(resource, subresource);
            let mut entry = json!({"name": format!("{}/{subresource}", resource.plural), "singularName": "",
                "namespaced": resource.namespaced, "kind": kind, "verbs": ["get"]});
            if (group, version) != (resource.group.as_ref(), resource.version.as_ref()) {
                entry["group"] = Value::from(group);
                entry["version"] = Value::from(version);
            }
            resources.push(entry);
        }
    }
    let Some(api_version) = api_version else {
        return Failure::no_such_resource().into_response();
    };
    Json(json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": resources}))
        .into_response()
}

fn verbs(resource: &Resource) -> &'static [&'static str] {
    if resource.kind == "SelfSubjectAccessReview" {
        return &["create"];
    }
    &READ
}

fn subresource_kind<'a>(resource: &'a Resource, subresource: &str) -> (&'a str, &'a str, &'a str) {
    if subresource == "scale" {
        return ("autoscaling", "v1", "Scale");
    }
    (resource.group.as_ref(), resource.version.as_ref(), resource.kind.as_ref())
}

fn aggregated(catalog: &Catalog, core: bool) -> Response {
    let items: Vec<Value> = versions(catalog)
        .iter()
        .filter(|(group, _)| group.is_empty() == core)
        .map(|(group, versions)| {
            let versions: Vec<Value> =
                versions.iter().map(|version| aggregated_version(catalog, group, version)).collect();
            let metadata = if core {
                json!({"creationTimestamp": null})
            } else {
                json!({"name": group, "creationTimestamp": null})
            };
            json!({"metadata": metadata, "versions": versions})
        })
        .collect();
    let list = json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items});
    ([(CONTENT_TYPE, AGGREGATED)], list.to_string()).into_response()
}

fn aggregated_version(catalog: &Catalog, group: &str, version: &str) -> Value {
    let kind = |(group, version, kind): (&str, &str, &str)| json!({"group": group, "version": version, "kind": kind});
    let resources: Vec<Value> = of_version(catalog, group, version)
        .map(|resource| {
            let mut entry = json!({"resource": resource.plural, "responseKind": kind((&resource.group, &resource.version, &resource.kind)),
                "scope": if resource.namespaced { "Namespaced" } else { "Cluster" }, "singularResource": resource.singular, "verbs": verbs(resource)});
            if !resource.short_names.is_empty() {
                entry["shortNames"] = json!(resource.short_names);
            }
            if !resource.categories.is_empty() {
                entry["categories"] = json!(resource.categories);
            }
            if !resource.subresources.is_empty() {
                let subresources = resource.subresources.iter().map(|subresource| {
                    json!({"subresource": subresource, "responseKind": kind(subresource_kind(resource, subresource)), "verbs": ["get"]})
                });
                entry["subresources"] = subresources.collect();
            }
            entry
        })
        .collect();
    json!({"version": version, "freshness": "Current", "resources": resources})
}
