//! Arguments against a tool's schema: what is wrong is said by the argument's name.
//!
//! Understands the part of JSON Schema that our tools use. Schemas are ours and hold no `$ref`, so nothing is fetched and
//! the work is bounded by the arguments' size.

use diagnose::near::nearest;
use serde_json::{Map, Value};

use crate::tool::Arguments;
use crate::trouble::Trouble;

/// No argument needs to be nested deeper than a Kubernetes object is.
const DEPTH: usize = 64;

/// Renames old spellings, reads numbers and truth values that came as text, and checks the rest.
pub fn accept(schema: &Value, old_spellings: &[(&str, &str)], mut arguments: Arguments) -> Result<Arguments, Trouble> {
    for (old, new) in old_spellings {
        if let Some(value) = arguments.remove(*old)
            && !arguments.contains_key(*new)
        {
            arguments.insert((*new).to_owned(), value);
        }
    }
    // many clients send an absent argument as null
    arguments.retain(|_, value| !value.is_null());
    let mut whole = Value::Object(arguments);
    check(schema, &mut whole, "", 0)?;
    match whole {
        Value::Object(arguments) => Ok(arguments),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => Ok(Map::new()),
    }
}

fn check(schema: &Value, value: &mut Value, path: &str, depth: usize) -> Result<(), Trouble> {
    if depth > DEPTH {
        return Err(wrong(path, format!("it is nested deeper than {DEPTH} levels")));
    }
    let kind = schema["type"].as_str().unwrap_or_default();
    read_text(kind, value);
    if !is(kind, value) {
        return Err(wrong(path, format!("it has to be {}, not {}", article(kind), name_of(value))));
    }
    if let Some(allowed) = schema["enum"].as_array()
        && !allowed.contains(value)
    {
        let list: Vec<String> = allowed.iter().map(plain).collect();
        return Err(wrong(path, format!("it has to be one of {}, not {}", list.join(", "), plain(value))));
    }
    match value {
        Value::Number(number) => {
            let number = number.as_f64().unwrap_or(f64::NAN);
            let (least, most) = (schema["minimum"].as_f64(), schema["maximum"].as_f64());
            if least.is_some_and(|least| number < least) || most.is_some_and(|most| number > most) {
                return Err(wrong(path, format!("it has to lie {}", range(least, most))));
            }
        }
        Value::String(text) => {
            if schema["minLength"].as_u64().is_some_and(|least| (text.chars().count() as u64) < least) {
                return Err(wrong(path, "it must not be empty".to_owned()));
            }
            if schema["maxLength"].as_u64().is_some_and(|most| text.chars().count() as u64 > most) {
                return Err(wrong(path, format!("it is longer than {} characters", plain(&schema["maxLength"]))));
            }
        }
        Value::Array(items) => {
            if schema["minItems"].as_u64().is_some_and(|least| (items.len() as u64) < least) {
                return Err(wrong(path, format!("it needs at least {} items", plain(&schema["minItems"]))));
            }
            if schema["maxItems"].as_u64().is_some_and(|most| items.len() as u64 > most) {
                return Err(wrong(path, format!("it has more than {} items", plain(&schema["maxItems"]))));
            }
            for (index, item) in items.iter_mut().enumerate() {
                check(&schema["items"], item, &format!("{path}[{index}]"), depth + 1)?;
            }
        }
        Value::Object(map) => properties(schema, map, path, depth)?,
        Value::Null | Value::Bool(_) => {}
    }
    Ok(())
}

fn properties(schema: &Value, map: &mut Map<String, Value>, path: &str, depth: usize) -> Result<(), Trouble> {
    let known = schema["properties"].as_object();
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !map.contains_key(required) {
            return Err(wrong(&below(path, required), "it is required".to_owned()));
        }
    }
    for (key, value) in map.iter_mut() {
        match (known.and_then(|known| known.get(key)), &schema["additionalProperties"]) {
            (Some(property), _) => check(property, value, &below(path, key), depth + 1)?,
            (None, Value::Bool(false)) => return Err(unknown(key, path, known)),
            (None, schema @ Value::Object(_)) => check(schema, value, &below(path, key), depth + 1)?,
            (None, _) => {}
        }
    }
    Ok(())
}

