//! A real control plane for a test, from `testbed/run`; and a Midwatch of its own beside it, as a process.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use serde_json::Value;

/// Stops when it is dropped, and also when this process dies: the harness watches its standard input.
pub struct TestBed {
    process: Child,
    alive: Option<ChildStdin>,
    /// what `testbed up` printed: addresses, files, tokens
    pub state: Value,
}

impl TestBed {
    /// Starts one; the first time on a machine this builds Kubernetes.
    pub fn start(arguments: &[&str]) -> Self {
        let mut process = program()
            .args(["up", "--wait"])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let alive = process.stdin.take();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let state =
            serde_json::from_str(&line).unwrap_or_else(|e| panic!("the test bed did not start, as said above: {e}"));
        Self { process, alive, state }
    }

    /// One that several tests use, each in a namespace of its own. It stops with this process.
    pub fn shared() -> &'static Self {
        static BED: LazyLock<TestBed> = LazyLock::new(|| TestBed::start(&["--no-prometheus"]));
        &BED
    }

    pub fn text(&self, field: &str) -> &str {
        self.state[field].as_str().unwrap_or_else(|| panic!("the test bed says no {field}"))
    }

    pub fn fault(&self, names: &[&str]) {
        self.run("fault", &[&["--check"], names].concat());
    }

    pub fn mend(&self, name: &str) {
        self.run("mend", &[name]);
    }

    pub fn kubectl(&self, arguments: &[&str]) -> String {
        self.run("kubectl", arguments)
    }

    /// Runs a command of the harness on this test bed and gives what it printed.
    pub fn run(&self, command: &str, arguments: &[&str]) -> String {
        let done = program().args([command, "--dir", self.text("dir")]).args(arguments).output().unwrap();
        text(done, &format!("testbed {command} {}", arguments.join(" ")))
    }

    /// A kubeconfig whose current context may only read.
    pub fn reader(&self) -> PathBuf {
        let file = Path::new(self.text("dir")).join("reader.kubeconfig");
        if !file.exists() {
            std::fs::copy(self.text("kubeconfig"), &file).unwrap();
            let file = file.to_str().unwrap();
            self.kubectl(&["--kubeconfig", file, "config", "use-context", "tool-a"]);
        }
        file
    }
}

impl Drop for TestBed {
    fn drop(&mut self) {
        self.alive.take();
        let _ = self.process.wait();
    }
}

/// The faults of the catalogue that leave the rest of the cluster alone.
pub fn catalogue() -> Vec<Value> {
    let done = program().args(["fault", "--list", "all"]).output().unwrap();
    serde_json::from_str(&text(done, "testbed fault --list")).unwrap()
}

fn program() -> Command {
    Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("../testbed/run"))
}

fn text(done: Output, what: &str) -> String {
    assert!(done.status.success(), "{what}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// A port that was free a moment ago: the test bed must know addresses before the servers behind them can start.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// `midwatch serve` as a process.
pub struct Midwatch {
    process: Child,
    pub folder: tempfile::TempDir,
}

impl Midwatch {
    /// `config` gets the fields that every one of these needs.
    pub async fn start(address: SocketAddr, mut config: Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        config["listen"] = address.to_string().into();
        config["data_dir"] = folder.path().to_str().into();
        let file = folder.path().join("midwatch.yaml");
        std::fs::write(&file, config.to_string()).unwrap();
        let process = Command::new(env!("CARGO_BIN_EXE_midwatch"))
            .args(["serve", "--config"])
            .arg(&file)
            .stderr(std::fs::File::create(folder.path().join("log")).unwrap())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let midwatch = Self { process, folder };
        let began = Instant::now();
        while !reqwest::get(format!("http://{address}/readyz")).await.is_ok_and(|r| r.status().is_success()) {
            assert!(began.elapsed() < Duration::from_secs(20), "not ready:\n{}", midwatch.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        midwatch
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Its store, opened beside it for reading.
    pub async fn store(&self) -> sqlx::SqlitePool {
        let file = self.folder.path().join("midwatch.db");
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).read_only(true);
        sqlx::SqlitePool::connect_with(options).await.unwrap()
    }
}

impl Drop for Midwatch {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
