//! Secrets keep their keys and sizes and lose their values before anything else sees them.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

const SIZES: &str = "midwatch.dev/secret-sizes";
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Empties the values of a Secret in place; other objects stay as they are.
pub(crate) fn blank(object: &mut Value) {
    if object["kind"] != "Secret" || object["apiVersion"] != "v1" {
        return;
    }
    let Some(secret) = object.as_object_mut() else {
        return;
    };
    let mut sizes = earlier_sizes(secret);
    let mut data = match secret.remove("data") {
        Some(Value::Object(data)) => data,
        Some(_) | None => Map::new(),
    };
    for (key, value) in &mut data {
        let size = value.as_str().map_or(0, decoded_size);
        // A value that is empty already was blanked when it was recorded: its size is in the annotation.
        if size > 0 {
            sizes.insert(key.clone(), size);
        } else {
            sizes.entry(key.clone()).or_insert(0);
        }
        *value = Value::String(String::new());
    }
    if let Some(Value::Object(plain)) = secret.remove("stringData") {
        for (key, value) in plain {
            sizes.insert(key.clone(), value.as_str().map_or(0, str::len));
            data.insert(key, Value::String(String::new()));
        }
    }
    sizes.retain(|key, _| data.contains_key(key));
    secret.insert("data".to_owned(), Value::Object(data));
    annotate(secret, &sizes);
}

fn earlier_sizes(secret: &Map<String, Value>) -> BTreeMap<String, usize> {
    secret
        .get("metadata")
        .and_then(|metadata| metadata["annotations"][SIZES].as_str())
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

fn annotate(secret: &mut Map<String, Value>, sizes: &BTreeMap<String, usize>) {
    let Some(metadata) = secret.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    let annotations = metadata.entry("annotations").or_insert_with(|| Value::Object(Map::new()));
    if !annotations.is_object() {
        *annotations = Value::Object(Map::new());
    }
    if let Some(annotations) = annotations.as_object_mut() {
        // It holds the whole Secret again, values and all.
        annotations.remove(LAST_APPLIED);
        if let Ok(text) = serde_json::to_string(sizes) {
            annotations.insert(SIZES.to_owned(), Value::String(text));
        }
    }
}

fn decoded_size(base64: &str) -> usize {
    let digits = base64.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=').count();
    digits * 3 / 4
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_go_and_keys_and_sizes_stay() {
        let mut secret = json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "db", "annotations": {LAST_APPLIED: "{\"data\":{\"password\":\"aHVudGVyMg==\"}}"}},
            "data": {"password": "aHVudGVyMg=="}, "stringData": {"user": "app"}});
        blank(&mut secret);
        assert_eq!(secret["data"], json!({"password": "", "user": ""}));
        assert_eq!(secret["metadata"]["annotations"], json!({SIZES: "{\"password\":7,\"user\":3}"}));
        assert!(secret.get("stringData").is_none());
        let once = secret.clone();
        blank(&mut secret);
        assert_eq!(secret, once);
    }
}
