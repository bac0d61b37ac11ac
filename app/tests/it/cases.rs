//! Every folder of `evals/cases` through the product's own path: the recording is served, its alert becomes a target, the
//! evidence is collected and judged. `CASE=prefix` runs some of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use cluster::Limits;
use diagnose::class::Role;
use diagnose::collect::Prometheus;
use diagnose::{Class, Lang, Report, Target};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt};
use midwatch::alerts::Alert;
use midwatch::investigate::{Brief, investigate, prompt};
use midwatch::lookup::target;
use midwatch::prometheus::Answers;
use replay::{Recording, Replay};
use serde_json::Value;

struct Case {
    name: String,
    dir: PathBuf,
    spec: Value,
}

/// Object and class of a cause.
type Named = (String, String, String, String);

fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../evals/cases");
    let prefix = std::env::var("CASE").unwrap_or_default();
    let mut dirs: Vec<PathBuf> = fs::read_dir(root).unwrap().map(|e| e.unwrap().path()).collect();
    dirs.sort();
    let cases: Vec<Case> = dirs
        .into_iter()
        .map(|dir| {
            let text = fs::read_to_string(dir.join("case.yaml")).unwrap();
            let spec = serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
            Case { name: dir.file_name().unwrap().to_str().unwrap().to_owned(), dir, spec }
        })
        .filter(|case| case.name.starts_with(&prefix))
        .collect();
    assert!(!cases.is_empty(), "no case begins with {prefix}");
    cases
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut stack = vec![dir.to_owned()];
    while let Some(next) = stack.pop() {
        for path in fs::read_dir(next).unwrap().map(|e| e.unwrap().path()) {
            if path.is_dir() {
                stack.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

async fn report(case: &Case, extra: Option<(String, Vec<u8>)>) -> Report {
    let all = files(&case.dir.join("cluster")).into_iter().chain(extra);
    let recording = Recording::from_files(all.map(|(name, bytes)| (name, bytes.into()))).unwrap();
    assert!(recording.warnings().is_empty(), "{}: {:?}", case.name, recording.warnings());
    let now = recording.time;
    let answers = Answers::recorded(recording.metrics());
    let cluster = cluster::over(
        "case",
        Replay::new(recording).router(),
        &Limits { rate: 1000, burst: 1000, ..Limits::default() },
    );
    let alerts = case.spec["alert"]["alerts"].as_array().cloned().unwrap_or_default();
    let alerts: Vec<Alert> =
        alerts.iter().map(|a| Alert::of_labels(serde_json::from_value(a["labels"].clone()).unwrap())).collect();
    let target = target(&cluster, &alerts).await;
    let brief = Brief { target, expression: None };
    investigate(&cluster, answers.as_ref().map(|a| a as &dyn Prometheus), &brief, now).await
}

fn wanted(case: &Case) -> BTreeSet<Named> {
    let text = |v: &Value, key: &str| v[key].as_str().unwrap_or_default().to_owned();
    let causes = case.spec["expect"]["causes"].as_array().into_iter().flatten();
    causes.map(|c| (text(c, "kind"), text(c, "namespace"), text(c, "name"), text(c, "class"))).collect()
}

fn got(report: &Report) -> BTreeSet<Named> {
    let causes = report.causes.iter().map(|c| (&c.object, c.class.name().to_owned()));
    causes.map(|(o, class)| (o.kind.clone(), o.namespace.clone(), o.name.clone(), class)).collect()
}

fn json(report: &Report) -> String {
    report.json(Lang::En).to_string() + &report.json(Lang::Zh).to_string()
}

async fn check(case: Arc<Case>) -> Result<(), String> {
    let report = report(&case, None).await;
    let (wanted, got) = (wanted(&case), got(&report));
    if wanted != got {
        return Err(format!("{}: wanted {wanted:?}\n     got {got:?}\n     gaps {:?}", case.name, report.gaps));
    }
    let json = json(&report);
    for any in case.spec["expect"]["mention"].as_array().into_iter().flatten() {
        let words: Vec<&str> = any.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !words.iter().any(|w| json.contains(w)) {
            return Err(format!("{}: mentions none of {words:?}", case.name));
        }
    }
    if case.spec["expect"]["healthy"] == true && (!report.healthy || report.exit_code() != 0) {
        return Err(format!("{}: not healthy: {:?} {:?}", case.name, report.symptoms, report.gaps));
    }
    Ok(())
}

/// Runs a check on every case, a few at once, and fails with all that failed.
async fn all(check: fn(Arc<Case>) -> BoxFuture<'static, Result<(), String>>) {
    let cases: Vec<Arc<Case>> = cases().into_iter().map(Arc::new).collect();
    let count = cases.len();
    let outcomes = futures::stream::iter(cases).map(|case| tokio::spawn(check(case))).buffered(4);
    let failed: Vec<String> = outcomes.filter_map(async |outcome| outcome.unwrap().err()).collect().await;
    assert!(failed.is_empty(), "{} of {count} cases fail:\n{}", failed.len(), failed.join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_case_names_exactly_its_causes() {
    all(|case| check(case).boxed()).await;
}

/// Things that must change no verdict: events about earlier objects of the same names, broken pods in another namespace,
/// and objects whose names are nearly the same.
fn noise(case: &Case) -> (String, Vec<u8>) {
    let options = serde_saphyr::options! { strict_booleans: true };
    let mut items = Vec::new();
    for (name, bytes) in files(&case.dir.join("cluster")) {
        if !name.ends_with(".yaml") || name == "cluster.yaml" {
            continue;
        }
        let text = String::from_utf8(bytes).unwrap();
        for document in serde_saphyr::from_multiple_with_options::<Value>(&text, options.clone()).unwrap() {
            match document["items"].as_array() {
                Some(list) => items.extend(list.iter().cloned()),
                None => items.push(document),
            }
        }
    }
    let mut noise = vec![serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "noise"}})];
    for (i, pod) in items.iter().filter(|o| o["kind"] == "Pod" || o["kind"] == "PersistentVolumeClaim").enumerate() {
        let (kind, name) = (pod["kind"].as_str().unwrap(), pod["metadata"]["name"].as_str().unwrap());
        let namespace = pod["metadata"]["namespace"].as_str().unwrap_or("default");
        for (reason, message) in STALE {
            noise.push(serde_json::json!({
                "apiVersion": "v1", "kind": "Event", "type": "Warning", "reason": reason, "message": message,
                "metadata": {"name": format!("stale-{i}-{reason}"), "namespace": namespace},
                "involvedObject": {"kind": kind, "namespace": namespace, "name": name, "uid": "of-an-earlier-one"},
                "lastTimestamp": "2026-11-24T02:59:00Z", "count": 40,
            }));
        }
        noise.push(serde_json::json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "noise", "uid": format!("noise-{i}"), "creationTimestamp": "2026-11-24T01:00:00Z"},
            "spec": {"containers": [{"name": "main", "image": "registry.example.com/noise/app:1"}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}, {"type": "PodScheduled", "status": "True"}],
                "containerStatuses": [{"name": "main", "ready": false, "restartCount": 9, "image": "x", "imageID": "",
                    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}},
                    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-24T02:58:00Z"}}}]},
        }));
    }
    (
        "zz-noise.json".to_owned(),
        serde_json::to_vec(&serde_json::json!({"kind": "List", "apiVersion": "v1", "items": noise})).unwrap(),
    )
}

