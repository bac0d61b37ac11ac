//! Takes the values out of Secrets: names, keys, types and sizes stay.
//!
//! It fails closed: what is not understood is not let through, and a Secret keeps only the fields known here.

use base64::{Engine, engine::general_purpose::STANDARD};
use memchr::memmem;
use serde_json::{Map, Value, json};

use crate::{helm, registry};

/// Annotation with the size in bytes of every value that was taken out: `{key: bytes}`.
pub const SIZES: &str = "midwatch.dev/secret-sizes";
/// Annotation with the registry hosts that a pull secret is for, separated by commas.
pub const REGISTRIES: &str = "midwatch.dev/registries";

const FIELDS: [&str; 7] = ["apiVersion", "kind", "metadata", "type", "immutable", "data", "stringData"];
/// Annotations in which tools keep a copy of the whole object.
const COPIES: [&str; 5] = ["last-applied-configuration", "last-applied", "/applied", "/original", "/last-config"];

/// An answer or a watch event from a path of Secrets.
pub fn blank_answer(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut value: Value = serde_json::from_slice(bytes).map_err(|error| format!("it is not JSON ({error})"))?;
    blank(&mut value)?;
    serde_json::to_vec(&value).map_err(|error| error.to_string())
}

/// An answer from any other path: only a mixed `List` can hold Secrets there. Nothing is parsed unless it looks so.
pub fn blank_strays(bytes: &[u8]) -> Result<Option<Vec<u8>>, String> {
    if !mentions_secret(bytes) && !helm::mentioned(bytes) {
        return Ok(None);
    }
    let mut value: Value = serde_json::from_slice(bytes).map_err(|error| format!("it is not JSON ({error})"))?;
    sweep(&mut value)?;
    serde_json::to_vec(&value).map(Some).map_err(|error| error.to_string())
}

fn blank(value: &mut Value) -> Result<(), String> {
    let kind = value["kind"].as_str().unwrap_or_default().to_owned();
    match kind.as_str() {
        "Secret" | "PartialObjectMetadata" => secret(value),
        "SecretList" | "PartialObjectMetadataList" => elements(value, "items").try_for_each(secret),
        "List" => elements(value, "items").try_for_each(|item| match item["kind"].as_str() {
            Some("Secret") | None => secret(item),
            Some(_) => sweep(item),
        }),
        "Table" => elements(value, "rows").try_for_each(|row| match row.get_mut("object") {
            None | Some(Value::Null) => Ok(()),
            Some(object) => secret(object),
        }),
        "Status" => Ok(()),
        "" if value["type"].is_string() && value["object"].is_object() => blank(&mut value["object"]),
        other => Err(format!("a {other:?} was not expected among Secrets")),
    }
}

fn elements<'a>(value: &'a mut Value, key: &str) -> impl Iterator<Item = &'a mut Value> {
    value.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten()
}

