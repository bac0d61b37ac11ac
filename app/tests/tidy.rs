//! The house rules that no lint knows: edges between crates, file sizes, first lines, paths in the guides, generated files.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop there")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file that git tracks or would track, by its path from the root.
fn sources() -> Vec<String> {
    let out = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    assert!(out.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&out.stderr));
    let text = String::from_utf8(out.stdout).unwrap();
    text.lines().filter(|f| root().join(f).is_file()).map(str::to_owned).collect()
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// Normal dependencies between our own crates. A new edge is a decision: change it here and say why in docs/decisions.
const EDGES: &[(&str, &[&str])] = &[
    ("agent", &["llm"]),
    ("cluster", &[]),
    ("diagnose", &[]),
    ("llm", &[]),
    ("midwatch", &["agent", "cluster", "diagnose", "llm", "notify", "redact", "replay", "tools"]),
    ("notify", &[]),
    ("redact", &[]),
    ("replay", &[]),
    ("tools", &["cluster", "diagnose", "redact"]),
];

#[test]
fn edges_match_the_list() {
    let out = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(out.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&out.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let names: BTreeSet<&str> = packages.iter().map(|p| p["name"].as_str().unwrap()).collect();
    let edges: BTreeMap<&str, BTreeSet<&str>> = packages
        .iter()
        .map(|p| {
            let normal = p["dependencies"].as_array().unwrap().iter().filter(|d| d["kind"].is_null());
            let ours = normal.map(|d| d["name"].as_str().unwrap()).filter(|d| names.contains(d));
            (p["name"].as_str().unwrap(), ours.collect())
        })
        .collect();
    let wanted: BTreeMap<&str, BTreeSet<&str>> =
        EDGES.iter().map(|(n, to)| (*n, to.iter().copied().collect())).collect();
    assert_eq!(edges, wanted);
}

#[test]
fn no_file_is_over_500_lines() {
    let code = [".rs", ".go", ".py", ".ts", ".tsx", ".sh", ".mjs"];
    let long: Vec<String> = sources()
        .into_iter()
        .filter(|f| code.iter().any(|end| f.ends_with(end)))
        .filter_map(|f| {
            let lines = read(&f).lines().count();
            (lines > 500).then(|| format!("{f}: {lines} lines"))
        })
        .collect();
    assert!(long.is_empty(), "a file this long has more than one purpose: {long:#?}");
}

#[test]
fn every_rust_file_says_what_it_is() {
    let silent: Vec<String> =
        sources().into_iter().filter(|f| f.ends_with(".rs") && !read(f).starts_with("//!")).collect();
    assert!(silent.is_empty(), "these files do not start with //!: {silent:#?}");
}

/// A permit lets one request through the gate; only the place that has just checked an approval may make one.
#[test]
fn only_the_execution_of_an_approval_makes_a_permit() {
    let makers: Vec<String> = sources()
        .into_iter()
        .filter(|f| f.ends_with(".rs") && f.contains("/src/") && read(f).contains("Permit::new("))
        .collect();
    assert_eq!(makers, ["app/src/approvals/execute.rs"]);
}

#[test]
fn paths_in_the_guides_exist() {
    let files = sources();
    let mut missing = Vec::new();
    for guide in files.iter().filter(|f| f.ends_with(".md") && !f.starts_with("evals/")) {
        let text = read(guide);
        for word in text.split('`').skip(1).step_by(2) {
            let starts = ["crates/", "app/", "docs/", "testbed/", "evals/", "deploy/", ".ci/"];
            let is_path = starts.iter().any(|s| word.starts_with(s)) && !word.contains(['<', '*', ' ', '{', '$']);
            let path = word.split(':').next().unwrap().trim_end_matches('/');
            if is_path && !root().join(path).exists() {
                missing.push(format!("{guide}: {word}"));
            }
        }
    }
    assert!(missing.is_empty(), "the guides name files that do not exist: {missing:#?}");
}

/// Compares a generated file with what it should be; `UPDATE=1` (make gen) writes it.
fn generated(file: &str, wanted: &str) {
    if std::env::var_os("UPDATE").is_some() {
        fs::write(root().join(file), wanted).unwrap();
    }
    let found = fs::read_to_string(root().join(file)).unwrap_or_default();
    assert!(found == wanted, "{file} is not current: run `make gen`");
}

#[test]
fn generated_causes_doc_is_current() {
    generated("docs/causes.md", &diagnose::causes_doc());
}

#[test]
fn generated_policy_schema_is_current() {
    generated("docs/policy.schema.json", &cluster::Policy::schema());
}

#[test]
fn generated_schema_is_current() {
    generated("docs/midwatch.schema.json", &midwatch::config::schema());
}

#[test]
fn generated_rights_are_current() {
    midwatch::doctor::manifest::files().iter().for_each(|(file, wanted)| generated(file, wanted));
}