const STALE: &[(&str, &str)] = &[
    (
        "Failed",
        "Failed to pull image \"ghost:1\": rpc error: code = NotFound desc = failed to pull and unpack image: not found",
    ),
    ("FailedScheduling", "0/3 nodes are available: 3 Insufficient memory."),
    ("FailedMount", "MountVolume.SetUp failed for volume \"x\" : configmap \"ghost\" not found"),
    ("ProvisioningFailed", "storageclass.storage.k8s.io \"ghost\" not found"),
    ("Unhealthy", "Liveness probe failed: HTTP probe failed with statuscode: 500"),
];

async fn check_with_noise(case: Arc<Case>) -> Result<(), String> {
    let mut noisy = report(&case, Some(noise(&case))).await;
    if noisy.target == Target::Cluster {
        // asked about everything, the noise itself is a finding; it must stay the only new one
        noisy.causes.retain(|cause| cause.object.namespace != "noise");
    }
    let (wanted, got) = (wanted(&case), got(&noisy));
    if wanted == got { Ok(()) } else { Err(format!("{}: wanted {wanted:?}\n     with noise {got:?}", case.name)) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn noise_changes_no_verdict() {
    all(|case| check_with_noise(case).boxed()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_input_gives_the_same_bytes() {
    for case in cases().iter().step_by(40) {
        let first = json(&report(case, None).await);
        for _ in 0..19 {
            assert_eq!(json(&report(case, None).await), first, "{}", case.name);
        }
    }
}

/// What a model would be told of each case before it asks for anything: does it hold what the answer has to say, and how
/// long is it?
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_message_to_a_model_holds_what_must_be_said() {
    let first = async |case: Case| {
        let report = report(&case, None).await;
        let told = [Lang::En, Lang::Zh].map(|lang| {
            let messages = prompt::messages(prompt::instructions(None, lang).unwrap(), &report, lang);
            let tokens = messages.iter().map(llm::tokens::of_message).sum::<u32>();
            let texts = messages.iter().map(|message| match message {
                llm::Message::System { content } | llm::Message::User { content } => content.as_str(),
                llm::Message::Assistant { .. } | llm::Message::Tool { .. } => panic!("a run begins with a question"),
            });
            (tokens, texts.collect::<String>())
        });
        let tokens = told[0].0.max(told[1].0);
        let text = format!("{}{}", told[0].1, told[1].1);
        let facts = case.spec["expect"]["mention"].as_array().into_iter().flatten().map(|any| {
            let mut words = any.as_array().into_iter().flatten().filter_map(Value::as_str);
            (words.any(|word| text.contains(word)), format!("{}: {any}", case.name))
        });
        (tokens, facts.collect::<Vec<_>>())
    };
    let all: Vec<_> = futures::stream::iter(cases()).map(first).buffered(4).collect().await;
    let mut tokens: Vec<u32> = all.iter().map(|(tokens, _)| *tokens).collect();
    tokens.sort_unstable();
    let facts: Vec<&(bool, String)> = all.iter().flat_map(|(_, facts)| facts).collect();
    let lacking: Vec<&str> = facts.iter().filter(|(there, _)| !there).map(|(_, fact)| fact.as_str()).collect();
    let (p50, p95, most) = (tokens[tokens.len() / 2], tokens[tokens.len() * 95 / 100], tokens[tokens.len() - 1]);
    println!("{} of {} facts lack; tokens p50 {p50}, p95 {p95}, most {most}", lacking.len(), facts.len());
    assert!(lacking.len() * 50 <= facts.len(), "{lacking:#?}");
    assert!(p95 <= 6_000, "{p95} tokens");
}

#[test]
fn every_class_has_a_case_and_a_near_miss() {
    let cases = cases();
    let caused: BTreeSet<String> = cases.iter().flat_map(wanted).map(|(.., class)| class).collect();
    let missed: BTreeSet<&str> = cases.iter().filter_map(|c| c.spec["near_miss"].as_str()).collect();
    let all = Class::ALL.iter().filter(|c| c.role() == Role::Cause).map(|c| c.name());
    let lacking: Vec<(&str, &str)> = all
        .clone()
        .filter(|c| !caused.contains(*c))
        .map(|c| (c, "no case"))
        .chain(all.clone().filter(|c| !missed.contains(c)).map(|c| (c, "no near miss")))
        .collect();
    assert!(all.count() >= 60);
    assert!(lacking.is_empty(), "{} of the closed list: {lacking:?}", lacking.len());
}
