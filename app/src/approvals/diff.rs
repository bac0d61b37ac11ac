//! What differs between two objects, exactly: applied to the first it gives the second.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One step from an object towards a value in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Step {
    Index(usize),
    Key(String),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// A value that came, went or became another one.
    Value { path: Vec<Step>, before: Option<Value>, after: Option<Value> },
    /// Elements of a list, from `at` on, that gave way to others.
    Elements { path: Vec<Step>, at: usize, before: Vec<Value>, after: Vec<Value> },
}

/// The changes that lead from one object to the other. None is an object that does not exist.
pub fn diff(before: Option<&Value>, after: Option<&Value>) -> Vec<Change> {
    let mut changes = Vec::new();
    match (before, after) {
        (Some(before), Some(after)) => values(&mut Vec::new(), before, after, &mut changes),
        (None, None) => {}
        (before, after) => {
            changes.push(Change::Value { path: Vec::new(), before: before.cloned(), after: after.cloned() });
        }
    }
    changes
}

fn values(path: &mut Vec<Step>, before: &Value, after: &Value, changes: &mut Vec<Change>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => maps(path, old, new, changes),
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (index, (old, new)) in old.iter().zip(new).enumerate() {
                path.push(Step::Index(index));
                values(path, old, new, changes);
                path.pop();
            }
        }
        (Value::Array(old), Value::Array(new)) => changes.push(elements(path, old, new)),
        _ if before == after => {}
        _ => {
            changes.push(Change::Value { path: path.clone(), before: Some(before.clone()), after: Some(after.clone()) })
        }
    }
}

fn maps(path: &mut Vec<Step>, old: &Map<String, Value>, new: &Map<String, Value>, changes: &mut Vec<Change>) {
    let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys {
        path.push(Step::Key(key.clone()));
        match (old.get(key), new.get(key)) {
            (Some(old), Some(new)) => values(path, old, new, changes),
            (before, after) => {
                changes.push(Change::Value { path: path.clone(), before: before.cloned(), after: after.cloned() });
            }
        }
        path.pop();
    }
}

fn elements(path: &[Step], old: &[Value], new: &[Value]) -> Change {
    let same = old.iter().zip(new).take_while(|(old, new)| old == new).count();
    let (old_rest, new_rest) = (&old[same..], &new[same..]);
    let tail = old_rest.iter().rev().zip(new_rest.iter().rev()).take_while(|(old, new)| old == new).count();
    Change::Elements {
        path: path.to_vec(),
        at: same,
        before: old_rest[..old_rest.len() - tail].to_vec(),
        after: new_rest[..new_rest.len() - tail].to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// The object after the changes; None where they do not fit the object.
    fn apply(changes: &[Change], before: Option<Value>) -> Option<Option<Value>> {
        let mut object = before;
        for change in changes {
            match change {
                Change::Value { path, before, after } if path.is_empty() => {
                    if object != *before {
                        return None;
                    }
                    object.clone_from(after);
                }
                Change::Value { path, before, after } => {
                    let (last, parents) = path.split_last()?;
                    let parent = at(object.as_mut()?, parents)?;
                    match (last, parent) {
                        (Step::Key(key), Value::Object(map)) => {
                            if map.get(key) != before.as_ref() {
                                return None;
                            }
                            match after {
                                Some(after) => drop(map.insert(key.clone(), after.clone())),
                                None => drop(map.remove(key)),
                            }
                        }
                        (Step::Index(index), Value::Array(list)) => {
                            let place = list.get_mut(*index).filter(|old| Some(&**old) == before.as_ref())?;
                            *place = after.clone()?;
                        }
                        _ => return None,
                    }
                }
                Change::Elements { path, at: from, before, after } => {
                    let list = at(object.as_mut()?, path)?.as_array_mut()?;
                    if list.get(*from..from + before.len())? != before.as_slice() {
                        return None;
                    }
                    list.splice(*from..from + before.len(), after.iter().cloned());
                }
            }
        }
        Some(object)
    }

    /// The value at a path.
    fn at<'a>(object: &'a mut Value, path: &[Step]) -> Option<&'a mut Value> {
        path.iter().try_fold(object, |value, step| match step {
            Step::Key(key) => value.get_mut(key),
            Step::Index(index) => value.get_mut(index),
        })
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0i64..4).prop_map(Value::from),
            "[ab]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-d]", inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn the_diff_applied_to_the_first_gives_the_second(
            before in prop::option::of(json_value()), after in prop::option::of(json_value()),
        ) {
            let changes = diff(before.as_ref(), after.as_ref());
            prop_assert_eq!(changes.is_empty(), before == after);
            prop_assert_eq!(apply(&changes, before), Some(after));
        }
    }

    #[test]
    fn only_what_differs_is_named() {
        let before = json!({"spec": {"replicas": 3, "list": [1, 2, 3]}});
        let after = json!({"spec": {"replicas": 5, "list": [1, 3]}});
        let key = |text: &str| Step::Key(text.to_owned());
        assert_eq!(
            diff(Some(&before), Some(&after)),
            [
                Change::Elements { path: vec![key("spec"), key("list")], at: 1, before: vec![json!(2)], after: vec![] },
                Change::Value {
                    path: vec![key("spec"), key("replicas")],
                    before: Some(json!(3)),
                    after: Some(json!(5))
                },
            ]
        );
    }
}
