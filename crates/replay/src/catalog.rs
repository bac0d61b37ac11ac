//! All objects of a recording by resource: the kinds built into an API server, those of its definitions, and any other found.

mod identity;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use crate::kinds::{self, Resource};

/// One resource with its objects in order of namespace and name.
#[derive(Debug)]
pub(crate) struct Collection {
    pub resource: Resource,
    pub objects: Vec<Object>,
    /// How a custom resource's definition wants it printed.
    pub columns: Vec<Value>,
}

#[derive(Debug)]
pub(crate) struct Object {
    pub namespace: String,
    pub name: String,
    pub value: Value,
}

#[derive(Debug)]
pub(crate) struct Catalog {
    /// In the order in which discovery lists them.
    pub collections: Vec<Collection>,
    by_plural: HashMap<(String, String, String), usize>,
    pub resource_version: String,
}

type Kind = (String, String);

impl Catalog {
    pub fn new(objects: Vec<Value>, warnings: &mut Vec<String>) -> Self {
        let mut by_kind: BTreeMap<Kind, Vec<Value>> = BTreeMap::new();
        let mut newest = 1;
        for object in objects {
            newest = newest.max(version_of(&object));
            by_kind.entry(kind_of(&object)).or_default().push(object);
        }
        let mut collections: Vec<Collection> = kinds::built_in().map(Collection::empty).collect();
        let definitions = by_kind.get(&("apiextensions.k8s.io/v1".to_owned(), "CustomResourceDefinition".to_owned()));
        for definition in definitions.into_iter().flatten() {
            collections.extend(defined(definition, &by_kind));
        }
        for (kind, objects) in &by_kind {
            if !collections.iter().any(|known| known.is_of(kind)) {
                collections.push(Collection::empty(found(kind, objects)));
            }
        }
        for collection in &mut collections {
            let kind = (collection.resource.api_version(), collection.resource.kind.to_string());
            if let Some(objects) = by_kind.remove(&kind) {
                collection.fill(objects, warnings);
            }
        }
        add_namespaces(&mut collections);
        identity::give(&mut collections);
        sort_for_discovery(&mut collections);
        let by_plural =
            collections.iter().enumerate().map(|(index, collection)| (collection.address(), index)).collect();
        Self { collections, by_plural, resource_version: newest.to_string() }
    }

    pub fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Collection> {
        // The two groups' events are the same objects.
        let (group, version) =
            if (group, version, plural) == ("events.k8s.io", "v1", "events") { ("", "v1") } else { (group, version) };
        self.declared(group, version, plural)
    }

    /// As discovery lists it: unlike [`Catalog::find`] this tells the two groups of events apart.
    pub fn declared(&self, group: &str, version: &str, plural: &str) -> Option<&Collection> {
        let address = (group.to_owned(), version.to_owned(), plural.to_owned());
        self.by_plural.get(&address).and_then(|index| self.collections.get(*index))
    }
}

impl Collection {
    fn empty(resource: Resource) -> Self {
        Self { resource, objects: Vec::new(), columns: Vec::new() }
    }

    fn address(&self) -> (String, String, String) {
        let Resource { group, version, plural, .. } = &self.resource;
        (group.to_string(), version.to_string(), plural.to_string())
    }

    fn is_of(&self, (api_version, kind): &Kind) -> bool {
        self.resource.kind == kind.as_str() && self.resource.api_version() == *api_version
    }

    pub fn get(&self, namespace: &str, name: &str) -> Option<&Object> {
        let found = self
            .objects
            .binary_search_by(|object| (object.namespace.as_str(), object.name.as_str()).cmp(&(namespace, name)));
        found.ok().and_then(|index| self.objects.get(index))
    }

    /// The objects of one namespace, or all of them.
    pub fn within(&self, namespace: Option<&str>) -> &[Object] {
        let Some(namespace) = namespace else {
            return &self.objects;
        };
        let start = self.objects.partition_point(|object| object.namespace.as_str() < namespace);
        let end = self.objects.partition_point(|object| object.namespace.as_str() <= namespace);
        &self.objects[start..end]
    }

