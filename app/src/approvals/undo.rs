//! The way back: what has to be asked so that the object is again as it was.

use cluster::{JSON_PATCH, Request, Verb};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::diff::{Change, Step, diff};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Undo {
    /// The changes that lead back. Each counts only where the value still is what the change made of it.
    Patch(Vec<Change>),
    /// What was made is deleted again.
    Delete,
    /// What was deleted is made again.
    Create(Value),
    /// A controller makes another one by itself.
    Recreated,
    Impossible(String),
}

/// Kinds whose deletion takes something along that no object brings back.
const HOLD_DATA: [&str; 6] = [
    "PersistentVolumeClaim",
    "PersistentVolume",
    "Namespace",
    "CustomResourceDefinition",
    "StatefulSet",
    "VolumeSnapshot",
];

/// How a change can be undone. `live` is None for a new object, `after` for one that goes.
pub fn undo(request: &Request, live: Option<&Value>, after: Option<&Value>) -> Undo {
    let kind = |object: &Value| object["kind"].as_str().unwrap_or_default().to_owned();
    match (live, after) {
        (None, Some(_)) => Undo::Delete,
        (Some(live), None) => {
            let kind = kind(live);
            if kind == "Pod" && is_controlled(live) {
                return Undo::Recreated;
            }
            if HOLD_DATA.contains(&kind.as_str()) {
                return Undo::Impossible(format!("what a {kind} holds does not come back with it"));
            }
            if kind == "Secret" {
                return Undo::Impossible("the values of a Secret are not known here".to_owned());
            }
            if request.query.get("propagationPolicy").is_some_and(|policy| policy.iter().any(|p| p == "Orphan")) {
                return Undo::Impossible("what is left behind finds no owner again".to_owned());
            }
            Undo::Create(live.clone())
        }
        (Some(live), Some(_)) if kind(live) == "Secret" => {
            Undo::Impossible("the values of a Secret are not known here".to_owned())
        }
        (Some(live), Some(after)) => Undo::Patch(diff(Some(after), Some(live))),
        (None, None) => Undo::Impossible("there is nothing to go back to".to_owned()),
    }
}

fn is_controlled(object: &Value) -> bool {
    let owners = object["metadata"]["ownerReferences"].as_array();
    owners.into_iter().flatten().any(|owner| owner["controller"] == true && owner["kind"] != "Node")
}

/// One step back on the object as it is now, as operations of a JSON patch; or the path where somebody changed it since.
fn operations(change: &Change, current: &Value) -> Result<Vec<Value>, String> {
    match change {
        Change::Value { path, before, after } => {
            let path = pointer(path);
            let now = current.pointer(&path);
            match (before, after, now) {
                // Others may have put keys of their own beside ours: those stay.
                (Some(Value::Object(ours)), None, Some(Value::Object(all))) if all.len() > ours.len() => {
                    let keys = ours.iter().map(|(key, value)| (format!("{path}/{}", escaped(key)), Some(value), None));
                    steps(keys, current)
                }
                (None, Some(Value::Object(ours)), Some(Value::Object(_))) => {
                    let keys = ours.iter().map(|(key, value)| (format!("{path}/{}", escaped(key)), None, Some(value)));
                    steps(keys, current)
                }
                (before, after, _) => steps([(path, before.as_ref(), after.as_ref())], current),
            }
        }
        Change::Elements { path, at, before, after } => {
            let path = pointer(path);
            let place = |index: usize| format!("{path}/{index}");
            let here = current.pointer(&path).and_then(Value::as_array).ok_or_else(|| path.clone())?;
            if here.get(*at..at + before.len()) != Some(before.as_slice()) {
                return Err(path);
            }
            // Taken out from behind and put in from behind, so that no place moves before its turn.
            let tests = before.iter().enumerate();
            let tests = tests.map(|(i, value)| json!({"op": "test", "path": place(at + i), "value": value}));
            let removes = (0..before.len()).rev().map(|i| json!({"op": "remove", "path": place(at + i)}));
            let adds = after.iter().rev().map(|value| json!({"op": "add", "path": place(*at), "value": value}));
            Ok(tests.chain(removes).chain(adds).collect())
        }
    }
}

