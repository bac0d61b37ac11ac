//! The real program under load, killed again and again: nothing that was accepted may be lost.
//!
//! A producer log (what was answered 200) and a sink log (what the pretend channel took) are compared at the end, by way
//! of the store that the program leaves behind. `TORTURE=1` is the long form of `make torture`.

use std::collections::{BTreeMap, HashSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use serde_json::json;
use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

/// The pretend channel: takes every message and writes down its id.
struct Sink {
    log: Arc<Mutex<Vec<String>>>,
    address: SocketAddr,
}

impl Sink {
    async fn start() -> Self {
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let written = log.clone();
        let take = move |headers: HeaderMap, _body: axum::body::Bytes| {
            let id = headers["webhook-id"].to_str().unwrap().to_owned();
            written.lock().unwrap().push(id);
            async { "ok" }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(take))).await });
        Self { log, address }
    }
}

/// `midwatch serve` as a child, with its own folder and port.
struct Program {
    folder: PathBuf,
    port: u16,
    child: Child,
}

impl Program {
    fn spawn(folder: &Path, port: u16, crash_at: Option<&str>) -> Self {
        let errors = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
        command.arg("serve").arg("--config").arg(folder.join("midwatch.yaml"));
        command.env("KUBECONFIG", folder.join("no-such-file")).env("HOME", folder).env_remove("MIDWATCH_CRASH_AT");
        command.env("MIDWATCH_CRASH_AT", crash_at.unwrap_or("nowhere"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors);
        Self { folder: folder.to_owned(), port, child: command.spawn().unwrap() }
    }

    /// Writes the configuration and starts for the first time.
    fn start(folder: &Path, sink: SocketAddr, digest_above: u32, crash_at: Option<&str>) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let config = json!({
            "data_dir": folder, "listen": format!("127.0.0.1:{port}"), "lang": "en", "log": {"level": "warn"},
            "channels": {"sink": {"type": "webhook", "url": format!("http://{sink}/")}},
            "incidents": {"digest_above": digest_above, "digest_above_critical": digest_above},
        });
        std::fs::write(folder.join("midwatch.yaml"), config.to_string()).unwrap();
        Self::spawn(folder, port, crash_at)
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn again(&mut self) {
        *self = Self::spawn(&self.folder, self.port, None);
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the senders did.
#[derive(Default)]
struct Producer {
    acked: Mutex<Vec<u64>>,
    times: Mutex<Vec<Duration>>,
    refused: AtomicU64,
}

/// Posts one alert until it is taken, as an Alertmanager would.
async fn send(client: &reqwest::Client, url: &str, producer: &Producer, n: u64, spread: u64) {
    let body = json!({"version": "4", "status": "firing", "alerts": [{
        "status": "firing", "startsAt": "2026-11-24T02:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
        "labels": {"alertname": "Torture", "namespace": format!("ns-{}", n % spread), "n": n.to_string(),
                   "severity": "warning"},
        "annotations": {"summary": "something is wrong with something somewhere"}}]})
    .to_string();
    loop {
        let started = Instant::now();
        match client.post(url).body(body.clone()).send().await {
            Ok(response) if response.status().as_u16() == 200 => {
                producer.times.lock().unwrap().push(started.elapsed());
                producer.acked.lock().unwrap().push(n);
                return;
            }
            Ok(response) => {
                assert_eq!(response.status().as_u16(), 503, "only 200 or 503 are answers");
                producer.refused.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {}
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn client() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap()
}

#[derive(Debug, Default)]
struct Verdict {
    acked: usize,
    /// Acked, and neither delivered nor visibly parked.
    lost: Vec<u64>,
    /// Deliveries beyond the first under the same id.
    duplicates: usize,
    messages: usize,
}

/// The id under which a message goes out, from what the store says of it.
fn delivery_id(incident: i64, revision: i64, channel: &str) -> String {
    let digest =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, format!("{incident}/{revision}/{channel}").as_bytes());
    digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Compares the logs: an alert is delivered when a message of its incident reached the sink that was written after the
/// alert had joined, or a digest that lists it; parked when such a message was given up.
async fn check(database: &Path, acked: &[u64], sink: &[String]) -> Verdict {
    let mut db = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
    let reached: HashSet<&String> = sink.iter().collect();
    let rows: Vec<(i64, i64, String, String)> =
        sqlx::query_as("SELECT incident, revision, channel, state FROM outbox").fetch_all(&mut db).await.unwrap();
    let mut told: HashSet<i64> = HashSet::new();
    let mut waiting: HashSet<i64> = HashSet::new();
    let mut digests: HashSet<i64> = HashSet::new();
    for (incident, revision, channel, state) in rows {
        let out = reached.contains(&delivery_id(incident, revision, &channel)) || state == "dead";
        match (incident, out, state.as_str()) {
            (0, true, _) => drop(digests.insert(revision)),
            (_, true, _) => drop(told.insert(incident)),
            (_, false, "queued" | "leased") => drop(waiting.insert(incident)),
            _ => {}
        }
    }
    let listed: Vec<(i64, i64)> =
        sqlx::query_as("SELECT minute, incident FROM digests").fetch_all(&mut db).await.unwrap();
    told.extend(listed.iter().filter(|(minute, _)| digests.contains(minute)).map(|(_, incident)| *incident));
    let incidents: BTreeMap<String, i64> = sqlx::query_as::<_, (String, i64)>(
        "SELECT a.labels ->> 'n', coalesce(i.merged_into, i.id) FROM alerts a
         JOIN episodes e ON e.alert = a.id JOIN incidents i ON i.id = e.incident WHERE a.labels ->> 'n' IS NOT NULL",
    )
    .fetch_all(&mut db)
    .await
    .unwrap()
    .into_iter()
    .collect();
    let safe = |n: &u64| incidents.get(&n.to_string()).is_some_and(|i| told.contains(i) && !waiting.contains(i));
    Verdict {
        acked: acked.len(),
        lost: acked.iter().filter(|n| !safe(n)).copied().collect(),
        duplicates: sink.len() - reached.len(),
        messages: sink.len(),
    }
}

/// Waits until the program has nothing left to say and to do, then stops it.
async fn drain(program: &mut Program, patience: Duration) {
    let mut db = SqliteConnectOptions::new().filename(program.folder.join("midwatch.db")).connect().await.unwrap();
    let deadline = Instant::now() + patience;
    loop {
        let left: i64 = sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM outbox WHERE state IN ('queued', 'leased'))
                  + (SELECT count(*) FROM jobs WHERE kind = 'investigate' AND state IN ('queued', 'leased'))",
        )
        .fetch_one(&mut db)
        .await
        .unwrap();
        if left == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "{left} things are not done in time\n{}", program.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    program.kill();
}

fn percentile(times: &mut [Duration], p: usize) -> Duration {
    times.sort_unstable();
    times.get(times.len() * p / 100).or(times.last()).copied().unwrap_or_default()
}

struct Campaign {
    alerts: u64,
    kills: u32,
    /// Alerts are sent evenly over this time, and the kills fall at random within it.
    over: Duration,
    /// Namespaces that the alerts are spread over; with as many as alerts, each is an incident of its own.
    spread: u64,
    digest_above: u32,
    patience: Duration,
}

async fn run(campaign: Campaign) -> (Verdict, Arc<Producer>) {
    let folder = tempfile::tempdir().unwrap();
    let sink = Sink::start().await;
    let mut program = Program::start(folder.path(), sink.address, campaign.digest_above, None);
    let (client, producer) = (client(), Arc::new(Producer::default()));
    let url = program.url("/webhooks/alertmanager");
    let pause = campaign.over / u32::try_from(campaign.alerts).unwrap();
    let load = tokio::spawn({
        let (client, producer) = (client.clone(), producer.clone());
        async move {
            let start = tokio::time::Instant::now();
            let mut sends = tokio::task::JoinSet::new();
            for n in 0..campaign.alerts {
                tokio::time::sleep_until(start + pause * u32::try_from(n).unwrap()).await;
                let (client, producer, url) = (client.clone(), producer.clone(), url.clone());
                sends.spawn(async move { send(&client, &url, &producer, n, campaign.spread).await });
            }
            while let Some(done) = sends.join_next().await {
                done.unwrap();
            }
        }
    });
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..campaign.kills {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mean = campaign.over.as_millis() as u64 / u64::from(campaign.kills);
        tokio::time::sleep(Duration::from_millis(mean / 2 + (seed >> 33) % mean.max(1))).await;
        program.kill();
        program.again();
    }
    load.await.unwrap();
    drain(&mut program, campaign.patience).await;
    let log = sink.log.lock().unwrap().clone();
    let acked = producer.acked.lock().unwrap().clone();
    (check(&folder.path().join("midwatch.db"), &acked, &log).await, producer)
}

#[tokio::test(flavor = "multi_thread")]
async fn torture_kills_at_random_moments_lose_nothing() {
    let long = std::env::var_os("TORTURE").is_some();
    let campaign = if long {
        Campaign {
            alerts: 50_000,
            kills: 200,
            over: Duration::from_secs(300),
            spread: 2_000,
            digest_above: 6,
            patience: Duration::from_secs(1_800),
        }
    } else {
        Campaign {
            alerts: 300,
            kills: 6,
            over: Duration::from_secs(6),
            spread: 300,
            digest_above: 100_000,
            patience: Duration::from_secs(90),
        }
    };
    let (kills, alerts) = (campaign.kills, campaign.alerts);
    let (verdict, producer) = run(campaign).await;
    let times = &mut *producer.times.lock().unwrap();
    println!(
        "{} acked, {} lost, {} messages, {} duplicates, {kills} kills, {} times 503, answer p50 {:?} p99 {:?}",
        verdict.acked,
        verdict.lost.len(),
        verdict.messages,
        verdict.duplicates,
        producer.refused.load(Ordering::Relaxed),
        percentile(times, 50),
        percentile(times, 99),
    );
    assert_eq!(verdict.acked as u64, alerts);
    assert!(verdict.lost.is_empty(), "{verdict:?}");
    // One channel has one sender, so a crash can double at most the message that was under way.
    assert!(verdict.duplicates <= kills as usize, "{verdict:?}");
}

/// Needs the feature `failpoints` in the program under test.
#[cfg(feature = "failpoints")]
#[tokio::test(flavor = "multi_thread")]
async fn torture_a_crash_at_each_step_loses_nothing() {
    const STEPS: [&str; 9] = [
        "before-parse",
        "after-parse",
        "before-insert",
        "before-commit:3",
        "after-commit:3",
        "before-ack",
        "after-claim",
        "after_claim_outbox",
        "after_send",
    ];
    // side by side: most of the time is a lease of the dead process running out
    futures::future::join_all(STEPS.map(crash)).await;
}

#[cfg(feature = "failpoints")]
async fn crash(step: &'static str) {
    let (client, sink) = (client(), Sink::start().await);
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start(folder.path(), sink.address, 100_000, Some(step));
    let producer = Arc::new(Producer::default());
    let url = program.url("/webhooks/alertmanager");
    let sends: Vec<_> = (0..5)
        .map(|n| {
            let (client, producer, url) = (client.clone(), producer.clone(), url.clone());
            tokio::spawn(async move { send(&client, &url, &producer, n, 5).await })
        })
        .collect();
    let crashed = tokio::time::timeout(Duration::from_secs(60), async {
        while program.child.try_wait().unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(crashed.await.is_ok(), "{step} was never reached\n{}", program.log());
    program.again();
    for done in sends {
        done.await.unwrap();
    }
    drain(&mut program, Duration::from_secs(90)).await;
    let acked = producer.acked.lock().unwrap().clone();
    let log = sink.log.lock().unwrap().clone();
    let verdict = check(&folder.path().join("midwatch.db"), &acked, &log).await;
    assert_eq!((verdict.acked, verdict.lost.len()), (5, 0), "{step}: {verdict:?}");
    let may_double = usize::from(step == "after_send" || step == "after_claim_outbox");
    assert!(verdict.duplicates <= may_double, "{step}: {verdict:?}");
}