    fn fill(&mut self, values: Vec<Value>, warnings: &mut Vec<String>) {
        let mut objects: BTreeMap<(String, String), Value> = BTreeMap::new();
        for mut value in values {
            let namespace = settle_namespace(&mut value, self.resource.namespaced);
            let name = value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            match objects.entry((namespace, name)) {
                std::collections::btree_map::Entry::Vacant(slot) => {
                    slot.insert(value);
                }
                // A must-gather has most objects twice; of two states the younger counts, of two equal ones the later file.
                std::collections::btree_map::Entry::Occupied(mut slot) => {
                    if slot.get() != &value && version_of(slot.get()) == version_of(&value) {
                        let (namespace, name) = slot.key();
                        let place = if namespace.is_empty() { name.clone() } else { format!("{namespace}/{name}") };
                        warnings.push(format!(
                            "{} {place} is recorded twice with other content: the last one counts",
                            self.resource.kind
                        ));
                    }
                    if version_of(&value) >= version_of(slot.get()) {
                        slot.insert(value);
                    }
                }
            }
        }
        self.objects =
            objects.into_iter().map(|((namespace, name), value)| Object { namespace, name, value }).collect();
    }
}

fn kind_of(object: &Value) -> Kind {
    let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
    (text("apiVersion"), text("kind"))
}

fn version_of(object: &Value) -> u64 {
    object["metadata"]["resourceVersion"].as_str().and_then(|version| version.parse().ok()).unwrap_or(0)
}

fn settle_namespace(object: &mut Value, namespaced: bool) -> String {
    let Some(metadata) = object["metadata"].as_object_mut() else {
        return String::new();
    };
    if !namespaced {
        metadata.shift_remove("namespace");
        return String::new();
    }
    match metadata.get("namespace").and_then(Value::as_str) {
        Some(namespace) if !namespace.is_empty() => namespace.to_owned(),
        Some(_) | None => {
            metadata.insert("namespace".to_owned(), Value::String("default".to_owned()));
            "default".to_owned()
        }
    }
}

/// The resources that a definition declares: the versions that have objects, or else the stored one. Serving a version
/// without its objects would make a client that prefers it see none.
fn defined(definition: &Value, by_kind: &BTreeMap<Kind, Vec<Value>>) -> Vec<Collection> {
    let spec = &definition["spec"];
    let names = &spec["names"];
    let (Some(group), Some(kind)) = (spec["group"].as_str(), names["kind"].as_str()) else {
        return Vec::new();
    };
    let Some(plural) = names["plural"].as_str() else {
        return Vec::new();
    };
    let texts = |list: &Value| -> Vec<Cow<'static, str>> {
        let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
        items.iter().filter_map(Value::as_str).map(|text| Cow::Owned(text.to_owned())).collect()
    };
    let versions = spec["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let has_objects = |version: &Value| {
        let api_version = format!("{group}/{}", version["name"].as_str().unwrap_or_default());
        by_kind.contains_key(&(api_version, kind.to_owned()))
    };
    let any = versions.iter().any(has_objects);
    let wanted = |version: &&Value| {
        if any { has_objects(version) } else { version["storage"] == true }
    };
    let declare = |version: &Value| {
        let resource = Resource {
            group: Cow::Owned(group.to_owned()),
            version: Cow::Owned(version["name"].as_str()?.to_owned()),
            kind: Cow::Owned(kind.to_owned()),
            plural: Cow::Owned(plural.to_owned()),
            singular: Cow::Owned(names["singular"].as_str().map_or_else(|| kind.to_lowercase(), str::to_owned)),
            namespaced: spec["scope"] != "Cluster",
            short_names: texts(&names["shortNames"]),
            categories: texts(&names["categories"]),
            subresources: if version["subresources"]["status"].is_object() { vec!["status"] } else { Vec::new() },
        };
        let columns = version["additionalPrinterColumns"].as_array().cloned().unwrap_or_default();
        Some(Collection { columns, ..Collection::empty(resource) })
    };
    versions.iter().filter(wanted).filter_map(declare).collect()
}

