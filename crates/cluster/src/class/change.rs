//! What a write would change, as paths: from its body, and from the server's dry run where there is one.

use serde_json::{Map, Value};

use super::Seen;
use crate::canonical::{JSON_PATCH, Request, STRATEGIC_MERGE_PATCH, Verb};

/// One value that becomes another. An entry of a list is `[name]` or `[index]` in the path.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub path: Vec<String>,
    /// Nothing also where it is not known.
    pub before: Option<Value>,
    /// None: taken away.
    pub after: Option<Value>,
}

impl Change {
    pub fn path(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }
}

#[derive(Debug, Default)]
pub struct Changes {
    pub list: Vec<Change>,
    /// Nothing else can change.
    pub complete: bool,
}

/// Written by the server with every change.
const NOISE: [&str; 6] = ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"];

impl Changes {
    pub fn of(request: &Request, seen: &Seen<'_>) -> Self {
        let mut changes = match (request.verb, &request.body) {
            (Verb::Update | Verb::Patch | Verb::Apply, Some(body)) => asked(request, body, seen),
            _ => Self::default(),
        };
        if let (Some(live), Some(after)) = (seen.live, seen.after) {
            diff(&mut Vec::new(), live, after, &mut changes.list);
            // Only the server knows which fields an apply takes away, and what a directive comes to.
            changes.complete = true;
        }
        changes
    }
}

fn asked(request: &Request, body: &Value, seen: &Seen<'_>) -> Changes {
    let mut changes = Changes { list: Vec::new(), complete: true };
    if request.subresource.as_deref() == Some("scale") {
        let replicas = body["spec"].get("replicas").cloned();
        // A patch of operations comes to the same through the path below.
        if !body.is_array() {
            changes.list.push(Change {
                path: vec!["spec".to_owned(), "replicas".to_owned()],
                before: seen.live.and_then(|live| live["spec"].get("replicas")).cloned(),
                after: replicas,
            });
            return changes;
        }
    }
    let kind = request.content_type.as_deref().unwrap_or_default();
    match request.verb {
        Verb::Update => match seen.live {
            Some(live) => diff(&mut Vec::new(), live, body, &mut changes.list),
            None => changes.complete = false,
        },
        Verb::Patch if kind == JSON_PATCH => operations(body, seen.live, &mut changes),
        Verb::Patch => walk(&mut Vec::new(), seen.live, body, kind == STRATEGIC_MERGE_PATCH, &mut changes),
        Verb::Apply => {
            walk(&mut Vec::new(), seen.live, body, true, &mut changes);
            changes.complete = false;
        }
        Verb::Get | Verb::List | Verb::Watch | Verb::Create | Verb::Delete | Verb::DeleteCollection | Verb::Connect => {
        }
    }
    changes
}

/// Says again what the request says elsewhere, or what the server writes itself.
fn skipped(path: &[String], key: &str) -> bool {
    match path {
        [] => matches!(key, "apiVersion" | "kind"),
        [metadata] if metadata == "metadata" => matches!(key, "name" | "namespace"),
        _ => false,
    }
}

/// The leaves of a merge patch or an applied object that differ from the object.
fn walk(path: &mut Vec<String>, live: Option<&Value>, body: &Value, by_name: bool, changes: &mut Changes) {
    match body {
        Value::Object(map) => {
            for (key, value) in map {
                if key.starts_with('$') {
                    changes.complete = false;
                    continue;
                }
                if skipped(path, key) {
                    continue;
                }
                path.push(key.clone());
                walk(path, live.and_then(|live| live.get(key)), value, by_name, changes);
                path.pop();
            }
        }
        Value::Array(items) if by_name && !items.is_empty() && names(items).is_some() => {
            for item in items {
                let name = item["name"].as_str().unwrap_or_default();
                let of_live =
                    live.and_then(Value::as_array).and_then(|list| list.iter().find(|one| one["name"] == name));
                path.push(format!("[{name}]"));
                match of_live {
                    // An entry that is not there yet comes whole.
                    None if live.is_some_and(Value::is_array) => push(path, None, Some(item), &mut changes.list),
                    of_live => {
                        let rest: Map<String, Value> = item
                            .as_object()
                            .into_iter()
                            .flatten()
                            .filter(|(key, _)| *key != "name")
                            .map(|(key, value)| (key.clone(), value.clone()))
                            .collect();
                        walk(path, of_live, &Value::Object(rest), by_name, changes);
                    }
                }
                path.pop();
            }
        }
        Value::Array(_) => match live {
            Some(live) if !by_name => diff(path, live, body, &mut changes.list),
            live if live == Some(body) => {}
            live => push(path, live, Some(body), &mut changes.list),
        },
        Value::Null => push(path, live, None, &mut changes.list),
        leaf if live == Some(leaf) => {}
        leaf => push(path, live, Some(leaf), &mut changes.list),
    }
}