/// A path, the value that must stand there, and the one that shall.
type Move<'a> = (String, Option<&'a Value>, Option<&'a Value>);

fn steps<'a>(wanted: impl IntoIterator<Item = Move<'a>>, current: &Value) -> Result<Vec<Value>, String> {
    let mut operations = Vec::new();
    for (path, before, after) in wanted {
        // What is put in goes into a map; a list in its place is somebody else's doing.
        let parent = path.rsplit_once('/').and_then(|(parent, _)| current.pointer(parent));
        let fits = before.is_some() || parent.is_some_and(Value::is_object);
        if current.pointer(&path) != before || !fits {
            return Err(path);
        }
        operations.extend(before.map(|value| json!({"op": "test", "path": path, "value": value})));
        operations.push(match (before, after) {
            (Some(_), Some(value)) => json!({"op": "replace", "path": path, "value": value}),
            (None, Some(value)) => json!({"op": "add", "path": path, "value": value}),
            (_, None) => json!({"op": "remove", "path": path}),
        });
    }
    Ok(operations)
}

fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn pointer(path: &[Step]) -> String {
    let part = |step: &Step| match step {
        Step::Index(index) => format!("/{index}"),
        Step::Key(key) => format!("/{}", escaped(key)),
    };
    path.iter().map(part).collect()
}

/// Why a change cannot be undone now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoWayBack {
    #[error("{0}")]
    Impossible(String),
    #[error("nothing has to be undone: a controller makes another one by itself")]
    Recreated,
    #[error("nothing was changed")]
    Nothing,
    #[error("somebody changed {0} since; look at it and decide anew")]
    Conflict(String),
    #[error("the object is gone")]
    Gone,
}