/// A kind that nothing declares, guessed from its objects. The metrics API names its resources after what they measure.
fn found((api_version, kind): &Kind, objects: &[Value]) -> Resource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let plural = match (group, kind.as_str()) {
        ("metrics.k8s.io", "PodMetrics") => "pods".to_owned(),
        ("metrics.k8s.io", "NodeMetrics") => "nodes".to_owned(),
        _ => kinds::pluralise(kind),
    };
    Resource {
        group: Cow::Owned(group.to_owned()),
        version: Cow::Owned(version.to_owned()),
        kind: Cow::Owned(kind.clone()),
        plural: Cow::Owned(plural),
        singular: Cow::Owned(kind.to_lowercase()),
        namespaced: objects.iter().any(|object| object["metadata"]["namespace"].is_string()),
        short_names: Vec::new(),
        categories: Vec::new(),
        subresources: Vec::new(),
    }
}

/// A namespace that is used exists, also where only a part of the cluster was recorded.
fn add_namespaces(collections: &mut [Collection]) {
    let used: BTreeSet<String> = collections
        .iter()
        .flat_map(|collection| &collection.objects)
        .map(|object| object.namespace.clone())
        .filter(|namespace| !namespace.is_empty())
        .collect();
    let Some(namespaces) = collections
        .iter_mut()
        .find(|collection| collection.resource.plural == "namespaces" && collection.resource.group.is_empty())
    else {
        return;
    };
    for name in used {
        if namespaces.get("", &name).is_some() {
            continue;
        }
        let value = serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name,
            "labels": {"kubernetes.io/metadata.name": name}}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}});
        let place = namespaces.objects.partition_point(|object| object.name < name);
        let namespace = String::new();
        namespaces.objects.insert(place, Object { namespace, name, value });
    }
}

/// Built-in groups first as an API server lists them, then the rest by name; within a group the most stable version first.
fn sort_for_discovery(collections: &mut [Collection]) {
    let mut built_in: HashMap<String, usize> = HashMap::new();
    for (index, resource) in kinds::built_in().enumerate() {
        built_in.entry(resource.group.to_string()).or_insert(index);
    }
    collections.sort_by_cached_key(|collection| {
        let Resource { group, version, plural, .. } = &collection.resource;
        let rank = built_in.get(group.as_ref()).copied().unwrap_or(usize::MAX);
        (rank, group.to_string(), std::cmp::Reverse(priority(version)), plural.to_string())
    });
}

/// `v2` > `v1` > `v1beta2` > `v1beta1` > `v1alpha1` > anything else.
fn priority(version: &str) -> (u8, u32, u32) {
    let Some(rest) = version.strip_prefix('v') else {
        return (0, 0, 0);
    };
    let (stage, major, minor) = match (rest.split_once("beta"), rest.split_once("alpha")) {
        (Some((major, minor)), _) => (2, major, minor),
        (None, Some((major, minor))) => (1, major, minor),
        (None, None) => (3, rest, "0"),
    };
    match (major.parse(), minor.parse()) {
        (Ok(major), Ok(minor)) => (stage, major, minor),
        _ => (0, 0, 0),
    }
}

/// Adds a text field that is missing or empty.
fn set_if_missing(map: &mut Map<String, Value>, field: &str, value: impl FnOnce() -> String) {
    if map.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
        map.insert(field.to_owned(), Value::String(value()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_versions_come_first() {
        let mut versions = ["v1alpha1", "v1beta1", "v2", "odd", "v1", "v1beta2"];
        versions.sort_by_key(|version| std::cmp::Reverse(priority(version)));
        assert_eq!(versions, ["v2", "v1", "v1beta2", "v1beta1", "v1alpha1", "odd"]);
    }
}
