//! I3: the real program ends at each step between approval and record. Nothing runs unapproved, nothing runs twice.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use cluster::{PolicyFile, Source, Verb};
use midwatch::approvals::{Acting, Approvals, Seal, State};
use midwatch::store::{self, Store, proposals};
use serde_json::{Value, json};

use crate::approvals::{ann, bob, busy, busy_policy, furnish, limits, long, wish};
use crate::proxy::Proxy;
use crate::testbed::TestBed;

/// Where the program ends; commits are counted from its start.
const STEPS: [&str; 10] = [
    "approval-before-intent",
    "approval-after-intent",
    "approval-before-send",
    "approval-after-send",
    "approval-before-record",
    "approval-after-record",
    "after-claim:4",
    "before-commit:3",
    "after-commit:4",
    "before-commit:6",
];
const PATIENCE: Duration = Duration::from_secs(150);

fn serve(folder: &Path, crash_at: &str) -> Child {
    let errors = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
    command.arg("serve").arg("--config").arg(folder.join("midwatch.yaml"));
    command.env("HOME", folder).env("MIDWATCH_CRASH_AT", crash_at);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors).spawn().unwrap()
}

/// One change, one crash: how often it was sent, and what became of it.
async fn trial(bed: &TestBed, namespace: &str, step: &'static str, approve: bool) -> (u32, State, Value) {
    let proxy = Proxy::start(bed).await;
    let folder = tempfile::tempdir().unwrap();
    let policy = busy_policy(folder.path());
    let config = json!({"data_dir": folder.path(), "listen": "127.0.0.1:0", "log": {"level": "warn"}, "policy": policy,
        "cluster": {"server": proxy.url()}, "people": {"impersonate": true}, "approvals": {"settle_seconds": 0}});
    std::fs::write(folder.path().join("midwatch.yaml"), config.to_string()).unwrap();
    let path = folder.path().join("midwatch.db");
    let store = Store::open(&store::Settings { path, ..store::Settings::default() }).await.unwrap();
    let cluster = cluster::open(&Source::Server(proxy.url()), &limits()).unwrap();
    let policy = PolicyFile::open(Some(&policy)).unwrap();
    let seal = Seal::open(folder.path()).unwrap();
    let hub = Arc::new(Approvals::new(store.clone(), Some(cluster), policy, seal, busy(), Acting::AsPerson));
    let body = json!({"spec": {"replicas": 3}});
    let view = hub.propose(&ann(), wish(Verb::Patch, "Deployment", namespace, "web", Some(body))).await.unwrap();
    let row = proposals::by_id(store.read(), &view.id).await.unwrap().unwrap();
    if approve {
        hub.approve(&bob(), &view.id, &view.digest).await.unwrap();
    }
    let mut child = serve(folder.path(), step);
    let began = Instant::now();
    let mut crashed = false;
    let state = loop {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let state = proposals::by_seq(store.read(), row.seq).await.unwrap().unwrap().state;
        let state = State::read(&state).unwrap();
        if !crashed && child.try_wait().unwrap().is_some() {
            crashed = true;
            // the lease of the dead program is over at once
            let over = sqlx::query("UPDATE jobs SET lease_until = 0 WHERE state = 'leased'");
            let done = store.write(move |c| Box::pin(async move { Ok(over.execute(c).await.map(drop)?) })).await;
            done.unwrap();
            child = serve(folder.path(), "nowhere");
        }
        let settled = state.is_over() && crashed;
        if settled || (!approve && began.elapsed() > Duration::from_secs(8)) {
            break state;
        }
        // a step that this run never comes to
        if state.is_over() && began.elapsed() > Duration::from_secs(40) {
            break state;
        }
        let log = || std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
        assert!(began.elapsed() < PATIENCE, "{step}: still {state:?}\n{}", log());
    };
    tokio::time::sleep(Duration::from_secs(2)).await;
    child.kill().unwrap();
    child.wait().unwrap();
    let object = proxy.get(namespace, "web").await;
    store.close().await;
    (proxy.writes.load(Ordering::SeqCst), state, object)
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_survive_a_crash_at_each_step() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let bed = TestBed::start(&["--no-prometheus"]);
    let bed = &bed;
    let rounds = if long() { 50 } else { 1 };
    let (mut trials, mut written) = (0, 0);
    for round in 0..rounds {
        let one = |(index, step): (usize, &'static str)| async move {
            let namespace = format!("crash-{round}-{index}");
            furnish(bed, &namespace);
            (step, trial(bed, &namespace, step, true).await)
        };
        let all = futures::future::join_all(STEPS.into_iter().enumerate().map(one)).await;
        for (step, (writes, state, object)) in all {
            let replicas = object["spec"]["replicas"].as_i64().unwrap();
            println!("{round} {step}: {writes} writes, {state:?}, {replicas} replicas");
            assert!(writes <= 1, "{step}: sent {writes} times");
            assert_eq!(replicas == 3, writes == 1, "{step}: {state:?}");
            assert!(
                matches!(state, State::Executed | State::Resolved | State::Stale | State::Failed),
                "{step}: {state:?}"
            );
            trials += 1;
            written += writes;
        }
        // without a yes nothing is ever sent
        let namespace = format!("crash-{round}-none");
        furnish(bed, &namespace);
        let (writes, state, _) = trial(bed, &namespace, "nowhere", false).await;
        assert_eq!((writes, state), (0, State::Proposed));
    }
    println!("{trials} crashes: {written} changes were made, none twice, none without a yes");
}
