//! Where uid and resourceVersion travel: each verb has its own place for them, and one form of request has none there.

use serde_json::{Map, Value, json};

use super::{JSON_PATCH, Preconditions, Request, Verb};

/// Options of a delete. A server that gets a body does not look at the query, so they must travel together.
pub const DELETE_OPTIONS: [&str; 4] = ["dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy"];

const METADATA: &str = "/metadata";

/// Moves conditions and delete options out of the body.
pub fn take(request: &mut Request) {
    let mut found = request.preconditions.take().unwrap_or_default();
    let verb = request.verb;
    let json_patch = request.content_type.as_deref().is_some_and(|kind| kind.starts_with(JSON_PATCH));
    match (verb, &mut request.body) {
        (_, None) => {}
        (Verb::Delete | Verb::DeleteCollection, Some(Value::Object(options))) => {
            if let Some(Value::Object(conditions)) = options.get_mut("preconditions") {
                move_out(conditions, &mut found);
                if conditions.is_empty() {
                    options.remove("preconditions");
                }
            }
            take_options(options, &mut request.query);
        }
        (Verb::Patch, Some(Value::Array(operations))) if json_patch => {
            while let Some(first) = operations.first() {
                let Some((place, text)) = test_of(first, &mut found) else { break };
                *place = Some(text);
                operations.remove(0);
            }
        }
        (Verb::Create, Some(Value::Object(body))) if request.subresource.as_deref() == Some("eviction") => {
            if let Some(Value::Object(options)) = body.get_mut("deleteOptions")
                && let Some(Value::Object(conditions)) = options.get_mut("preconditions")
            {
                move_out(conditions, &mut found);
            }
        }
        (Verb::Update | Verb::Patch | Verb::Apply, Some(body)) => {
            if let Some(Value::Object(metadata)) = body.get_mut("metadata") {
                move_out(metadata, &mut found);
                if metadata.is_empty()
                    && let Some(body) = body.as_object_mut()
                {
                    body.remove("metadata");
                }
            }
        }
        (_, Some(_)) => {}
    }
    let deletes = matches!(verb, Verb::Delete | Verb::DeleteCollection);
    if deletes && request.body.as_ref().and_then(Value::as_object).is_some_and(Map::is_empty) {
        request.body = None;
    }
    request.preconditions = Some(found);
}

/// Puts them back for the wire: the body that has to be sent.
pub fn give(request: &Request) -> Option<Value> {
    let mut body = request.body.clone();
    let conditions = request.preconditions.clone().unwrap_or_default();
    match request.verb {
        Verb::Delete | Verb::DeleteCollection => Some(delete_options(request, body, conditions)),
        Verb::Update | Verb::Patch | Verb::Apply => {
            match &mut body {
                Some(Value::Array(operations)) => {
                    let tests = [("uid", conditions.uid), ("resourceVersion", conditions.resource_version)];
                    let tests = tests.into_iter().filter_map(|(field, value)| {
                        value.map(|value| json!({"op": "test", "path": format!("{METADATA}/{field}"), "value": value}))
                    });
                    operations.splice(0..0, tests);
                }
                Some(Value::Object(object)) if conditions != Preconditions::default() => {
                    let metadata = object.entry("metadata").or_insert_with(|| json!({}));
                    if let Some(metadata) = metadata.as_object_mut() {
                        move_in(metadata, conditions);
                    }
                }
                _ => {}
            }
            body
        }
        Verb::Create if request.subresource.as_deref() == Some("eviction") => {
            if let Some(body) = &mut body
                && conditions != Preconditions::default()
            {
                let options = &mut body["deleteOptions"];
                if options.is_null() {
                    *options = json!({});
                }
                let mut map = Map::new();
                move_in(&mut map, conditions);
                options["preconditions"] = Value::Object(map);
            }
            body
        }
        Verb::Get | Verb::List | Verb::Watch | Verb::Create | Verb::Connect => body,
    }
}

fn move_out(from: &mut Map<String, Value>, to: &mut Preconditions) {
    for (field, place) in [("uid", &mut to.uid), ("resourceVersion", &mut to.resource_version)] {
        if let Some(Value::String(text)) = from.get(field)
            && place.as_ref().is_none_or(|already| already == text)
        {
            *place = Some(text.clone());
            from.remove(field);
        }
    }
}

fn move_in(to: &mut Map<String, Value>, from: Preconditions) {
    for (field, value) in [("uid", from.uid), ("resourceVersion", from.resource_version)] {
        if let Some(value) = value {
            to.insert(field.to_owned(), Value::String(value));
        }
    }
}

fn test_of<'a>(operation: &Value, found: &'a mut Preconditions) -> Option<(&'a mut Option<String>, String)> {
    let operation = operation.as_object().filter(|operation| operation.len() == 3)?;
    if operation.get("op")? != "test" {
        return None;
    }
    let value = operation.get("value")?.as_str()?.to_owned();
    let place = match operation.get("path")?.as_str()?.strip_prefix(METADATA)? {
        "/uid" => &mut found.uid,
        "/resourceVersion" => &mut found.resource_version,
        _ => return None,
    };
    place.as_ref().is_none_or(|already| *already == value).then_some((place, value))
}

fn take_options(options: &mut Map<String, Value>, query: &mut std::collections::BTreeMap<String, Vec<String>>) {
    if options.get("kind").is_none_or(|kind| kind == "DeleteOptions") {
        options.remove("kind");
        options.remove("apiVersion");
    }
    for name in DELETE_OPTIONS {
        let texts: Option<Vec<String>> = match options.get(name) {
            Some(Value::String(text)) => Some(vec![text.clone()]),
            Some(Value::Number(number)) => Some(vec![number.to_string()]),
            Some(Value::Bool(yes)) => Some(vec![yes.to_string()]),
            Some(Value::Array(items)) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
            Some(Value::Null | Value::Object(_)) | None => None,
        };
        if let Some(texts) = texts.filter(|texts| !texts.is_empty()) {
            options.remove(name);
            query.insert(name.to_owned(), texts);
        }
    }
}

fn delete_options(request: &Request, body: Option<Value>, conditions: Preconditions) -> Value {
    let mut options = match body {
        Some(Value::Object(options)) => options,
        _ => Map::new(),
    };
    options.insert("apiVersion".to_owned(), json!("v1"));
    options.insert("kind".to_owned(), json!("DeleteOptions"));
    for name in DELETE_OPTIONS {
        let Some(values) = request.query.get(name) else { continue };
        let first = values.first().cloned().unwrap_or_default();
        let value = match name {
            "dryRun" => json!(values),
            // What is no number or boolean is sent as it is, for the server to refuse.
            "gracePeriodSeconds" => first.parse::<i64>().map_or_else(|_| json!(first), |seconds| json!(seconds)),
            "orphanDependents" => first.parse::<bool>().map_or_else(|_| json!(first), |yes| json!(yes)),
            _ => json!(first),
        };
        options.insert(name.to_owned(), value);
    }
    if conditions != Preconditions::default() {
        let mut map = Map::new();
        move_in(&mut map, conditions);
        options.insert("preconditions".to_owned(), Value::Object(map));
    }
    Value::Object(options)
}
