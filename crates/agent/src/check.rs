//! Whether a value has the form that a JSON schema asks for: the keywords that tools use. What it does not know passes.

use serde_json::{Map, Value};

const DEEPEST: usize = 12;

/// The first thing that is wrong, in one line for a model.
pub fn problem(schema: &Value, value: &Value) -> Option<String> {
    at(schema, value, "", 0)
}

fn at(schema: &Value, value: &Value, path: &str, depth: usize) -> Option<String> {
    let schema = schema.as_object()?;
    if depth > DEEPEST {
        return None;
    }
    let here = if path.is_empty() { "the value" } else { path };
    if let Some(expected) = wrong_type(schema, value) {
        return Some(format!("{here} has to be {expected}"));
    }
    if let Some(allowed) = schema.get("enum").and_then(Value::as_array)
        && !allowed.contains(value)
    {
        return Some(format!("{here} has to be one of {}", Value::from(allowed.clone())));
    }
    match value {
        Value::Object(fields) => object(schema, fields, path, depth),
        Value::Array(items) => {
            let schema = schema.get("items")?;
            items.iter().enumerate().find_map(|(i, item)| at(schema, item, &format!("{path}[{i}]"), depth + 1))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

fn object(schema: &Map<String, Value>, fields: &Map<String, Value>, path: &str, depth: usize) -> Option<String> {
    let inside = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    if let Some(missing) = required.into_iter().find(|name| !fields.contains_key(*name)) {
        return Some(format!("{} is missing", inside(missing)));
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, value) in fields {
        match properties.and_then(|known| known.get(name)) {
            Some(schema) => {
                if let Some(problem) = at(schema, value, &inside(name), depth + 1) {
                    return Some(problem);
                }
            }
            None if schema.get("additionalProperties") == Some(&Value::Bool(false)) => {
                return Some(format!("{} is not known", inside(name)));
            }
            None => {}
        }
    }
    None
}

/// What was expected, where it is something else.
fn wrong_type(schema: &Map<String, Value>, value: &Value) -> Option<String> {
    let allowed: Vec<&str> = match schema.get("type")? {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => return None,
    };
    let nullable = schema.get("nullable") == Some(&Value::Bool(true)) && value.is_null();
    let fits = |name: &&str| match *name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "null" => value.is_null(),
        _ => true,
    };
    (!nullable && !allowed.iter().any(fits)).then(|| allowed.join(" or "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::problem;

    #[test]
    fn the_first_problem_is_named_with_its_path() {
        let schema = json!({"type": "object", "required": ["name"], "additionalProperties": false, "properties": {
            "name": {"type": "string"}, "tail": {"type": "integer"}, "order": {"enum": ["old", "new"]},
            "labels": {"type": "array", "items": {"type": "object", "required": ["key"]}}}});
        let said = |value| problem(&schema, &value);
        assert_eq!(said(json!({"name": "a", "tail": 5, "order": "new", "labels": [{"key": 1}]})), None);
        assert_eq!(said(json!({})).unwrap(), "name is missing");
        assert_eq!(said(json!({"name": 7})).unwrap(), "name has to be string");
        assert_eq!(said(json!({"name": "a", "tail": 1.5})).unwrap(), "tail has to be integer");
        assert_eq!(said(json!({"name": "a", "order": "x"})).unwrap(), "order has to be one of [\"old\",\"new\"]");
        assert_eq!(said(json!({"name": "a", "labels": [{}]})).unwrap(), "labels[0].key is missing");
        assert_eq!(said(json!({"name": "a", "shell": "rm"})).unwrap(), "shell is not known");
        assert_eq!(said(json!([])).unwrap(), "the value has to be object");
    }

    #[test]
    fn a_reference_is_not_followed() {
        assert_eq!(problem(&json!({"$ref": "http://127.0.0.1:1/schema"}), &json!({"a": 1})), None);
    }
}
