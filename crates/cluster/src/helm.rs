//! What a Helm release says of itself, read beside the blanking: chart, version, status, times and which values were
//! given. The values themselves, the manifests and the notes never come out: they hold passwords.

use std::io::Read;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::read::GzDecoder;
use memchr::memmem;
use serde_json::{Map, Value, json};

/// Annotation with what is known of a release.
pub const RELEASE: &str = "midwatch.dev/helm-release";
/// The type of a Secret that holds a release.
pub const TYPE: &str = "helm.sh/release.v1";
/// The key under which it is kept.
pub const KEY: &str = "release";

/// A release may not unpack to more than this.
const UNPACKED: u64 = 32 << 20;
/// Names of values that are told.
const NAMES: usize = 60;

/// The summary of an encoded release; None if it is not understood.
pub fn summary(encoded: &[u8]) -> Option<String> {
    let packed = STANDARD.decode(encoded.trim_ascii()).ok()?;
    let mut text = Vec::new();
    GzDecoder::new(packed.as_slice()).take(UNPACKED).read_to_end(&mut text).ok()?;
    let release: Value = serde_json::from_slice(&text).ok()?;
    let (chart, info) = (&release["chart"]["metadata"], &release["info"]);
    let mut names = Vec::new();
    value_names(&release["config"], "", &mut names);
    names.sort();
    names.truncate(NAMES);
    let told = json!({
        "name": plain(&release["name"]), "namespace": plain(&release["namespace"]), "revision": release["version"].as_i64(),
        "chart": plain(&chart["name"]), "version": plain(&chart["version"]), "appVersion": plain(&chart["appVersion"]),
        "status": plain(&info["status"]), "firstDeployed": plain(&info["first_deployed"]),
        "lastDeployed": plain(&info["last_deployed"]), "valuesGiven": names});
    Some(told.to_string())
}

/// A short word of the release; anything longer is no name, version or time.
fn plain(value: &Value) -> Option<&str> {
    value.as_str().filter(|text| text.len() <= 128 && !text.chars().any(char::is_control))
}

/// `image.tag`, `auth.password`: which values were given, not which they are.
fn value_names(values: &Value, path: &str, names: &mut Vec<String>) {
    let Some(map) = values.as_object().filter(|map| !map.is_empty()) else {
        if !path.is_empty() && path.len() <= 128 {
            names.push(path.to_owned());
        }
        return;
    };
    for (key, value) in map {
        let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        value_names(value, &below, names);
    }
}

/// Whether an answer may hold a release kept in a ConfigMap.
pub fn mentioned(bytes: &[u8]) -> bool {
    memmem::find(bytes, b"sh.helm.release.v1.").is_some()
}

/// A ConfigMap of Helm's: the release in it is a Secret in all but name. Other objects stay as they are.
pub fn blank_config_map(object: &mut Map<String, Value>) {
    let ours = object.get("metadata").is_some_and(|metadata| {
        metadata["labels"]["owner"] == "helm"
            || metadata["name"].as_str().is_some_and(|n| n.starts_with("sh.helm.release.v1."))
    });
    let Some(release) = object.get_mut("data").filter(|_| ours).and_then(|data| data.get_mut(KEY)) else {
        return;
    };
    let told = release.as_str().and_then(|text| summary(text.as_bytes()));
    *release = json!("");
    if let Some(told) = told {
        note(object, told);
    }
}

/// Writes the summary into the object's annotations.
pub fn note(object: &mut Map<String, Value>, told: String) {
    let metadata = object.entry("metadata").or_insert_with(|| json!({}));
    let Some(metadata) = metadata.as_object_mut() else { return };
    let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
    if !annotations.is_object() {
        *annotations = json!({});
    }
    annotations[RELEASE] = told.into();
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn encoded(release: &Value) -> String {
        let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
        packer.write_all(release.to_string().as_bytes()).unwrap();
        STANDARD.encode(packer.finish().unwrap())
    }

    fn release() -> Value {
        json!({"name": "db", "namespace": "shop", "version": 3, "manifest": "password: hunter2",
            "info": {"status": "deployed", "first_deployed": "2026-01-01T00:00:00Z", "last_deployed": "2026-01-02T00:00:00Z", "notes": "the password is hunter2"},
            "chart": {"metadata": {"name": "postgresql", "version": "15.2.1", "appVersion": "17.0"}, "values": {"x": "hunter2"}},
            "config": {"auth": {"password": "hunter2", "database": "shop"}, "replicas": 2}})
    }

    #[test]
    fn the_summary_holds_no_value() {
        let told = summary(encoded(&release()).as_bytes()).unwrap();
        assert!(!told.contains("hunter2") && !told.contains("\"shop\"]"), "{told}");
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(
            (&told["chart"], &told["version"], &told["status"]),
            (&json!("postgresql"), &json!("15.2.1"), &json!("deployed"))
        );
        assert_eq!(told["valuesGiven"], json!(["auth.database", "auth.password", "replicas"]));
    }

    #[test]
    fn a_release_in_a_config_map_is_blanked_too() {
        let mut map = json!({"metadata": {"name": "sh.helm.release.v1.db.v3", "labels": {"owner": "helm"}}, "data": {"release": encoded(&release())}});
        blank_config_map(map.as_object_mut().unwrap());
        assert_eq!(map["data"]["release"], "");
        assert!(map["metadata"]["annotations"][RELEASE].as_str().unwrap().contains("postgresql"));
        let mut other = json!({"metadata": {"name": "app"}, "data": {"release": "1.2"}});
        blank_config_map(other.as_object_mut().unwrap());
        assert_eq!(other["data"]["release"], "1.2");
    }

    #[test]
    fn what_is_no_release_has_no_summary() {
        for text in ["", "not base64!", "aGVsbG8="] {
            assert_eq!(summary(text.as_bytes()), None, "{text}");
        }
    }
}
