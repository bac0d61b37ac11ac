//! Hand-written objects have no uid: they get one that depends only on what they are, and references to them get it too.

use std::collections::HashMap;

use serde_json::Value;

use super::{Collection, set_if_missing};

/// Kind, namespace and name of an object that had no uid.
type Target = (String, String, String);

struct Given {
    api_version: String,
    uid: String,
}

pub(super) fn give(collections: &mut [Collection]) {
    let mut given: HashMap<Target, Given> = HashMap::new();
    for collection in collections.iter_mut() {
        // Usage figures are no stored objects: the metrics API gives them neither.
        if collection.resource.group == "metrics.k8s.io" {
            continue;
        }
        let api_version = collection.resource.api_version();
        let kind = &collection.resource.kind;
        for object in &mut collection.objects {
            let Some(metadata) = object.value["metadata"].as_object_mut() else {
                continue;
            };
            set_if_missing(metadata, "resourceVersion", || "1".to_owned());
            let (namespace, name) = (&object.namespace, &object.name);
            set_if_missing(metadata, "uid", || {
                let uid = uid(&format!("{api_version} {kind} {namespace} {name}"));
                let target = (kind.to_string(), namespace.clone(), name.clone());
                let api_version = api_version.clone();
                given.insert(target, Given { api_version, uid: uid.clone() });
                uid
            });
        }
    }
    if given.is_empty() {
        return;
    }
    for object in collections.iter_mut().flat_map(|collection| &mut collection.objects) {
        let owners = object.value["metadata"].get_mut("ownerReferences").and_then(Value::as_array_mut);
        for owner in owners.into_iter().flatten() {
            complete(owner, &object.namespace, &given);
        }
        if object.value["kind"] == "Event"
            && let Some(involved) = object.value.get_mut("involvedObject")
            && let Some(namespace) = complete(involved, &object.namespace, &given).filter(|text| !text.is_empty())
            && let Some(involved) = involved.as_object_mut()
        {
            set_if_missing(involved, "namespace", || namespace.to_owned());
        }
    }
}

/// Adds what a hand-written reference leaves out, if the object it names had no uid either; gives that object's namespace.
fn complete<'a>(reference: &mut Value, namespace: &str, given: &'a HashMap<Target, Given>) -> Option<&'a str> {
    let text = |field: &str| reference[field].as_str().unwrap_or_default().to_owned();
    let (kind, name) = (text("kind"), text("name"));
    let namespace = reference["namespace"].as_str().unwrap_or(namespace).to_owned();
    let ((_, namespace, _), target) = given
        .get_key_value(&(kind.clone(), namespace, name.clone()))
        .or_else(|| given.get_key_value(&(kind, String::new(), name)))?;
    let reference = reference.as_object_mut()?;
    set_if_missing(reference, "apiVersion", || target.api_version.clone());
    set_if_missing(reference, "uid", || target.uid.clone());
    Some(namespace)
}

/// FNV-1a over 128 bits, written as a UUID of version 8: stable over releases, which the standard hasher is not.
fn uid(identity: &str) -> String {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in identity.bytes() {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    let hash = hash & !(0xf << 76) & !(0x3 << 62) | (0x8 << 76) | (0x2 << 62);
    let hex = format!("{hash:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_is_a_version_8_uuid_and_depends_on_the_identity() {
        let one = uid("v1 Pod shop cart");
        assert_eq!(one, uid("v1 Pod shop cart"));
        assert_ne!(one, uid("v1 Pod shop cart2"));
        assert_eq!(one.len(), 36);
        assert_eq!(&one[14..15], "8");
    }
}
