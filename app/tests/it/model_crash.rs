//! A run with a model that is killed at every step: it goes on where it was, and one message says in the end what it found.
//!
//! `TORTURE=1` adds 200 kills at random moments.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures::StreamExt as _;
use llm::pretend::{Model, Turn};
use notify::pretend::{Pretend, feishu::Feishu};
use serde_json::{Value, json};
use sqlx::ConnectOptions as _;

use crate::approvals::long;
use crate::cli::case;
use crate::faultfs::Random;
use crate::program::{Program, client};
use crate::verdict::end_leases;

/// Steps of a run in which the model announces, calls, and answers; `sent:N` is the moment when it has its N-th request.
const DILIGENT: [&str; 32] = [
    "run-begun",
    "before-asked",
    "after-asked",
    "sent:1",
    "before-replied",
    "after-replied",
    "before-nudged",
    "after-nudged",
    "before-asked:2",
    "after-asked:2",
    "sent:2",
    "before-replied:2",
    "after-replied:2",
    "before-calling",
    "after-calling",
    "before-called",
    "after-called",
    "before-asked:3",
    "after-asked:3",
    "sent:3",
    "before-replied:3",
    "after-replied:3",
    "before-ended",
    "after-ended",
    "before-words",
    "within-words",
    "after-words",
    // the third message is the revision with the model's words
    "after_claim_outbox:3",
    "before_send:3",
    "after_send:3",
    "after_record:3",
    "after_record:2",
];
/// ... and of one in which it has to be told to sum up.
const STUBBORN: [&str; 4] = ["before-wrapped_up", "after-wrapped_up", "sent:5", "before-replied:5"];
/// Restarts of one run; a job is given up after eight attempts.
const KILLS: u32 = 5;
const PATIENCE: Duration = Duration::from_secs(120);

/// Kills what it is told of at its N-th request.
#[derive(Clone, Default)]
struct Killer {
    process: Arc<AtomicU32>,
    at: Arc<AtomicU32>,
}

impl Killer {
    fn heard(&self) {
        if self.at.load(Ordering::SeqCst) == 0 || self.at.fetch_sub(1, Ordering::SeqCst) != 1 {
            return;
        }
        let process = self.process.load(Ordering::SeqCst).to_string();
        assert!(std::process::Command::new("kill").args(["-9", &process]).status().unwrap().success());
    }
}

fn said(body: &Value, role: &str) -> usize {
    body["messages"].as_array().unwrap().iter().filter(|message| message["role"] == role).count()
}

fn answer() -> Turn {
    let claim =
        json!({"text": "The provisioner refuses a disk of 5Gi.", "evidence": ["E1"], "quote": "disk size is invalid"});
    Turn::text(json!({"overview": claim, "claims": [claim], "suggestions": []}).to_string())
}

/// What it does follows from the conversation alone, so a run that goes on finds the same model.
fn diligent(body: &Value) -> Turn {
    match said(body, "assistant") {
        0 => Turn::text("Let me check the pods."),
        1 => Turn::call("pods_list_in_namespace", json!({"namespace": "aiops"})),
        _ => answer(),
    }
}

fn stubborn(body: &Value) -> Turn {
    if said(body, "assistant") < 4 { Turn::text("Let me check the pods.") } else { answer() }
}

/// One alert and its program.
struct Scene {
    folder: tempfile::TempDir,
    program: Program,
    group: Pretend<Feishu>,
    model: Model,
    killer: Killer,
}

impl Scene {
    /// Starts the program that ends at `step`, and gives it the alert.
    async fn start(server: &str, act: fn(&Value) -> Turn, step: &str, pace: Option<u32>) -> Self {
        let killer = Killer::default();
        let own = killer.clone();
        let model = Model::acting(move |body| {
            own.heard();
            let turn = act(body);
            pace.map_or(turn.clone(), |pace| turn.rate(pace))
        });
        let model = model.await.unwrap();
        let group = Pretend::start(Feishu::new("group", None)).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let settings = json!({
            "cluster": {"server": server}, "model": "always",
            "models": [{"name": "m", "url": model.url, "model": "m", "deadline_s": 60}],
            "channels": {"app": {"type": "feishu_app", "app_id": "cli_midwatch", "app_secret": "app-secret",
                                 "receive_id": "oc_1", "base_url": group.url("")}},
        });
        let (step, at) = step.strip_prefix("sent:").map_or((step, 0), |n| ("nowhere", n.parse().unwrap()));
        killer.at.store(at, Ordering::SeqCst);
        let program = Program::start_with(folder.path(), settings, Some(step));
        killer.process.store(program.child.id(), Ordering::SeqCst);
        let scene = Self { folder, program, group, model, killer };
        scene.alert().await;
        scene
    }

