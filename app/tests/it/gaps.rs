//! An API server that is slow, limits, refuses, breaks off or is gone: the report goes out in time, says what was not seen,
//! and calls nothing absent that was only not read.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use cluster::{Limits, Source};
use diagnose::{Class, ObjectRef, Report, Target};
use futures::StreamExt as _;
use midwatch::investigate::{Brief, investigate};
use replay::{Recording, Replay};
use serde_json::{Value, json};

/// The bound is 3 s; the rest is for a busy machine.
const IN_TIME: Duration = Duration::from_secs(10);

fn seed() -> (Recording, Target) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../evals/cases/seed-claim-too-small/cluster");
    (Recording::load(&dir).unwrap(), Target::Object(ObjectRef::new("PersistentVolumeClaim", "aiops", "test-data")))
}

/// What goes wrong with a request; None lets it through.
type Trouble = Arc<dyn Fn(&Request) -> Option<Fault> + Send + Sync>;

enum Fault {
    Wait(Duration),
    Answer(Response),
}

/// Serves the recording on loopback behind the trouble, and asks for a diagnosis.
async fn diagnosis(recording: Recording, target: Target, trouble: Trouble) -> Report {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let now = recording.time;
    let router = Replay::new(recording).router().layer(from_fn(move |request: Request, next: Next| {
        let fault = trouble(&request);
        async move {
            match fault {
                Some(Fault::Answer(response)) => return response,
                Some(Fault::Wait(pause)) => tokio::time::sleep(pause).await,
                None => {}
            }
            next.run(request).await
        }
    }));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, router).await });
    let limits = Limits { rate: 1_000, burst: 1_000, ..Limits::default() };
    let cluster = cluster::open(&Source::Server(url), &limits).unwrap();
    let began = Instant::now();
    let report = investigate(&cluster, None, &Brief { target, expression: None }, now).await;
    assert!(began.elapsed() < IN_TIME, "the report took {:?}", began.elapsed());
    server.abort();
    report
}

fn refuse(code: StatusCode, reason: &str, message: &str) -> Response {
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code.as_u16(),
        "reason": reason, "message": message});
    (code, axum::Json(status)).into_response()
}

fn named(report: &Report) -> BTreeSet<(String, Class)> {
    report.causes.iter().map(|cause| (cause.object.to_string(), cause.class)).collect()
}

fn gap(report: &Report, what: &str, why: &str) -> bool {
    report.gaps.iter().any(|gap| gap.what.to_lowercase().contains(what) && gap.why.contains(why))
}

