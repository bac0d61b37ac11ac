//! A list: the objects that the selectors leave, page by page, in the form that was asked for.

use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};

use super::accept::Form;
use super::failure::Failure;
use super::page::Token;
use super::query::Parameters;
use super::resources::{View, metadata_only};
use crate::catalog::Object;

pub(super) fn answer(view: &View<'_>, namespace: Option<&str>, parameters: &Parameters) -> Result<Response, Failure> {
    let resource_version = &view.recording.catalog.resource_version;
    let mut selected = select(view, namespace, parameters)?;
    if let Some(token) = parameters.text("continue") {
        let token = Token::read(token, resource_version)?;
        selected.retain(|object| token.is_before(object));
    }
    let mut metadata = json!({"resourceVersion": resource_version});
    let limit = parameters.number::<usize>("limit")?.unwrap_or(0);
    if limit > 0 && selected.len() > limit {
        let filtered = parameters.text("labelSelector").is_some() || parameters.text("fieldSelector").is_some();
        if !filtered {
            metadata["remainingItemCount"] = Value::from(selected.len() - limit);
        }
        selected.truncate(limit);
        if let Some(last) = selected.last() {
            metadata["continue"] = Value::from(Token::after(last, resource_version).write());
        }
    }
    let items: Vec<&Value> = selected.iter().map(|object| &object.value).collect();
    let resource = &view.declared.resource;
    match view.form {
        Form::Table => json_answer(&view.table(&items, metadata)),
        Form::MetadataOnly => json_answer(&List {
            kind: "PartialObjectMetadataList",
            api_version: "meta.k8s.io/v1",
            metadata,
            items: items.into_iter().map(metadata_only).collect::<Vec<_>>(),
        }),
        Form::Whole => {
            let kind = format!("{}List", resource.kind);
            let api_version = resource.api_version();
            let (kind, api_version) = (kind.as_str(), api_version.as_str());
            if view.converts() {
                let items: Vec<Value> = items.into_iter().map(|item| view.whole(item)).collect();
                return json_answer(&List { kind, api_version, metadata, items });
            }
            json_answer(&List { kind, api_version, metadata, items })
        }
    }
}

/// The objects of a namespace (or all) that the request's selectors leave.
pub(super) fn select<'a>(
    view: &View<'a>,
    namespace: Option<&str>,
    parameters: &Parameters,
) -> Result<Vec<&'a Object>, Failure> {
    let labels = parameters.label_selector()?;
    let fields = parameters.field_selector()?;
    let convert = view.converts();
    let matches = |object: &&Object| {
        if !labels.matches(&object.value["metadata"]["labels"]) {
            return false;
        }
        if convert && !fields.is_empty() {
            return fields.matches(&view.whole(&object.value));
        }
        fields.matches(&object.value)
    };
    Ok(view.collection.within(namespace).iter().filter(matches).collect())
}

#[derive(Serialize)]
struct List<'a, Item> {
    kind: &'a str,
    #[serde(rename = "apiVersion")]
    api_version: &'a str,
    metadata: Value,
    items: Vec<Item>,
}

fn json_answer(body: &impl Serialize) -> Result<Response, Failure> {
    let body = serde_json::to_vec(body).map_err(|error| Failure::bad_request(error.to_string()))?;
    Ok(([(CONTENT_TYPE, "application/json")], body).into_response())
}
