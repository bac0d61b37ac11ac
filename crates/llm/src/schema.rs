//! Tool schemas as providers take them: without what the model does not need and some refuse.

use serde_json::{Map, Value, json};

use crate::provider::Profile;

const DEEPEST: usize = 16;
/// For people and editors, of no use to a model.
const NOISE: &[&str] = &[
    "$schema",
    "$id",
    "$comment",
    "$defs",
    "definitions",
    "title",
    "examples",
    "default",
    "deprecated",
    "readOnly",
    "writeOnly",
];
/// All that Google's format knows.
const LISTED: &[&str] =
    &["type", "format", "description", "nullable", "enum", "items", "properties", "required", "minItems", "maxItems"];

/// The schema of a tool's arguments: always an object with properties.
pub(crate) fn simplify(schema: &Value, profile: Profile) -> Value {
    let mut plain = node(schema, schema, profile, 0);
    let Some(root) = plain.as_object_mut() else { return json!({"type": "object", "properties": {}}) };
    root.insert("type".to_owned(), json!("object"));
    root.entry("properties").or_insert_with(|| json!({}));
    if profile == Profile::Bare {
        return bare(root);
    }
    plain
}

/// Names and types of the first level.
fn bare(root: &Map<String, Value>) -> Value {
    let types = ["string", "integer", "number", "boolean"];
    let properties = root["properties"].as_object().into_iter().flatten().map(|(name, property)| {
        let kind = property["type"].as_str().filter(|kind| types.contains(kind)).unwrap_or("string");
        (name.clone(), json!({"type": kind, "description": property["description"].as_str().unwrap_or_default()}))
    });
    let properties: Map<String, Value> = properties.collect();
    let mut plain = json!({"type": "object", "properties": properties});
    if let Some(required) = root.get("required") {
        plain["required"] = required.clone();
    }
    plain
}

fn node(schema: &Value, root: &Value, profile: Profile, depth: usize) -> Value {
    let Some(members) = schema.as_object() else { return json!({}) };
    if depth > DEEPEST {
        return json!({});
    }
    if let Some(place) = members.get("$ref").and_then(Value::as_str) {
        // only what stands in the schema itself is looked up, never another address
        let target = place.strip_prefix('#').and_then(|pointer| root.pointer(pointer)).unwrap_or(&Value::Null);
        let mut inlined = node(target, root, profile, depth + 1);
        if let (Some(inlined), Some(text)) = (inlined.as_object_mut(), members.get("description")) {
            inlined.insert("description".to_owned(), text.clone());
        }
        return inlined;
    }
    if let Some(branch) = branch(members, profile) {
        let mut one = node(branch, root, profile, depth + 1);
        if let (Some(one), Some(text)) = (one.as_object_mut(), members.get("description")) {
            one.entry("description").or_insert_with(|| text.clone());
        }
        return one;
    }
    let mut plain = Map::new();
    for (name, value) in members {
        let listed = profile == Profile::Small || LISTED.contains(&name.as_str());
        if NOISE.contains(&name.as_str()) || !listed {
            continue;
        }
        plain.insert(name.clone(), member(name, value, root, profile, depth));
    }
    if let Some(constant) = members.get("const").filter(|_| profile != Profile::Small) {
        plain.insert("enum".to_owned(), json!([constant]));
    }
    consistent(&mut plain, profile);
    Value::Object(plain)
}

fn member(name: &str, value: &Value, root: &Value, profile: Profile, depth: usize) -> Value {
    match (name, value) {
        ("properties", Value::Object(properties)) => {
            properties.iter().map(|(name, value)| (name.clone(), node(value, root, profile, depth + 1))).collect()
        }
        // one schema for each place in the list: the first stands for all
        ("items", Value::Array(items)) => items.first().map_or(json!({}), |item| node(item, root, profile, depth + 1)),
        ("items" | "additionalProperties" | "not", Value::Object(_)) => node(value, root, profile, depth + 1),
        ("type", Value::Array(types)) => types.iter().find(|kind| **kind != "null").cloned().unwrap_or(json!("string")),
        _ => value.clone(),
    }
}

/// The one branch that says something; in the narrow profiles the first of several.
fn branch(members: &Map<String, Value>, profile: Profile) -> Option<&Value> {
    let branches = ["anyOf", "oneOf", "allOf"].iter().find_map(|name| members.get(*name).and_then(Value::as_array))?;
    let mut real = branches.iter().filter(|branch| branch["type"] != "null");
    let first = real.next()?;
    match real.next() {
        Some(_) if profile == Profile::Small => None,
        Some(_) | None => Some(first),
    }
}

/// What contradicts itself is refused by the strict ones.
fn consistent(plain: &mut Map<String, Value>, profile: Profile) {
    // a type beside its alternatives is refused by Moonshot
    if plain.contains_key("anyOf") || plain.contains_key("oneOf") {
        plain.shift_remove("type");
    }
    let known = |value: &Value| {
        matches!(value.as_str(), Some("object" | "array" | "string" | "integer" | "number" | "boolean"))
    };
    if plain.get("type").is_some_and(|kind| !known(kind)) {
        plain.insert("type".to_owned(), json!("string"));
    }
    let is_object = plain.get("type").is_none_or(|kind| kind == "object");
    if !is_object {
        plain.shift_remove("properties");
        plain.shift_remove("required");
        plain.shift_remove("additionalProperties");
    }
    if let Some(Value::Object(properties)) = plain.get("properties").cloned() {
        plain.entry("type").or_insert_with(|| json!("object"));
        if let Some(Value::Array(required)) = plain.get_mut("required") {
            required.retain(|name| name.as_str().is_some_and(|name| properties.contains_key(name)));
            if required.is_empty() {
                plain.shift_remove("required");
            }
        }
    } else {
        plain.shift_remove("required");
    }
    if plain.get("type").is_some_and(|kind| kind == "array") {
        plain.entry("items").or_insert_with(|| json!({"type": "string"}));
    }
    let texts = plain.get("enum").and_then(Value::as_array).is_some_and(|all| all.iter().all(Value::is_string));
    if profile != Profile::Small {
        if !texts {
            plain.shift_remove("enum");
        }
        // formats that Google knows for texts; others refuse the request
        if plain.get("type").is_some_and(|kind| kind == "string")
            && plain.get("format").is_some_and(|format| format != "date-time" && format != "enum")
        {
            plain.shift_remove("format");
        }
    }
}
