//! Every folder of `evals/cases` is a test: its cluster is judged and the causes must be exactly those it expects.
//! `CASE=prefix` runs some of them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use diagnose::collect::samples;
use diagnose::event::Event;
use diagnose::evidence::Log;
use diagnose::{Evidence, Object, ObjectRef, Report, Target};
use jiff::Timestamp;
use serde_json::Value;

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.map(|e| e.unwrap().path()) {
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
    found.sort();
}

fn yaml(path: &Path) -> Vec<Value> {
    let options = serde_saphyr::options! { strict_booleans: true };
    let text = fs::read_to_string(path).unwrap();
    serde_saphyr::from_multiple_with_options(&text, options).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn flatten(value: Value, into: &mut Vec<Value>) {
    match value.get("items").and_then(Value::as_array) {
        Some(items) => items.iter().for_each(|item| flatten(item.clone(), into)),
        None => into.push(value),
    }
}

fn load(cluster: &Path, target: Target) -> Evidence {
    let mut found = Vec::new();
    files(cluster, &mut found);
    let mut values = Vec::new();
    let mut logs = Vec::new();
    let mut metrics = Vec::new();
    let mut version = String::new();
    let mut now: Option<Timestamp> = None;
    for path in &found {
        let rest: Vec<&str> = path.strip_prefix(cluster).unwrap().iter().map(|p| p.to_str().unwrap()).collect();
        match rest.as_slice() {
            ["cluster.yaml"] => {
                let about = yaml(path).remove(0);
                now = about["time"].as_str().map(|t| t.parse().unwrap());
                version = about["version"].as_str().unwrap_or_default().to_owned();
            }
            ["metrics.json"] => {
                let recorded: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
                let answers = recorded.as_object().unwrap().iter();
                metrics.extend(answers.map(|(query, answer)| samples(query.clone(), answer)));
            }
            ["logs", namespace, pod, file] => {
                let name = file.strip_suffix(".log").unwrap();
                let (container, previous) = name.strip_suffix(".previous").map_or((name, false), |n| (n, true));
                let pod = ObjectRef::new("Pod", namespace, pod);
                logs.push(Log {
                    pod,
                    container: container.to_owned(),
                    previous,
                    text: fs::read_to_string(path).unwrap(),
                });
            }
            _ => yaml(path).into_iter().for_each(|value| flatten(value, &mut values)),
        }
    }
    let mut evidence = Evidence::new(now.unwrap_or("2026-11-24T03:00:00Z".parse().unwrap()), target);
    diagnose::kinds::KINDS.iter().for_each(|kind| evidence.set_listed(kind.name, ""));
    let (events, objects): (Vec<Value>, Vec<Value>) = values.into_iter().partition(|v| v["kind"] == "Event");
    objects.into_iter().filter_map(Object::new).for_each(|object| evidence.insert(object));
    events.iter().filter_map(Event::new).for_each(|event| evidence.insert_event(event));
    evidence.logs = logs;
    evidence.metrics = metrics;
    evidence.version = version;
    evidence
}

/// The object that an alert's labels name, most specific first.
fn target(case: &Value) -> Target {
    let labels = &case["alert"]["alerts"][0]["labels"];
    let namespace = labels["namespace"].as_str().unwrap_or_default();
    for (label, kind) in [
        ("persistentvolumeclaim", "PersistentVolumeClaim"),
        ("deployment", "Deployment"),
        ("statefulset", "StatefulSet"),
        ("daemonset", "DaemonSet"),
        ("job_name", "Job"),
        ("cronjob", "CronJob"),
        ("horizontalpodautoscaler", "HorizontalPodAutoscaler"),
        ("poddisruptionbudget", "PodDisruptionBudget"),
        ("pod", "Pod"),
        ("ingress", "Ingress"),
        ("service", "Service"),
        ("node", "Node"),
    ] {
        if let Some(name) = labels[label].as_str() {
            let namespace = if kind == "Node" { "" } else { namespace };
            return Target::Object(ObjectRef::new(kind, namespace, name));
        }
    }
    if namespace.is_empty() { Target::Cluster } else { Target::Namespace(namespace.to_owned()) }
}

fn check(case_dir: &Path) -> Result<BTreeSet<&'static str>, String> {
    let case = yaml(&case_dir.join("case.yaml")).remove(0);
    let report = Report::of(&load(&case_dir.join("cluster"), target(&case)));
    let name = |v: &Value, key: &str| v[key].as_str().unwrap_or_default().to_owned();
    let wanted: BTreeSet<_> = (case["expect"]["causes"].as_array().into_iter().flatten())
        .map(|c| (name(c, "kind"), name(c, "namespace"), name(c, "name"), name(c, "class")))
        .collect();
    let got: BTreeSet<_> = (report.causes.iter())
        .map(|c| (c.object.kind.clone(), c.object.namespace.clone(), c.object.name.clone(), c.class.name().to_owned()))
        .collect();
    let json = report.json(diagnose::Lang::En).to_string() + &report.json(diagnose::Lang::Zh).to_string();
    if got != wanted {
        return Err(format!("wanted {wanted:?}\n     got {got:?}\n     {json}"));
    }
    for any in case["expect"]["mention"].as_array().into_iter().flatten() {
        let words: Vec<&str> = any.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !words.iter().any(|w| json.contains(w)) {
            return Err(format!("mentions none of {words:?}: {json}"));
        }
    }
    if case["expect"]["healthy"] == true && !report.healthy {
        return Err(format!("not healthy: {json}"));
    }
    Ok(report.causes.iter().map(|c| c.class.name()).collect())
}

#[test]
fn every_case_names_its_causes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../evals/cases");
    let prefix = std::env::var("CASE").unwrap_or_default();
    let mut dirs: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|e| e.unwrap().path()).collect();
    dirs.retain(|d| d.file_name().unwrap().to_str().unwrap().starts_with(&prefix));
    dirs.sort();
    assert!(!dirs.is_empty());
    let failed: Vec<String> = dirs
        .iter()
        .filter_map(|dir| check(dir).err().map(|why| format!("{}: {why}", dir.file_name().unwrap().to_str().unwrap())))
        .collect();
    assert!(failed.is_empty(), "{} of {} cases fail:\n{}", failed.len(), dirs.len(), failed.join("\n"));
}