/// The request that undoes `done`, for the object `name` as it is now.
pub fn request(done: &Request, undo: &Undo, name: &str, current: Option<&Value>) -> Result<Request, NoWayBack> {
    let mut back = Request {
        cluster: done.cluster.clone(),
        group: done.group.clone(),
        version: done.version.clone(),
        resource: done.resource.clone(),
        subresource: done.subresource.clone(),
        namespace: done.namespace.clone(),
        name: Some(name.to_owned()),
        as_user: done.as_user.clone(),
        ..Request::default()
    };
    match (undo, current) {
        (Undo::Patch(_) | Undo::Delete, None) => return Err(NoWayBack::Gone),
        (Undo::Patch(changes), Some(current)) => {
            let steps = changes.iter().map(|change| operations(change, current));
            let steps: Vec<Vec<Value>> = steps.collect::<Result<_, _>>().map_err(NoWayBack::Conflict)?;
            if steps.is_empty() {
                return Err(NoWayBack::Nothing);
            }
            back.verb = Verb::Patch;
            back.content_type = Some(JSON_PATCH.to_owned());
            back.body = Some(Value::Array(steps.concat()));
            back.field_manager.clone_from(&done.field_manager);
        }
        (Undo::Delete, Some(_)) => back.verb = Verb::Delete,
        (Undo::Create(_), Some(_)) => return Err(NoWayBack::Conflict(name.to_owned())),
        (Undo::Create(object), None) => {
            back.verb = Verb::Create;
            back.name = None;
            back.body = Some(object.clone());
            back.field_manager.clone_from(&done.field_manager);
        }
        (Undo::Recreated, _) => return Err(NoWayBack::Recreated),
        (Undo::Impossible(why), _) => return Err(NoWayBack::Impossible(why.clone())),
    }
    Ok(back)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The least of RFC 6902 that the operations above need.
    fn patch(mut object: Value, operations: &[Value]) -> Option<Value> {
        for operation in operations {
            let path = operation["path"].as_str()?;
            if operation["op"] == "test" {
                if object.pointer(path)? != &operation["value"] {
                    return None;
                }
                continue;
            }
            let (parent, last) = path.rsplit_once('/')?;
            let last = last.replace("~1", "/").replace("~0", "~");
            let value = operation["value"].clone();
            match (operation["op"].as_str()?, object.pointer_mut(parent)?) {
                ("replace", Value::Object(map)) => *map.get_mut(&last)? = value,
                ("replace", Value::Array(list)) => *list.get_mut(last.parse::<usize>().ok()?)? = value,
                ("add", Value::Object(map)) => drop(map.insert(last, value)),
                ("add", Value::Array(list)) => list.insert(last.parse().ok().filter(|at| *at <= list.len())?, value),
                ("remove", Value::Object(map)) => drop(map.remove(&last)?),
                ("remove", Value::Array(list)) => drop(list.remove(last.parse().ok().filter(|at| *at < list.len())?)),
                _ => return None,
            }
        }
        Some(object)
    }

    fn spec() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![any::<bool>().prop_map(Value::from), (0i64..4).prop_map(Value::from)];
        let inner = leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a~/]{1,2}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        });
        inner.prop_map(|spec| json!({"kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn undoing_what_was_done_gives_what_was(before in spec(), after in spec(), other in spec()) {
            let way = undo(&Request::default(), Some(&before), Some(&after));
            match request(&Request::default(), &way, "web", Some(&after)) {
                Ok(back) => prop_assert_eq!(patch(after.clone(), back.body.unwrap().as_array().unwrap()), Some(before.clone())),
                Err(error) => prop_assert!(error == NoWayBack::Nothing && before == after, "{}", error),
            }
            // on an object that somebody changed since: refused, or only what the change made is taken back
            if let Ok(back) = request(&Request::default(), &way, "web", Some(&other)) {
                let body = back.body.unwrap();
                let operations = body.as_array().unwrap();
                prop_assert!(patch(other.clone(), operations).is_some());
                for step in operations.iter().filter(|step| step["op"] == "test") {
                    prop_assert_eq!(other.pointer(step["path"].as_str().unwrap()), Some(&step["value"]));
                }
            }
        }
    }

    #[test]
    fn keys_of_others_beside_ours_stay() {
        let object = |annotations: Value| json!({"kind": "Deployment", "metadata": {"annotations": annotations}});
        let bare = json!({"kind": "Deployment", "metadata": {}});
        let back = |before: &Value, after: &Value, now: &Value| {
            let way = undo(&Request::default(), Some(before), Some(after));
            let body = request(&Request::default(), &way, "web", Some(now)).unwrap().body.unwrap();
            patch(now.clone(), body.as_array().unwrap()).unwrap()
        };
        let (ours, both) = (object(json!({"a": "1"})), object(json!({"a": "1", "revision": "2"})));
        assert_eq!(back(&bare, &ours, &both), object(json!({"revision": "2"})));
        assert_eq!(back(&ours, &bare, &object(json!({"revision": "2"}))), both);
        let changed = object(json!({"a": "other"}));
        let way = undo(&Request::default(), Some(&bare), Some(&ours));
        let refused = request(&Request::default(), &way, "web", Some(&changed)).unwrap_err();
        assert_eq!(refused, NoWayBack::Conflict("/metadata/annotations".to_owned()));
    }

    #[test]
    fn what_holds_data_does_not_come_back() {
        let request = Request::default();
        for (object, back) in [
            (json!({"kind": "PersistentVolumeClaim"}), false),
            (json!({"kind": "StatefulSet"}), false),
            (json!({"kind": "Secret"}), false),
            (json!({"kind": "ConfigMap"}), true),
            (json!({"kind": "Pod"}), true),
        ] {
            assert_eq!(!matches!(undo(&request, Some(&object), None), Undo::Impossible(_)), back, "{object}");
        }
        let owned =
            json!({"kind": "Pod", "metadata": {"ownerReferences": [{"kind": "ReplicaSet", "controller": true}]}});
        assert_eq!(undo(&request, Some(&owned), None), Undo::Recreated);
    }
}
