//! The Helm chart: linted, the same objects as the overlays, wrong values refused, accepted by the API server.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::Value;

use super::{Admin, fed, monitoring, objects, overlay, ready, root, testbed};

const NAMESPACE: &str = "elsewhere";
const PEOPLE: [&str; 4] =
    ["--set", "operator.enabled=true,operator.users={alice@example.com}", "--set", "operator.groups={oncall}"];

fn chart() -> String {
    root().join("deploy/helm/midwatch").to_str().unwrap().to_owned()
}

fn render(values: &[&str]) -> String {
    testbed(&[&["helm", "template", "midwatch", &chart(), "--namespace", "midwatch"], values].concat())
}

/// By kind and name, without what a packaging tool adds: labels of the objects, notes for Helm, a hash in a name.
fn comparable(yaml: &str) -> BTreeMap<(String, String), Value> {
    let hashed = regex::Regex::new(r"^midwatch-[a-z0-9]{10}$").unwrap();
    let plain = |name: &str| if hashed.is_match(name) { "midwatch".to_owned() } else { name.to_owned() };
    let each = objects(yaml).into_iter().filter(|object| object["kind"] != "Namespace").map(|mut object| {
        let kind = object["kind"].as_str().unwrap().to_owned();
        let name = plain(object["metadata"]["name"].as_str().unwrap());
        let metadata = object["metadata"].as_object_mut().unwrap();
        metadata.retain(|field, _| field == "namespace");
        // the same configuration, written in another way
        if let Some(text) = object["data"]["midwatch.yaml"].as_str() {
            object["data"]["midwatch.yaml"] = serde_saphyr::from_str(text).unwrap();
        }
        if let Some(pod) = object.pointer_mut("/spec/template") {
            pod["metadata"].as_object_mut().unwrap().remove("annotations");
            let volume = pod["spec"]["volumes"][0]["configMap"]["name"].take();
            pod["spec"]["volumes"][0]["configMap"]["name"] = plain(volume.as_str().unwrap()).into();
        }
        ((kind, name), object)
    });
    each.collect()
}

fn same(kustomize: &str, chart: &str) {
    let (kustomize, chart) = (comparable(kustomize), comparable(chart));
    assert_eq!(kustomize.keys().collect::<Vec<_>>(), chart.keys().collect::<Vec<_>>());
    for (name, object) in &kustomize {
        assert_eq!(
            serde_json::to_string_pretty(&sorted(object)).unwrap(),
            serde_json::to_string_pretty(&sorted(&chart[name])).unwrap(),
            "{name:?}"
        );
    }
}

/// Keys in order, so that a difference can be read.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let ordered: BTreeMap<&String, Value> = map.iter().map(|(key, value)| (key, sorted(value))).collect();
            serde_json::to_value(ordered).unwrap()
        }
        Value::Array(list) => list.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

pub fn gives_the_same_objects(admin: &Admin<'_>) {
    let lint = testbed(&["helm", "lint", "--strict", &chart()]);
    assert!(lint.contains("1 chart(s) linted, 0 chart(s) failed"), "{lint}");
    let image = concat!("registry.example.com/midwatch:", env!("CARGO_PKG_VERSION"));
    assert!(render(&[]).contains(image), "the chart's appVersion is not the program's version");
    let kustomize = |name: &str| admin.run(&["kustomize", &overlay(name)]);
    same(&kustomize("read-only"), &render(&[]));
    same(&kustomize("read-only-without-config-maps"), &render(&["--set", "rights.configMaps=false"]));
    same(&kustomize("operator"), &render(&PEOPLE));
    let constrained = [&PEOPLE[..], &["--set", "operator.constrained=true"]].concat();
    same(&kustomize("operator-constrained"), &render(&constrained));
    let monitored = monitoring::rendered(admin, "read-only", &["monitoring"]);
    same(&monitored, &render(&["--set", "monitoring.enabled=true"]));
}

pub fn refuses_wrong_values() {
    for (values, why) in [
        ("operator.enabled=true", "minItems"),
        ("operator.enabled=true,operator.users={system:admin}", "'not' failed"),
        ("operator.enabled=true,operator.users={a},operator.groups={system:masters}", "'not' failed"),
        ("operator.users={*}", "'not' failed"),
        ("config.listen=0.0.0.0:9000", "pattern"),
        ("config.data_dir=/elsewhere", "/data"),
        ("image.digest=latest", "pattern"),
        ("rights.secrets=true", "additional properties"),
    ] {
        let mut helm = Command::new(root().join("testbed/run"));
        let done = fed(helm.args(["helm", "template", "midwatch", &chart(), "--set", values]), "");
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!done.status.success() && said.contains(why), "{values}: {said}");
    }
}

pub fn is_accepted(admin: &Admin<'_>) {
    admin.run(&["create", "namespace", NAMESPACE]);
    let levels = ["enforce", "warn", "audit"].map(|level| format!("pod-security.kubernetes.io/{level}=restricted"));
    admin.run(&[&["label", "namespace", NAMESPACE], &levels.each_ref().map(String::as_str)[..]].concat());
    let values =
        ["--set", "monitoring.enabled=true,operator.constrained=true,secretName=watch,networkPolicy.ports={443}"];
    let rendered = testbed(
        &[&["helm", "template", "night", &chart(), "--namespace", NAMESPACE], &values[..], &PEOPLE[..]].concat(),
    );
    admin.fed(&["apply", "--dry-run=server", "--validate=strict", "-f", "-"], &rendered);
    admin.fed(&["apply", "--validate=strict", "-f", "-"], &rendered);
    admin.run(&[
        "-n",
        NAMESPACE,
        "create",
        "secret",
        "generic",
        "watch",
        "--from-literal=intake-token=x",
        "--from-literal=agent-token=y",
    ]);
    ready(admin, NAMESPACE, "night-midwatch");
}