fn unknown(key: &str, path: &str, known: Option<&Map<String, Value>>) -> Trouble {
    let names: Vec<&str> = known.map(|known| known.keys().map(String::as_str).collect()).unwrap_or_default();
    let close = nearest(key, names.iter().copied());
    let help = match (close, names.as_slice()) {
        (Some(close), _) => format!("; did you mean {close}?"),
        (None, []) => "; there are no arguments".to_owned(),
        (None, names) => format!("; the arguments are {}", names.join(", ")),
    };
    wrong(&below(path, key), format!("there is no such argument{help}"))
}

/// `"20"` where a number is wanted is that number: small models quote what they should not.
fn read_text(kind: &str, value: &mut Value) {
    let Value::String(text) = &*value else { return };
    let read = match (kind, text.trim()) {
        ("integer", text) => text.parse::<i64>().ok().map(Value::from),
        ("number", text) => text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::from),
        ("boolean", "true" | "True") => Some(Value::Bool(true)),
        ("boolean", "false" | "False") => Some(Value::Bool(false)),
        ("array" | "object", text) => serde_json::from_str(text).ok().filter(|read| is(kind, read)),
        _ => None,
    };
    if let Some(read) = read {
        *value = read;
    }
}

fn is(kind: &str, value: &Value) -> bool {
    match kind {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64() || value.as_f64().is_some_and(|n| n.fract() == 0.0),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    }
}

fn article(kind: &str) -> String {
    match kind {
        "integer" | "array" | "object" => format!("an {kind}"),
        other => format!("a {other}"),
    }
}

fn name_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn range(least: Option<f64>, most: Option<f64>) -> String {
    match (least, most) {
        (Some(least), Some(most)) => format!("between {least} and {most}"),
        (Some(least), None) => format!("at or above {least}"),
        (None, Some(most)) => format!("at or below {most}"),
        (None, None) => "anywhere".to_owned(),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn wrong(path: &str, why: String) -> Trouble {
    Trouble::unreadable(if path.is_empty() { "arguments" } else { path }, why)
}

#[cfg(test)]
mod test {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({"type": "object", "additionalProperties": false, "required": ["name"], "properties": {
            "name": {"type": "string", "minLength": 1},
            "tail": {"type": "integer", "minimum": 0},
            "output": {"type": "string", "enum": ["table", "yaml"]},
            "command": {"type": "array", "items": {"type": "string"}},
        }})
    }

    fn said(arguments: Value) -> String {
        let Value::Object(arguments) = arguments else { panic!("no object") };
        accept(&schema(), &[("tailLines", "tail")], arguments).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_said_by_name() {
        assert_eq!(said(json!({})), "argument name: it is required");
        assert_eq!(said(json!({"name": 7})), "argument name: it has to be a string, not a number");
        assert_eq!(said(json!({"name": ""})), "argument name: it must not be empty");
        assert_eq!(said(json!({"name": "a", "tail": -1})), "argument tail: it has to lie at or above 0");
        assert_eq!(
            said(json!({"name": "a", "output": "csv"})),
            "argument output: it has to be one of table, yaml, not csv"
        );
        assert_eq!(
            said(json!({"name": "a", "command": ["ls", 1]})),
            "argument command[1]: it has to be a string, not a number"
        );
        assert_eq!(
            said(json!({"name": "a", "comand": []})),
            "argument comand: there is no such argument; did you mean command?"
        );
        assert_eq!(
            said(json!({"name": "a", "x": 1})),
            "argument x: there is no such argument; the arguments are name, tail, output, command"
        );
    }

    #[test]
    fn quoted_numbers_old_spellings_and_nulls_are_read() {
        let arguments = json!({"name": "a", "tailLines": "20", "command": "[\"ls\"]", "output": null});
        let Value::Object(arguments) = arguments else { panic!("no object") };
        let read = accept(&schema(), &[("tailLines", "tail")], arguments).unwrap();
        assert_eq!(Value::Object(read), json!({"name": "a", "tail": 20, "command": ["ls"]}));
    }
}
