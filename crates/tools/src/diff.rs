//! What differs between two values: one line a field, lists of named things compared by name.

use serde_json::Value;

use crate::page::short;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub path: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Difference {
    pub fn line(&self) -> String {
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => format!("~ {}: {before} -> {after}", self.path),
            (None, Some(after)) => format!("+ {}: {after}", self.path),
            (Some(before), None) => format!("- {}: {before}", self.path),
            (None, None) => self.path.clone(),
        }
    }
}

pub fn diff(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    walk(String::new(), Some(before), Some(after), &mut found);
    found
}

fn walk(path: String, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Difference>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                walk(below(&path, key), old.get(key), new.get(key), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => match (named(old), named(new)) {
            (Some(old), Some(new)) => {
                let names: std::collections::BTreeSet<&str> = old.iter().chain(&new).map(|(name, _)| *name).collect();
                let of = |list: &[(&str, &Value)], name: &str| {
                    list.iter().find(|(own, _)| *own == name).map(|(_, v)| (*v).clone())
                };
                for name in names {
                    let (old, new) = (of(&old, name), of(&new, name));
                    walk(format!("{path}[{name}]"), old.as_ref(), new.as_ref(), found);
                }
            }
            _ => leaf(path, before, after, found),
        },
        _ => leaf(path, before, after, found),
    }
}

fn leaf(path: String, before: Option<&Value>, after: Option<&Value>, found: &mut Vec<Difference>) {
    let written =
        |value: &Value| value.as_str().map_or_else(|| short(&value.to_string(), 200), |text| short(text, 200));
    found.push(Difference { path, before: before.map(written), after: after.map(written) });
}

fn below(path: &str, key: &str) -> String {
    match (path.is_empty(), key.contains(['.', '/'])) {
        (true, _) => key.to_owned(),
        (false, true) => format!("{path}[{key}]"),
        (false, false) => format!("{path}.{key}"),
    }
}

/// The elements by their `name`, if each has one of its own.
fn named(list: &[Value]) -> Option<Vec<(&str, &Value)>> {
    let named: Vec<(&str, &Value)> = list.iter().filter_map(|item| Some((item["name"].as_str()?, item))).collect();
    let mut names: Vec<&str> = named.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.dedup();
    (names.len() == list.len()).then_some(named)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_changed_field_is_a_line() {
        let before = json!({"spec": {"replicas": 2, "containers": [{"name": "web", "image": "web:1"}, {"name": "log", "image": "log:1"}], "args": [1, 2]}});
        let after = json!({"spec": {"replicas": 3, "containers": [{"name": "log", "image": "log:1"}, {"name": "web", "image": "web:2"}], "args": [2], "new": {"a.b": true}}});
        let lines: Vec<String> = diff(&before, &after).iter().map(Difference::line).collect();
        assert_eq!(
            lines,
            [
                "~ spec.args: [1,2] -> [2]",
                "~ spec.containers[web].image: web:1 -> web:2",
                "+ spec.new: {\"a.b\":true}",
                "~ spec.replicas: 2 -> 3"
            ]
        );
        assert!(diff(&before, &before).is_empty());
    }
}