/// Blanks every Secret below a value.
fn sweep(value: &mut Value) -> Result<(), String> {
    match value {
        Value::Object(map) if map.get("kind").is_some_and(|kind| kind == "SecretList") => blank(value),
        Value::Object(map) if map.get("kind").is_some_and(|kind| kind == "Secret") && map.contains_key("metadata") => {
            secret(value)
        }
        Value::Object(map) => {
            helm::blank_config_map(map);
            map.values_mut().try_for_each(sweep)
        }
        Value::Array(items) => items.iter_mut().try_for_each(sweep),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

fn secret(value: &mut Value) -> Result<(), String> {
    let Value::Object(object) = value else {
        return Err("a Secret is not an object".to_owned());
    };
    object.retain(|field, _| FIELDS.contains(&field.as_str()));
    let kind = object.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let known = annotations(object)?;
    let known_size = |key: &str| known.sizes.get(key).and_then(Value::as_u64);

    let mut sizes = Map::new();
    let mut registries = known.registries;
    let mut release = None;
    for (field, encoded) in [("data", true), ("stringData", false)] {
        let values = match object.get_mut(field) {
            None => continue,
            Some(Value::Null) => continue,
            Some(Value::Object(values)) => values,
            Some(_) => return Err(format!("{field} of a Secret is not a map")),
        };
        for (key, value) in values.iter_mut() {
            let text = value.as_str().unwrap_or_default();
            // An empty value with a noted size comes from a recording that went through here before.
            let size = if text.is_empty() { known_size(key).unwrap_or(0) } else { size(text, encoded) };
            sizes.insert(key.clone(), json!(size));
            if is_pull_config(&kind, key) && !text.is_empty() {
                registries = Some(registry::hosts(&plain(text, encoded)).join(","));
            }
            if kind == helm::TYPE && key == helm::KEY {
                release = helm::summary(&plain(text, encoded));
            }
            if !(kind == "kubernetes.io/tls" && key == "tls.crt" && is_certificate(&plain(text, encoded))) {
                *value = json!("");
            }
        }
    }
    note(object, sizes, registries);
    if let Some(release) = release {
        helm::note(object, release);
    }
    Ok(())
}

#[derive(Default)]
struct Known {
    sizes: Map<String, Value>,
    registries: Option<String>,
}

/// Drops the annotations that hold a copy of the object, and returns our own from an earlier pass.
fn annotations(object: &mut Map<String, Value>) -> Result<Known, String> {
    let annotations = match object.get_mut("metadata").map(|metadata| &mut metadata["annotations"]) {
        None | Some(Value::Null) => return Ok(Known::default()),
        Some(Value::Object(annotations)) => annotations,
        Some(_) => return Err("annotations of a Secret are not a map".to_owned()),
    };
    annotations.retain(|name, value| {
        let text = value.as_str().unwrap_or_default();
        let copy = COPIES.iter().any(|ending| name.ends_with(ending));
        !copy && !text.contains("\"data\"") && !text.contains("\"stringData\"")
    });
    let sizes = annotations.remove(SIZES).and_then(|value| serde_json::from_str(value.as_str()?).ok());
    let registries = annotations.remove(REGISTRIES).and_then(|value| value.as_str().map(str::to_owned));
    Ok(Known { sizes: sizes.unwrap_or_default(), registries })
}

fn note(object: &mut Map<String, Value>, sizes: Map<String, Value>, registries: Option<String>) {
    if sizes.is_empty() {
        return;
    }
    let metadata = object.entry("metadata").or_insert_with(|| json!({}));
    let annotations = &mut metadata["annotations"];
    annotations[SIZES] = json!(Value::Object(sizes).to_string());
    if let Some(registries) = registries.filter(|hosts| !hosts.is_empty()) {
        annotations[REGISTRIES] = json!(registries);
    }
}

fn size(text: &str, encoded: bool) -> u64 {
    let bytes = if encoded { text.trim_end_matches('=').len() * 3 / 4 } else { text.len() };
    bytes as u64
}

fn plain(text: &str, encoded: bool) -> Vec<u8> {
    if encoded { STANDARD.decode(text).unwrap_or_default() } else { text.as_bytes().to_vec() }
}

fn is_pull_config(kind: &str, key: &str) -> bool {
    matches!(
        (kind, key),
        ("kubernetes.io/dockerconfigjson", ".dockerconfigjson") | ("kubernetes.io/dockercfg", ".dockercfg")
    )
}

/// Whether this is nothing but certificates: people also put the private key into the same file.
fn is_certificate(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let mut rest = text.trim();
    while let Some(block) = rest.strip_prefix("-----BEGIN CERTIFICATE-----") {
        let Some((body, after)) = block.split_once("-----END CERTIFICATE-----") else {
            return false;
        };
        let body: String = body.split_ascii_whitespace().collect();
        // DER of a certificate starts with a SEQUENCE of more than 127 bytes.
        if !STANDARD.decode(body).is_ok_and(|der| der.starts_with(&[0x30, 0x82]) || der.starts_with(&[0x30, 0x81])) {
            return false;
        }
        rest = after.trim_start();
    }
    rest.is_empty() && !text.trim().is_empty()
}

/// Whether `"kind": "Secret"` or `"SecretList"` stands in the text.
fn mentions_secret(bytes: &[u8]) -> bool {
    memmem::find_iter(bytes, b"\"Secret").any(|at| {
        let before = bytes[..at].trim_ascii_end();
        before.strip_suffix(b":").is_some_and(|key| key.trim_ascii_end().ends_with(b"\"kind\""))
    })
}
