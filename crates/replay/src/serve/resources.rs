//! One request for objects, from its path to the answer.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};

use super::accept::{self, Form};
use super::failure::Failure;
use super::path::{self, Target};
use super::query::Parameters;
use super::{Replay, list, logs, table, watch};
use crate::catalog::Collection;
use crate::load::to_events_group;
use crate::recording::Recording;

pub(super) async fn answer(State(replay): State<Replay>, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let recording = replay.recording();
    respond(&recording, &method, &uri, &headers).unwrap_or_else(IntoResponse::into_response)
}

fn respond(recording: &Recording, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Response, Failure> {
    let Some(target) = path::parse(uri.path()) else {
        return Ok((StatusCode::NOT_FOUND, "404 page not found\n").into_response());
    };
    let declared = recording.catalog.declared(&target.group, &target.version, &target.plural);
    let declared = declared.ok_or_else(Failure::no_such_resource)?;
    if method != Method::GET && method != Method::HEAD {
        return Err(Failure::read_only(method, uri.path()));
    }
    let collection = recording.catalog.find(&target.group, &target.version, &target.plural).unwrap_or(declared);
    if target.namespace.is_some() && !collection.resource.namespaced {
        return Err(Failure::no_such_resource());
    }
    let qualified = collection.resource.qualified();
    if let (Some(why), true) = (recording.gaps.get(&qualified), collection.objects.is_empty()) {
        return Err(Failure::not_recorded(&qualified, why));
    }
    let parameters = Parameters::of(uri)?;
    let view = View {
        recording,
        collection,
        declared,
        form: accept::form(headers),
        whole_in_table: parameters.text("includeObject") == Some("Object"),
        bare_table: parameters.text("includeObject") == Some("None"),
    };
    match (&target.name, target.subresource.as_deref()) {
        (None, _) if parameters.flag("watch") => watch::answer(&view, target.namespace.as_deref(), &parameters),
        (None, _) => list::answer(&view, target.namespace.as_deref(), &parameters),
        (Some(name), None) => Ok(view.one(view.get(&target, name)?)),
        (Some(name), Some("log")) if collection.resource.plural == "pods" => {
            logs::answer(recording, view.get(&target, name)?, &parameters)
        }
        (Some(name), Some("status")) => Ok(view.one(view.get(&target, name)?)),
        (Some(name), Some("scale")) if collection.resource.subresources.contains(&"scale") => {
            Ok(Json(scale(view.get(&target, name)?)).into_response())
        }
        (Some(_), Some(_)) => Err(Failure::no_such_resource()),
    }
}

/// A collection in the form that a client asked for.
pub(super) struct View<'a> {
    pub recording: &'a Recording,
    pub collection: &'a Collection,
    /// What the path named: differs from the collection for `events.k8s.io`.
    pub declared: &'a Collection,
    pub form: Form,
    whole_in_table: bool,
    bare_table: bool,
}

impl<'a> View<'a> {
    fn get(&self, target: &Target, name: &str) -> Result<&'a Value, Failure> {
        let namespace = target.namespace.as_deref().unwrap_or_default();
        let object = self.collection.get(namespace, name);
        object.map(|object| &object.value).ok_or_else(|| Failure::not_found(&self.declared.resource, name))
    }

    fn one(&self, object: &Value) -> Response {
        Json(self.shape(object)).into_response()
    }

    /// One object as the client wants it.
    pub fn shape(&self, object: &Value) -> Value {
        match self.form {
            Form::Whole => self.whole(object),
            Form::MetadataOnly => metadata_only(object),
            Form::Table => {
                let resource_version = &object["metadata"]["resourceVersion"];
                self.table(&[object], json!({"resourceVersion": resource_version}))
            }
        }
    }

    pub fn whole(&self, object: &Value) -> Value {
        if self.converts() { to_events_group(object) } else { object.clone() }
    }

    pub fn converts(&self) -> bool {
        !std::ptr::eq(self.collection, self.declared)
    }

    pub fn table(&self, objects: &[&Value], metadata: Value) -> Value {
        let columns = table::columns(self.collection);
        let rows: Vec<Value> = objects
            .iter()
            .map(|object| {
                let cells: Vec<Value> = columns.iter().map(|column| column.cell(object, self.recording.time)).collect();
                if self.bare_table {
                    return json!({"cells": cells});
                }
                let object = if self.whole_in_table { self.whole(object) } else { metadata_only(object) };
                json!({"cells": cells, "object": object})
            })
            .collect();
        let definitions: Vec<Value> = columns.iter().map(table::Column::definition).collect();
        json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata, "columnDefinitions": definitions, "rows": rows})
    }
}

pub(super) fn metadata_only(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}

fn scale(object: &Value) -> Value {
    let metadata = &object["metadata"];
    let selector = object["spec"]["selector"].as_object().map(|selector| {
        // A replication controller's selector is the labels themselves.
        let labels = selector.get("matchLabels").and_then(Value::as_object).unwrap_or(selector);
        let pairs: Vec<String> =
            labels.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?))).collect();
        pairs.join(",")
    });
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"], "creationTimestamp": metadata["creationTimestamp"]},
        "spec": {"replicas": object["spec"]["replicas"].as_u64().unwrap_or(1)},
        "status": {"replicas": object["status"]["replicas"].as_u64().unwrap_or(0), "selector": selector}})
}