fn operations(body: &Value, live: Option<&Value>, changes: &mut Changes) {
    let Value::Array(operations) = body else {
        changes.complete = false;
        return;
    };
    for operation in operations {
        let pointer = operation["path"].as_str().unwrap_or_default();
        let mut path: Vec<String> = pointer.split('/').skip(1).map(step).collect();
        let before = live.and_then(|live| live.pointer(pointer));
        match (operation["op"].as_str(), operation.get("value")) {
            (Some("test"), _) => {}
            (Some("remove"), _) => push(&path, before, None, &mut changes.list),
            (Some("add" | "replace"), Some(value)) => match before {
                // To add to a list moves what stood there.
                Some(before)
                    if operation["op"] == "replace" || !path.last().is_some_and(|last| last.starts_with('[')) =>
                {
                    diff(&mut path, before, value, &mut changes.list);
                }
                None if live.is_some() => grown(&mut path, None, Some(value), &mut changes.list),
                _ => push(&path, None, Some(value), &mut changes.list),
            },
            // What is moved or copied from elsewhere is not looked after.
            _ => {
                push(&path, before, Some(&Value::Null), &mut changes.list);
                changes.complete = false;
            }
        }
    }
}

fn step(part: &str) -> String {
    let part = part.replace("~1", "/").replace("~0", "~");
    let index = part == "-" || (!part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
    if index { format!("[{part}]") } else { part }
}

fn push(path: &[String], before: Option<&Value>, after: Option<&Value>, list: &mut Vec<Change>) {
    list.push(Change { path: path.to_vec(), before: before.cloned(), after: after.cloned() });
}

/// Every leaf in which two objects differ.
pub fn diff(path: &mut Vec<String>, before: &Value, after: &Value, list: &mut Vec<Change>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let keys = old.keys().chain(new.keys().filter(|key| !old.contains_key(*key)));
            let keys: Vec<&String> = keys.filter(|key| !noise(path, key)).collect();
            for key in keys {
                path.push(key.clone());
                match (old.get(key), new.get(key)) {
                    (Some(before), Some(after)) => diff(path, before, after, list),
                    (before, after) => grown(path, before, after, list),
                }
                path.pop();
            }
        }
        (Value::Array(old), Value::Array(new)) => match (names(old), names(new)) {
            (Some(old_names), Some(new_names)) => {
                let gone = old_names.iter().filter(|name| !new_names.contains(name));
                for name in gone.chain(&new_names) {
                    let find = |items: &[Value]| items.iter().find(|item| item["name"] == *name).cloned();
                    path.push(format!("[{name}]"));
                    match (find(old), find(new)) {
                        (Some(before), Some(after)) => diff(path, &before, &after, list),
                        (before, after) => push(path, before.as_ref(), after.as_ref(), list),
                    }
                    path.pop();
                }
            }
            _ => push(path, Some(before), Some(after), list),
        },
        _ => push(path, Some(before), Some(after), list),
    }
}

/// A value that came or went: an object by its leaves, so that a first label is a label and not a new map.
fn grown(path: &mut Vec<String>, before: Option<&Value>, after: Option<&Value>, list: &mut Vec<Change>) {
    let empty = Value::Object(Map::new());
    match (before, after) {
        (None, Some(Value::Object(map))) if !map.is_empty() => {
            diff(path, &empty, &Value::Object(map.clone()), list);
        }
        (Some(Value::Object(map)), None) if !map.is_empty() => {
            diff(path, &Value::Object(map.clone()), &empty, list);
        }
        _ => push(path, before, after, list),
    }
}

fn noise(path: &[String], key: &str) -> bool {
    match path {
        [] => matches!(key, "status" | "apiVersion" | "kind"),
        [metadata] if metadata == "metadata" => NOISE.contains(&key),
        _ => false,
    }
}

/// The names of a list's entries, if each has its own.
fn names(items: &[Value]) -> Option<Vec<&str>> {
    let names: Vec<&str> = items.iter().map(|item| item.get("name")?.as_str()).collect::<Option<_>>()?;
    let mut seen = std::collections::BTreeSet::new();
    names.iter().all(|name| seen.insert(*name)).then_some(names)
}
