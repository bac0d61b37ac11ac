//! Which services a pod calls by name, as far as its environment, arguments and config maps say.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::evidence::Evidence;
use crate::graph::references;
use crate::object::{Object, ObjectRef, text};

/// A host name with an optional port, as URLs, DSNs and `HOST` variables write it.
static HOST: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"[a-z][a-z0-9-]{0,62}(?:\.[a-z0-9-]{1,63}){0,5}(?::[0-9]{1,5})?").ok());

/// A service that a pod names, and the field that names it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Call {
    pub service: ObjectRef,
    pub port: Option<u16>,
    pub field: String,
    pub value: String,
}

/// The names in an object's environment that look like service hosts, whether such a service exists or not. A bare word
/// counts only where the variable's name or a port or URL scheme says that it is a host.
pub fn calls(evidence: &Evidence, object: &Object) -> Vec<Call> {
    let Some(path) = object.pod_spec_path() else { return Vec::new() };
    let mut found = BTreeSet::new();
    for group in ["initContainers", "containers"] {
        let list = object.at(path).get(group).and_then(Value::as_array);
        for (i, container) in list.into_iter().flatten().enumerate() {
            let field = format!("{}.{group}[{i}]", path.trim_start_matches('/').replace('/', "."));
            for env in container["env"].as_array().into_iter().flatten() {
                let name = text(env, "name");
                scan(object.namespace(), name, text(env, "value"), &format!("{field}.env[{name}]"), &mut found);
            }
            for key in ["command", "args"] {
                for arg in container[key].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    scan(object.namespace(), "", arg, &format!("{field}.{key}"), &mut found);
                }
            }
        }
    }
    for reference in references(object).iter().filter(|r| r.to.kind == "ConfigMap") {
        let Some(map) = evidence.get(&reference.to) else { continue };
        for (key, value) in map.at("/data").as_object().into_iter().flatten() {
            let value = value.as_str().unwrap_or_default();
            for line in value.lines().take(400) {
                let name = line.split(['=', ':']).next().unwrap_or_default().trim();
                let name = if value.lines().nth(1).is_none() { key.as_str() } else { name };
                let field = format!("ConfigMap {} data.{key}", map.re.path());
                scan(object.namespace(), name, line, &field, &mut found);
            }
        }
    }
    found.into_iter().collect()
}

/// The called services that are in evidence.
pub fn called_services(evidence: &Evidence, object: &Object) -> Vec<ObjectRef> {
    calls(evidence, object).into_iter().map(|c| c.service).filter(|s| evidence.get(s).is_some()).collect()
}

fn scan(namespace: &str, name: &str, value: &str, field: &str, found: &mut BTreeSet<Call>) {
    let Some(host) = HOST.as_ref() else { return };
    let name = name.to_ascii_lowercase();
    let named = ["host", "addr", "url", "uri", "dsn", "endpoint", "server", "broker", "service"]
        .iter()
        .any(|w| name.contains(w));
    for hit in host.find_iter(value) {
        let before = &value[..hit.start()];
        let (host, port) = match hit.as_str().split_once(':') {
            Some((host, port)) => (host, port.parse().ok()),
            None => (hit.as_str(), None),
        };
        let url = before.ends_with("://") || before.ends_with('@') || before.ends_with("tcp(");
        let whole = hit.len() == value.trim().len();
        let is_host = url || port.is_some() && !before.ends_with(['/', '.', '-']) || named && whole;
        let after = &value[hit.end()..];
        if !is_host || after.starts_with("://") || is_user(after) {
            continue;
        }
        if let Some(service) = service_named(namespace, host) {
            found.insert(Call {
                service,
                port,
                field: field.to_owned(),
                value: value.trim().chars().take(200).collect(),
            });
        }
    }
}

/// Whether what comes before this is the user of `user@host` or `user:password@host`.
fn is_user(after: &str) -> bool {
    let end = after.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(after.len());
    after.starts_with('@') || after.starts_with(':') && after[..end].contains('@')
}

/// `db`, `db.shop`, `db.shop.svc`, `db.shop.svc.cluster.local` as a Service; anything else is no cluster name.
pub fn service_named(namespace: &str, host: &str) -> Option<ObjectRef> {
    let parts: Vec<&str> = host.split('.').collect();
    match parts.as_slice() {
        ["localhost"] => None,
        [name] => Some(ObjectRef::new("Service", namespace, name)),
        [name, ns] | [name, ns, "svc"] | [name, ns, "svc", "cluster", "local"] => {
            Some(ObjectRef::new("Service", ns, name))
        }
        _ => None,
    }
}