    async fn alert(&self) {
        let alert = json!({"version": "4", "status": "firing", "alerts": [{
            "status": "firing", "startsAt": "2026-11-24T02:55:00Z", "endsAt": "0001-01-01T00:00:00Z",
            "labels": {"alertname": "KubePodNotReady", "namespace": "aiops", "pod": "test-deployment-6db6fb878d-mgzzn",
                       "severity": "warning"},
            "annotations": {"summary": "the pod is not ready"}}]});
        let (client, url) = (client(), self.program.url("/webhooks/alertmanager"));
        let began = Instant::now();
        while !client.post(&url).json(&alert).send().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(began.elapsed() < PATIENCE, "the alert is not taken\n{}", self.program.log());
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    async fn crashed(&mut self, step: &str) {
        let began = Instant::now();
        while self.program.child.try_wait().unwrap().is_none() {
            assert!(began.elapsed() < PATIENCE, "{step} was never reached\n{}", self.program.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Starts it anew, with nobody waiting for the leases of the dead one.
    async fn again(&mut self) {
        end_leases(&self.folder.path().join("midwatch.db")).await;
        self.program.again();
        self.killer.process.store(self.program.child.id(), Ordering::SeqCst);
    }

    /// Waits for the end of all work, and judges it.
    async fn judge(&self, step: &str) {
        let database = self.folder.path().join("midwatch.db");
        let mut db = sqlx::sqlite::SqliteConnectOptions::new().filename(database).connect().await.unwrap();
        let began = Instant::now();
        loop {
            let left: i64 = sqlx::query_scalar(
                "SELECT (SELECT count(*) FROM outbox WHERE state IN ('queued', 'leased'))
                      + (SELECT count(*) FROM jobs WHERE kind IN ('investigate', 'word') AND state IN ('queued', 'leased'))
                      + (SELECT count(*) = 0 FROM outbox WHERE kind = 'diagnosis')",
            )
            .fetch_one(&mut db)
            .await
            .unwrap();
            if left == 0 {
                break;
            }
            assert!(began.elapsed() < PATIENCE, "{step}: {left} things are left to do\n{}", self.program.log());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let runs: Vec<(String, String)> =
            sqlx::query_as("SELECT id, state FROM runs ORDER BY revision DESC").fetch_all(&mut db).await.unwrap();
        let messages = self.group.with(|feishu| feishu.messages.clone());
        let [message] = messages.as_slice() else { panic!("{step}: {} messages", messages.len()) };
        let (last, mut forms) = (message.text(), message.history.clone());
        for part in ["aiops/test-data", "5Gi", "10Gi"] {
            assert!(last.contains(part), "{step}: {part} is not in {last}");
        }
        assert!(last.contains("The provisioner refuses a disk of 5Gi."), "{step}: {last}");
        // a kill between a report and the end of its job makes the same report again, and a run of its own
        let [(_, last_run), earlier @ ..] = runs.as_slice() else { panic!("{step}: no run") };
        assert_eq!(last_run, "ended", "{step}: {runs:?}");
        assert!(earlier.iter().all(|(_, state)| state == "superseded"), "{step}: {runs:?}");
        // a try whose outcome was not written down is made again, and says the same
        forms.dedup();
        let with_words = forms.iter().filter(|form| form.to_string().contains("refuses a disk of 5Gi.")).count();
        assert!(with_words <= 1, "{step}: the words were told {with_words} times");
        assert_eq!(self.model.violations(), Vec::<String>::new(), "{step}");
    }
}

async fn recorded() -> String {
    let recording = replay::Recording::load(&case("seed-claim-too-small").join("cluster")).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, replay::Replay::new(recording).router()).await });
    server
}

async fn crash(server: &str, step: &str, act: fn(&Value) -> Turn) {
    let mut scene = Scene::start(server, act, step, None).await;
    scene.crashed(step).await;
    scene.again().await;
    scene.judge(step).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn model_crash_at_each_step_ends_in_one_message() {
    let server = &recorded().await;
    let steps = DILIGENT.map(|step| (step, diligent as fn(&Value) -> Turn)).into_iter();
    let steps = steps.chain(STUBBORN.map(|step| (step, stubborn as fn(&Value) -> Turn)));
    // half of the time is waiting for the program to come up
    futures::stream::iter(steps).for_each_concurrent(8, |(step, act)| crash(server, step, act)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn model_crash_at_random_moments_ends_in_one_message() {
    let scenes: u64 = if long() { 40 } else { 2 };
    let server = &recorded().await;
    let one = async |seed: u64| {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (seed << 17));
        // some 60 tokens in three rounds: most kills fall while the model speaks
        let mut scene = Scene::start(server, diligent, "nowhere", Some(40)).await;
        let mut kills = 0;
        for _ in 0..KILLS {
            tokio::time::sleep(Duration::from_millis(random.next() % 1_500)).await;
            scene.program.kill();
            kills += 1;
            scene.again().await;
        }
        scene.judge(&format!("scene {seed}")).await;
        (kills, scene.model.requests().len())
    };
    let began = Instant::now();
    let done: Vec<(u32, usize)> = futures::stream::iter(0..scenes).map(one).buffer_unordered(4).collect().await;
    let kills: u32 = done.iter().map(|(kills, _)| kills).sum();
    let requests: usize = done.iter().map(|(_, requests)| requests).sum();
    println!(
        "kill -9 at random moments of {scenes} runs: {kills} kills, {requests} requests to the model, one message each, \
         all with the model's words, {:.0} s",
        began.elapsed().as_secs_f64()
    );
}
