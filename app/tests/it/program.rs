//! The real program as a child of a test, what is sent to it, and what it sends.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::post;
use serde_json::{Value, json};

use crate::faultfs::Disk;

/// The pretend channel: takes every message and writes down its id.
pub struct Sink {
    pub log: Arc<Mutex<Vec<String>>>,
    pub address: SocketAddr,
}

impl Sink {
    pub async fn start() -> Self {
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
pub struct Program {
    pub folder: PathBuf,
    port: u16,
    pub child: Child,
    /// What it writes to, when that is not simply the machine's disk.
    disk: Option<Arc<Disk>>,
}

impl Program {
    fn spawn(folder: &Path, port: u16, crash_at: Option<&str>, disk: Option<Arc<Disk>>) -> Self {
        let errors = std::fs::OpenOptions::new().create(true).append(true).open(folder.join("log")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
        command.arg("serve").arg("--config").arg(folder.join("midwatch.yaml"));
        command.env("KUBECONFIG", folder.join("no-such-file")).env("HOME", folder).env_remove("MIDWATCH_CRASH_AT");
        command.env("MIDWATCH_CRASH_AT", crash_at.unwrap_or("nowhere"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(errors);
        if let Some(disk) = &disk {
            disk.under(&mut command);
        }
        Self { folder: folder.to_owned(), port, child: command.spawn().unwrap(), disk }
    }

    /// Writes the configuration and starts for the first time.
    pub fn start(folder: &Path, sink: SocketAddr, digest_above: u32, crash_at: Option<&str>) -> Self {
        let port = configure(folder, sink, digest_above);
        Self::spawn(folder, port, crash_at, None)
    }

    /// The same with other settings; those that every one of these needs are added.
    pub fn start_with(folder: &Path, settings: Value, crash_at: Option<&str>) -> Self {
        let port = write(folder, settings);
        Self::spawn(folder, port, crash_at, None)
    }

    /// The same on a disk that can fail.
    pub fn start_on(disk: Arc<Disk>, folder: &Path, sink: SocketAddr) -> Self {
        let port = configure(folder, sink, 100_000);
        Self::spawn(folder, port, None, Some(disk))
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn again(&mut self) {
        *self = Self::spawn(&self.folder, self.port, None, self.disk.clone());
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

/// Writes the configuration for a pretend channel and gives the port in it.
fn configure(folder: &Path, sink: SocketAddr, digest_above: u32) -> u16 {
    let settings = json!({
        "channels": {"sink": {"type": "webhook", "url": format!("http://{sink}/")}},
        "incidents": {"digest_above": digest_above, "digest_above_critical": digest_above},
    });
    write(folder, settings)
}

fn write(folder: &Path, mut settings: Value) -> u16 {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let own =
        json!({"data_dir": folder, "listen": format!("127.0.0.1:{port}"), "lang": "en", "log": {"level": "warn"}});
    settings.as_object_mut().unwrap().extend(own.as_object().unwrap().clone());
    std::fs::write(folder.join("midwatch.yaml"), settings.to_string()).unwrap();
    port
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the senders did.
#[derive(Default)]
pub struct Producer {
    pub acked: Mutex<Vec<u64>>,
    pub times: Mutex<Vec<Duration>>,
    pub refused: AtomicU64,
}

fn body(n: u64, spread: u64) -> String {
    json!({"version": "4", "status": "firing", "alerts": [{
        "status": "firing", "startsAt": "2026-11-24T02:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
        "labels": {"alertname": "Torture", "namespace": format!("ns-{}", n % spread), "n": n.to_string(),
                   "severity": "warning"},
        "annotations": {"summary": "something is wrong with something somewhere"}}]})
    .to_string()
}

/// Posts one alert once. The answer, if there was one.
pub async fn send_once(client: &reqwest::Client, url: &str, producer: &Producer, n: u64, spread: u64) -> Option<u16> {
    let started = Instant::now();
    let status = client.post(url).body(body(n, spread)).send().await.ok()?.status().as_u16();
    match status {
        200 => {
            producer.times.lock().unwrap().push(started.elapsed());
            producer.acked.lock().unwrap().push(n);
        }
        503 => drop(producer.refused.fetch_add(1, Ordering::Relaxed)),
        other => panic!("{other}: only 200 or 503 are answers"),
    }
    Some(status)
}

/// Posts one alert until it is taken, as an Alertmanager would.
pub async fn send(client: &reqwest::Client, url: &str, producer: &Producer, n: u64, spread: u64) {
    while send_once(client, url, producer, n, spread).await != Some(200) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

pub fn client() -> reqwest::Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder().timeout(Duration::from_secs(10)).build().unwrap()
}
