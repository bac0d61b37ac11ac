//! Columns that a custom resource's definition asks for: the part of JSONPath that definitions use.

use jiff::Timestamp;
use serde_json::Value;

use super::{Column, Fill, age};

pub(super) fn column(definition: &Value) -> Option<Column> {
    let name = definition["name"].as_str()?;
    let kind = definition["type"].as_str().unwrap_or("string");
    let fill = Fill::Path { path: definition["jsonPath"].as_str()?.to_owned(), kind: kind.to_owned() };
    let mut column = Column::new(name, definition["priority"].as_i64().unwrap_or(0), fill);
    column.kind = match kind {
        "integer" => "integer",
        "number" => "number",
        "boolean" => "boolean",
        "date" => "date",
        _ => "string",
    };
    Some(column)
}

pub(super) fn cell(object: &Value, path: &str, kind: &str, now: Timestamp) -> Value {
    let found = follow(object, path);
    let Some(first) = found.first() else {
        return Value::Null;
    };
    if kind == "date" {
        return age::since(first, now);
    }
    if kind != "string" {
        return (*first).clone();
    }
    let texts: Vec<String> = found.into_iter().map(as_text).collect();
    Value::from(texts.join(","))
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// `.a.b`, `[0]`, `[*]`, `['a.b/c']`, `.a\.b` and `[?(@.type=="Ready")]`.
fn follow<'a>(object: &'a Value, path: &str) -> Vec<&'a Value> {
    let mut found = vec![object];
    let mut rest = path.trim().trim_start_matches('{').trim_end_matches('}');
    while !rest.is_empty() {
        if let Some(inner) = rest.strip_prefix('[') {
            let Some(end) = closing(inner) else {
                return Vec::new();
            };
            found = index(&found, inner[..end].trim());
            rest = &inner[end + 1..];
            continue;
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
        let (name, after) = field_name(rest);
        if name.is_empty() {
            return if after.is_empty() { found } else { Vec::new() };
        }
        found = found.into_iter().filter_map(|value| value.get(&name)).collect();
        rest = after;
    }
    found
}

fn closing(inner: &str) -> Option<usize> {
    let mut quote = None;
    inner.char_indices().find_map(|(at, character)| match (quote, character) {
        (None, ']') => Some(at),
        (None, '\'' | '"') => {
            quote = Some(character);
            None
        }
        (Some(open), close) if open == close => {
            quote = None;
            None
        }
        _ => None,
    })
}

fn field_name(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => name.extend(characters.next().map(|(_, escaped)| escaped)),
            '.' | '[' => return (name, &text[at..]),
            other => name.push(other),
        }
    }
    (name, "")
}

fn index<'a>(values: &[&'a Value], selector: &str) -> Vec<&'a Value> {
    let items = |value: &'a Value| value.as_array().map(Vec::as_slice).unwrap_or_default();
    if selector == "*" {
        return values.iter().flat_map(|value| items(value)).collect();
    }
    if let Ok(position) = selector.parse::<usize>() {
        return values.iter().filter_map(|value| value.get(position)).collect();
    }
    if let Some(condition) = selector.strip_prefix("?(").and_then(|rest| rest.strip_suffix(')')) {
        let Some((path, wanted)) = condition.split_once("==") else {
            return Vec::new();
        };
        let path = path.trim().trim_start_matches('@');
        let wanted = wanted.trim().trim_matches(['"', '\'']);
        let matches = |item: &&Value| follow(item, path).first().is_some_and(|value| as_text(value) == wanted);
        return values.iter().flat_map(|value| items(value)).filter(matches).collect();
    }
    let name = selector.trim_matches(['"', '\'']);
    values.iter().filter_map(|value| value.get(name)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn definitions_paths_are_followed() {
        let object = json!({"metadata": {"labels": {"a.b/c": "x"}}, "spec": {"hosts": ["h1", "h2"], "n": 3},
            "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Synced", "status": "False"}]}});
        let cell = |path: &str, kind: &str| cell(&object, path, kind, Timestamp::UNIX_EPOCH);
        assert_eq!(cell(".spec.n", "integer"), json!(3));
        assert_eq!(cell(".spec.hosts[1]", "string"), json!("h2"));
        assert_eq!(cell(".spec.hosts[*]", "string"), json!("h1,h2"));
        assert_eq!(cell(".status.conditions[?(@.type==\"Ready\")].status", "string"), json!("True"));
        assert_eq!(cell(".status.conditions[?(@.type=='Synced')].status", "string"), json!("False"));
        assert_eq!(cell(".metadata.labels['a.b/c']", "string"), json!("x"));
        assert_eq!(cell(".metadata.labels.a\\.b/c", "string"), json!("x"));
        assert_eq!(cell(".spec.missing", "string"), Value::Null);
    }
}
