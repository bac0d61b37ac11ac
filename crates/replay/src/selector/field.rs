//! Field selectors: `path=value`, `path!=value`, joined by commas. Any dotted path is served, where a real server knows a few.

use std::str::FromStr;

use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct FieldSelector {
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    path: String,
    value: String,
    equal: bool,
}

impl FieldSelector {
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    pub fn matches(&self, object: &Value) -> bool {
        self.terms.iter().all(|term| (field(object, &term.path) == term.value) == term.equal)
    }
}

/// A field as text. A missing one is empty, a missing yes-or-no is no.
fn field(object: &Value, path: &str) -> String {
    let path = match path {
        // The name that events keep for it from before they had components.
        "source" if object["kind"] == "Event" => "source.component",
        other => other,
    };
    let found = path.split('.').fold(object, |value, name| &value[name]);
    match found {
        Value::String(text) => text.clone(),
        Value::Null if ["spec.unschedulable", "spec.hostNetwork"].contains(&path) => "false".to_owned(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => found.to_string(),
    }
}

impl FromStr for FieldSelector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let terms = split(text).into_iter().filter(|term| !term.trim().is_empty());
        let terms = terms.map(|term| parse(&term)).collect::<Result<_, _>>()?;
        Ok(Self { terms })
    }
}

fn parse(term: &str) -> Result<Term, String> {
    let Some(at) = term.find(['!', '=']) else {
        return Err(format!("invalid selector: '{term}'; can't understand '{term}'"));
    };
    let (path, rest) = term.split_at(at);
    let (value, equal) = if let Some(value) = rest.strip_prefix("!=") {
        (value, false)
    } else if let Some(value) = rest.strip_prefix("==").or_else(|| rest.strip_prefix('=')) {
        (value, true)
    } else {
        return Err(format!("invalid selector: '{term}'; can't understand '{term}'"));
    };
    let path = path.trim().to_owned();
    if path.is_empty() {
        return Err(format!("invalid selector: '{term}'; it names no field"));
    }
    Ok(Term { path, value: unescape(value), equal })
}

/// Cuts at the commas that no backslash precedes.
fn split(text: &str) -> Vec<String> {
    let mut terms = vec![String::new()];
    let mut escaped = false;
    for character in text.chars() {
        if character == ',' && !escaped {
            terms.push(String::new());
            continue;
        }
        escaped = character == '\\' && !escaped;
        if let Some(term) = terms.last_mut() {
            term.push(character);
        }
    }
    terms
}

/// `\\`, `\,` and `\=` stand for the character itself.
fn unescape(value: &str) -> String {
    let mut characters = value.chars();
    let mut plain = String::new();
    while let Some(character) = characters.next() {
        if character == '\\' {
            plain.extend(characters.next());
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_followed_and_missing_is_empty() {
        let event = json!({"kind": "Event", "type": "Warning", "involvedObject": {"name": "a,b", "uid": "1"},
            "source": {"component": "kubelet"}, "count": 3});
        for (selector, expected) in [
            ("", true),
            ("type=Warning", true),
            ("type!=Normal,involvedObject.uid==1", true),
            ("involvedObject.name=a\\,b", true),
            ("involvedObject.namespace=", true),
            ("spec.nodeName!=", false),
            ("source=kubelet", true),
            ("count=3", true),
            ("spec.unschedulable=false", true),
        ] {
            assert_eq!(selector.parse::<FieldSelector>().unwrap().matches(&event), expected, "{selector}");
        }
        for selector in ["type", "=x", "type!x"] {
            assert!(selector.parse::<FieldSelector>().is_err(), "{selector}");
        }
    }
}
