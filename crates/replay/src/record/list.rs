//! All objects of one kind, page by page, ready to be written.

use serde_json::Value;

use super::ask;
use super::discover::Kind;
use crate::secret;

const JSON: &str = "application/json";

pub(super) struct Listed {
    pub objects: Vec<Value>,
    /// Why there may be more than these.
    pub gap: Option<String>,
}

pub(super) async fn all(client: &kube::Client, kind: &Kind, page_size: usize) -> Listed {
    let mut listed = Listed { objects: Vec::new(), gap: None };
    let mut page = format!("?limit={page_size}");
    loop {
        let path = format!("{}{page}", kind.path());
        match ask::json(client, &path, JSON).await {
            Ok(mut list) => {
                let items = match list["items"].take() {
                    Value::Array(items) => items,
                    Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => Vec::new(),
                };
                listed.objects.extend(items.into_iter().map(|object| prepare(object, kind)));
                match list["metadata"]["continue"].as_str().filter(|token| !token.is_empty()) {
                    Some(token) => {
                        page = format!(
                            "?limit={page_size}&continue={}",
                            percent_encoding::utf8_percent_encode(token, percent_encoding::NON_ALPHANUMERIC)
                        )
                    }
                    None => return listed,
                }
            }
            // The server forgot the state that the pages came from: take it in one piece.
            Err(refusal) if refusal.code == 410 && !page.is_empty() => {
                listed.objects.clear();
                page.clear();
            }
            Err(refusal) => {
                let read = listed.objects.len();
                listed.gap = Some(if read == 0 {
                    refusal.why
                } else {
                    format!("only the first {read} were read: {}", refusal.why)
                });
                return listed;
            }
        }
    }
}

/// A list leaves the kind to its head, and nobody needs the record of who set which field.
fn prepare(object: Value, kind: &Kind) -> Value {
    let Value::Object(fields) = object else {
        return object;
    };
    let mut whole = serde_json::Map::new();
    whole.insert("apiVersion".to_owned(), Value::String(kind.api_version()));
    whole.insert("kind".to_owned(), Value::String(kind.kind.clone()));
    whole.extend(fields);
    if let Some(metadata) = whole.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("managedFields");
    }
    let mut object = Value::Object(whole);
    secret::blank(&mut object);
    object
}