/// True for a request of this resource, whatever the group and version.
fn of(request: &Request, resource: &str) -> bool {
    request.uri().path().split('/').any(|part| part == resource)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_trouble_there_is_no_gap() {
    let (recording, target) = seed();
    let report = diagnosis(recording, target, Arc::new(|_| None)).await;
    assert_eq!(report.gaps, []);
    assert_eq!(report.causes[0].class, Class::VolumeSizeBelowMinimum);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_answers_late() {
    let (recording, target) = seed();
    let report = diagnosis(recording, target, Arc::new(|_| Some(Fault::Wait(Duration::from_secs(60))))).await;
    assert!(gap(&report, "persistentvolumeclaim", "not answered before"), "{:?}", report.gaps);
    assert!(report.causes.is_empty() && !report.healthy && report.exit_code() == 2, "{:?}", report.causes);

    let (recording, target) = seed();
    let events_hang = |request: &Request| of(request, "events").then_some(Fault::Wait(Duration::from_secs(60)));
    let report = diagnosis(recording, target, Arc::new(events_hang)).await;
    assert!(gap(&report, "events", "not answered before"), "{:?}", report.gaps);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_limits_is_asked_again_when_it_says() {
    let (recording, target) = seed();
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let limits_at_first = move |_: &Request| {
        let first = count.fetch_add(1, Ordering::SeqCst) < 4;
        first.then(|| {
            let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", "please try again later");
            response.headers_mut().insert(header::RETRY_AFTER, "1".parse().unwrap());
            Fault::Answer(response)
        })
    };
    let report = diagnosis(recording, target, Arc::new(limits_at_first)).await;
    assert_eq!(report.gaps, []);
    assert_eq!(report.causes[0].class, Class::VolumeSizeBelowMinimum);

    let (recording, target) = seed();
    let always = |_: &Request| {
        let mut response = refuse(StatusCode::TOO_MANY_REQUESTS, "TooManyRequests", "please try again later");
        response.headers_mut().insert(header::RETRY_AFTER, "30".parse().unwrap());
        Some(Fault::Answer(response))
    };
    let report = diagnosis(recording, target, Arc::new(always)).await;
    assert!(gap(&report, "persistentvolumeclaim", ""), "{:?}", report.gaps);
    assert!(report.causes.is_empty() && !report.healthy, "{:?}", report.causes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_api_group_hides_only_itself() {
    let (recording, target) = seed();
    let broken = |request: &Request| {
        let answer = || refuse(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", "service unavailable");
        request.uri().path().starts_with("/apis/storage.k8s.io").then(|| Fault::Answer(answer()))
    };
    let report = diagnosis(recording, target, Arc::new(broken)).await;
    assert!(gap(&report, "storageclass", "503"), "{:?}", report.gaps);
    assert_eq!(report.causes[0].class, Class::VolumeSizeBelowMinimum, "the event says it without the class");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (recording, target) = seed();
    let url = format!("http://{}", crate::testbed::free_address());
    let cluster = cluster::open(&Source::Server(url), &Limits::default()).unwrap();
    let began = Instant::now();
    let report = investigate(&cluster, None, &Brief { target, expression: None }, recording.time).await;
    assert!(began.elapsed() < IN_TIME);
    assert!(gap(&report, "persistentvolumeclaim", ""), "{:?}", report.gaps);
    assert!(report.causes.is_empty() && !report.healthy && report.exit_code() == 2, "{:?}", report.causes);
}

/// A namespace with more pods than a page holds.
fn crowd() -> Recording {
    let pod = |name: String, status: Value| {
        json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "shop", "uid": name, "creationTimestamp": "2026-11-24T02:00:00Z"},
            "spec": {"containers": [{"name": "main", "image": "registry.example.com/app:1"}],
                "volumes": [{"name": "settings", "configMap": {"name": "settings"}}]},
            "status": status})
    };
    let well = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    let settings =
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"}});
    let pods: Vec<Value> = (0..400).map(|n| pod(format!("web-{n}"), well.clone())).chain([settings]).collect();
    let items = json!({"apiVersion": "v1", "kind": "List", "items": pods});
    Recording::from_files([("objects/all.json".to_owned(), items.to_string().into_bytes().into())]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_expires_while_it_is_read() {
    let shop = || Target::Object(ObjectRef::new("Pod", "shop", "web-7"));
    let expired = |times: usize| {
        let seen = AtomicUsize::new(0);
        move |request: &Request| {
            let goes_on = request.uri().query().is_some_and(|query| query.contains("continue="));
            let hit = goes_on && of(request, "pods") && seen.fetch_add(1, Ordering::SeqCst) < times;
            let text = "The provided continue parameter is too old to display a consistent list result.";
            hit.then(|| Fault::Answer(refuse(StatusCode::GONE, "Expired", text)))
        }
    };
    let once = diagnosis(crowd(), shop(), Arc::new(expired(1))).await;
    assert_eq!(once.gaps, [], "it was read again from the start");
    let always = diagnosis(crowd(), shop(), Arc::new(expired(usize::MAX))).await;
    assert!(gap(&always, "pods", "expired"), "{:?}", always.gaps);
}

/// Classes that say of something that it is not there.
fn says_absent(class: Class) -> bool {
    let name = class.name();
    ["not_found", "missing", "_gone"].iter().any(|word| name.contains(word)) || class == Class::NoNodes
}

/// Recorded cases with parts of the API failing: what is called absent now must be what was called so when everything could
/// be read. Every fourth case; all of them with `TORTURE=1`.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_read_is_not_absent() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../evals/cases");
    let mut dirs: Vec<PathBuf> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    dirs.sort();
    let step = if std::env::var_os("TORTURE").is_some() { 1 } else { 4 };
    let checks = dirs.into_iter().step_by(step).map(|dir| async move {
        let load = || Recording::load(&dir.join("cluster")).unwrap();
        let whole = diagnosis(load(), Target::Cluster, Arc::new(|_| None)).await;
        let symptoms = whole.symptoms.iter().map(|symptom| (symptom.object.to_string(), symptom.class));
        let known: BTreeSet<(String, Class)> = symptoms.chain(named(&whole)).collect();
        let troubles: [Trouble; 2] = [Arc::new(forbidden), Arc::new(half)];
        for trouble in troubles {
            let partly = diagnosis(load(), Target::Cluster, trouble).await;
            assert!(!partly.gaps.is_empty(), "{}: no gap", dir.display());
            let new: Vec<_> =
                named(&partly).into_iter().filter(|it| says_absent(it.1) && !known.contains(it)).collect();
            assert!(new.is_empty(), "{}: called absent though it was only not read: {new:?}", dir.display());
        }
    });
    let done = futures::stream::iter(checks).buffer_unordered(2).collect::<Vec<()>>().await;
    println!("{} cases, each with two troubles", done.len());
    assert!(done.len() > 50);
}

/// An account that may not read what pods refer to.
fn forbidden(request: &Request) -> Option<Fault> {
    let hidden =
        ["configmaps", "secrets", "services", "serviceaccounts", "persistentvolumeclaims", "storageclasses", "nodes"];
    let resource = hidden.into_iter().find(|resource| of(request, resource))?;
    let text = format!("{resource} is forbidden: User \"midwatch\" cannot list resource \"{resource}\"");
    Some(Fault::Answer(refuse(StatusCode::FORBIDDEN, "Forbidden", &text)))
}

/// Half of all paths give 500, always the same half.
fn half(request: &Request) -> Option<Fault> {
    let mut hasher = DefaultHasher::new();
    request.uri().path().hash(&mut hasher);
    let answer = || refuse(StatusCode::INTERNAL_SERVER_ERROR, "InternalError", "etcdserver: request timed out");
    hasher.finish().is_multiple_of(2).then(|| Fault::Answer(answer()))
}
