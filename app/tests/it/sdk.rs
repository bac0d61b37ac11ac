//! The scripts with which `crates/notify` checks its messages against the vendors' SDKs and a real mail server.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/notify/tests/sdk")
}

/// The Python that has the SDKs; the first time on a machine it is set up from PyPI.
fn python() -> &'static str {
    static PYTHON: OnceLock<String> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let done = Command::new(folder().join("setup.sh")).output().unwrap();
        assert!(done.status.success(), "setup.sh: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    })
}

fn script(name: &str) -> Command {
    let mut command = Command::new(python());
    command.arg(folder().join(name)).env("PYTHONDONTWRITEBYTECODE", "1").env("NO_PROXY", "127.0.0.1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// Runs a script and gives what it printed.
pub async fn run(name: &str, arguments: &[&str], input: &str) -> String {
    let (name, input) = (name.to_owned(), input.to_owned());
    let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
    tokio::task::spawn_blocking(move || {
        let mut child = script(&name).args(&arguments).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{name}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    })
    .await
    .unwrap()
}

/// A mail server; it stops when its standard input closes.
pub struct MailServer {
    process: Child,
    folder: tempfile::TempDir,
    pub port: u16,
}

impl MailServer {
    pub async fn start() -> Self {
        let start = || {
            let folder = tempfile::tempdir().unwrap();
            let mut process = script("smtp_server.py").arg(folder.path()).arg("none").spawn().unwrap();
            let mut line = String::new();
            BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
            Self { process, folder, port: line.trim().parse().unwrap() }
        };
        tokio::task::spawn_blocking(start).await.unwrap()
    }

    /// Subject and text of each mail so far.
    pub fn texts(&self) -> Vec<String> {
        let mails = (1..).map_while(|n| std::fs::read(self.folder.path().join(format!("{n}.json"))).ok());
        mails
            .filter_map(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok())
            .map(|mail| format!("{}\n{}", mail["headers"]["subject"], mail["texts"][0].as_str().unwrap_or_default()))
            .collect()
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
