//! All live faults of the test bed at once, each diagnosed by the binary: object and class as the catalogue expects them.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::testbed::{TestBed, catalogue};

/// Faults that are not named yet, with the reason. The list may only shrink.
const KNOWN_GAPS: &[(&str, &str)] = &[];
/// From the moment at which every fault shows.
const PATIENCE: Duration = Duration::from_secs(150);

/// Object and class of a cause.
type Named = (String, String, String, String);

fn named(cause: &Value, object: &Value) -> Named {
    let text = |value: &Value, field: &str| value[field].as_str().unwrap_or_default().to_owned();
    (text(object, "kind"), text(object, "namespace"), text(object, "name"), text(cause, "class"))
}

/// `midwatch diagnose` of an object, or of a namespace; None for the whole cluster.
fn diagnose(bed: &TestBed, arguments: &[&str]) -> Vec<Named> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
    command.arg("diagnose").arg("--kubeconfig").arg(bed.reader()).args(["-o", "json"]).args(arguments);
    let done = command.output().unwrap();
    let why = String::from_utf8_lossy(&done.stderr);
    let report: Value = serde_json::from_slice(&done.stdout).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {why}"));
    report["causes"].as_array().unwrap().iter().map(|cause| named(cause, &cause["object"])).collect()
}

#[test]
fn every_live_fault_is_named() {
    let bed = TestBed::start(&["--no-prometheus"]);
    let faults = catalogue();
    bed.fault(&["all", "--patience", "4m"]);
    let everything: BTreeSet<Named> = diagnose(&bed, &[]).into_iter().collect();
    let began = Instant::now();
    let mut right = BTreeMap::new();
    let mut wrong: Vec<(&str, String)> = Vec::new();
    let mut left: Vec<&Value> = faults.iter().collect();
    // a stuck deletion is one only after a minute: what is not named yet is asked about again
    while !left.is_empty() && (right.is_empty() || began.elapsed() < PATIENCE) {
        wrong.clear();
        left.retain(|fault| {
            let name = fault["name"].as_str().unwrap();
            let expected = named(&fault["expected"], &fault["expected"]);
            let asked = asked(&expected);
            let got = diagnose(&bed, &asked.iter().map(String::as_str).collect::<Vec<_>>());
            if got.contains(&expected) {
                right.insert(name, expected);
                return false;
            }
            wrong.push((name, format!("{name}: expected {expected:?}\n    {} gives {got:?}", asked.join(" "))));
            true
        });
    }
    let classes: BTreeSet<&String> = right.values().map(|(_, _, _, class)| class).collect();
    println!("{} of {} faults named, {} classes", right.len(), faults.len(), classes.len());
    let unexpected: Vec<_> = everything.iter().filter(|cause| !right.values().any(|named| named == *cause)).collect();
    println!(
        "in one diagnosis of the whole cluster: {} named, {} beside them: {unexpected:?}",
        right.values().filter(|named| everything.contains(*named)).count(),
        unexpected.len()
    );
    for (_, line) in &wrong {
        println!("missed: {line}");
    }
    assert!(classes.len() >= 30, "only {} classes", classes.len());
    let missed: BTreeSet<&str> = wrong.iter().map(|(name, _)| *name).collect();
    let known: BTreeSet<&str> = KNOWN_GAPS.iter().map(|(name, _)| *name).collect();
    assert_eq!(missed, known, "the missed faults, and those known to be missed");
}

/// What a person would ask: the namespace; for what has none, the object itself.
fn asked((kind, namespace, name, _): &Named) -> Vec<String> {
    if namespace.is_empty() {
        return vec![format!("{}/{name}", kind.to_lowercase())];
    }
    vec!["-n".to_owned(), namespace.clone()]
}
