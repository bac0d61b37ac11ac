//! `midwatch chat` through a real pseudo-terminal: keys go in, the screen comes out; on a recorded cluster and on a real
//! control plane, where the objects are looked at afterwards.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use serde_json::json;

use crate::approvals::{creating_policy, furnish, object};
use crate::cli::{case, midwatch};
use crate::testbed::TestBed;

const PATIENCE: Duration = Duration::from_secs(30);

/// A program at a terminal of its own.
pub struct Terminal {
    child: Child,
    keys: File,
    screen: Receiver<Vec<u8>>,
    /// all that was shown, without colours and movements
    seen: String,
    /// where the next look begins
    read: usize,
}

impl Terminal {
    pub fn start(folder: &Path, arguments: &[&str]) -> Self {
        let main = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&main).unwrap();
        unlockpt(&main).unwrap();
        let size = Winsize { ws_row: 50, ws_col: 120, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&main, size).unwrap();
        let name = ptsname(&main, Vec::new()).unwrap();
        let other = File::options().read(true).write(true).open(name.to_str().unwrap()).unwrap();
        let own = || Stdio::from(other.try_clone().unwrap());
        let mut command = midwatch(folder);
        let child =
            command.args(arguments).env("TERM", "xterm").env("USER", "zoe").stdin(own()).stdout(own()).stderr(own());
        let child = child.spawn().unwrap();
        let keys = File::from(main);
        let mut from = keys.try_clone().unwrap();
        let (shown, screen) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(length) = from.read(&mut buffer) {
                if length == 0 || shown.send(buffer[..length].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { child, keys, screen, seen: String::new(), read: 0 }
    }

    /// Types, and presses Enter.
    pub fn line(&mut self, text: &str) {
        self.keys.write_all(text.as_bytes()).unwrap();
        self.keys.write_all(b"\r").unwrap();
    }

    /// What Ctrl-C does where the terminal belongs to the program alone.
    pub fn interrupt(&self) {
        let done = std::process::Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// What is shown from the last look on until `text` is.
    pub fn until(&mut self, text: &str) -> String {
        let began = Instant::now();
        loop {
            if let Some(at) = self.seen[self.read..].find(text) {
                let end = self.read + at + text.len();
                let shown = self.seen[self.read..end].to_owned();
                self.read = end;
                return shown;
            }
            let rest = || self.seen[self.read..].to_owned();
            assert!(began.elapsed() < PATIENCE, "{text:?} is not shown:\n{}", rest());
            match self.screen.recv_timeout(Duration::from_millis(200)) {
                Ok(bytes) => self.seen.push_str(&plain(&String::from_utf8_lossy(&bytes))),
                Err(std::sync::mpsc::RecvTimeoutError::Timeout) => {}
                Err(error) => panic!("{text:?} is not shown, {error}:\n{}", rest()),
            }
        }
    }

    /// Ctrl-D, and the exit code.
    pub fn end(mut self) -> (i32, String) {
        self.keys.write_all(b"\x04").unwrap();
        let shown = self.until("take it up again: midwatch chat --resume ");
        let code = self.child.wait().unwrap().code().unwrap();
        (code, shown)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Without escape sequences.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\u{1b}' {
            out.push(c);
            continue;
        }
        if rest.next() == Some('[') {
            rest.by_ref().find(|c| c.is_ascii_alphabetic());
        }
    }
    out
}

#[test]
fn a_conversation_about_a_recording_goes_on_where_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let replay = case("seed-claim-too-small").join("cluster");
    let data = folder.path().join("data");
    let arguments = ["chat", "--replay", replay.to_str().unwrap(), "--data-dir", data.to_str().unwrap()];
    let mut terminal = Terminal::start(folder.path(), &arguments);
    terminal.until("No model is used");
    terminal.line("why is aiops/test-deployment not ready");
    let answer = terminal.until("by rules and tools alone");
    assert!(answer.contains("5Gi") && answer.contains("10Gi"), "{answer}");
    terminal.line("/evidence E1");
    terminal.until("disk size is invalid");
    // what was spoken of is meant
    terminal.line("它的事件");
    let events = terminal.until("仅由规则和工具得出");
    assert!(events.contains("· events_list") && events.contains("FailedScheduling"), "{events}");
    terminal.line("scale it to 5");
    terminal.until("Nothing can be changed here");
    terminal.line("/namespace nowhere");
    terminal.until("nowhere> ");
    terminal.line("/evidens");
    terminal.until("(/evidence?)");
    // a key pressed by mistake drops the line, not the program
    terminal.keys.write_all(b"half a line").unwrap();
    terminal.until("half a line");
    terminal.keys.write_all(b"\x03").unwrap();
    terminal.until("nowhere> ");
    terminal.line("/namespace -");
    terminal.until("seed> ");
    assert_eq!(terminal.end().0, 0);

    let again = [&arguments[..], &["--resume"]].concat();
    let mut terminal = Terminal::start(folder.path(), &again);
    let welcome = terminal.until("seed> ");
    assert!(welcome.contains("它的事件"), "{welcome}");
    terminal.line("why?");
    let answer = terminal.until("by rules and tools alone");
    assert!(answer.contains("10Gi"), "{answer}");
    terminal.until("seed> ");
    // the arrow brings back what was asked
    terminal.keys.write_all(b"\x1b[A\x1b[A\x1b[A\x1b[A\r").unwrap();
    terminal.until("by rules and tools alone");
    terminal.until("seed> ");
    assert_eq!(terminal.end().0, 0);
}

/// Changes as a new user would type them; each is shown, approved in place, and looked at on the API server. What the built-in
/// policy does not allow says so.
#[test]
fn changes_are_typed_shown_approved_and_done() {
    let bed = TestBed::shared();
    furnish(bed, "shop");
    bed.kubectl(&["-n", "shop", "create", "configmap", "old", "--from-literal=a=b"]);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("midwatch.yaml");
    let data = folder.path().join("data");
    let settings = json!({"data_dir": data, "policy": creating_policy(folder.path(), "shop"), "approvals": {"settle_seconds": 0, "most_waiting": 1000}});
    std::fs::write(&config, settings.to_string()).unwrap();
    let arguments =
        ["chat", "--kubeconfig", bed.text("kubeconfig"), "--context", "admin", "--config", config.to_str().unwrap()];
    let mut terminal = Terminal::start(folder.path(), &arguments);
    terminal.until("No model is used");
    let web = |field: &str| object(bed, "shop", "deployment/web").pointer(field).cloned().unwrap_or_default();
    let change = |terminal: &mut Terminal, typed: &str, shown: &[&str]| {
        terminal.line(typed);
        let page = terminal.until("anything else to leave it: ");
        for word in shown {
            assert!(page.contains(word), "{typed}: no {word} in\n{page}");
        }
        terminal.line("yes");
        terminal.until(": executed");
        terminal.until("> ");
    };
    change(&mut terminal, "scale shop/web to 3", &["spec.replicas", "- 2", "+ 3"]);
    assert_eq!(web("/spec/replicas"), 3);
    change(&mut terminal, "把 shop/web 扩到 4 个副本", &["- 3", "+ 4"]);
    assert_eq!(web("/spec/replicas"), 4);
    change(&mut terminal, "undo", &["- 4", "+ 3"]);
    assert_eq!(web("/spec/replicas"), 3);
    change(&mut terminal, "restart shop/web", &["restartedAt"]);
    assert!(web("/spec/template/metadata/annotations").to_string().contains("restartedAt"));
    change(&mut terminal, "set image of shop/web to registry.example.com/web:2", &["web:1", "web:2"]);
    assert_eq!(web("/spec/template/spec/containers/0/image"), "registry.example.com/web:2");
    change(&mut terminal, "把 shop/web 的镜像换成 registry.example.com/web:3", &["web:2", "web:3"]);
    assert_eq!(web("/spec/template/spec/containers/0/image"), "registry.example.com/web:3");
    change(&mut terminal, "pause rollout of shop/web", &["paused"]);
    assert_eq!(web("/spec/paused"), true);
    change(&mut terminal, "resume rollout of shop/web", &["paused"]);
    assert_ne!(web("/spec/paused"), true);
    let pods = bed.kubectl(&["-n", "shop", "get", "pods", "-o", "name"]);
    let pod = pods.lines().next().unwrap().to_owned();
    change(&mut terminal, &format!("删除 shop 里的 {pod}"), &["pods"]);
    let left =
        bed.kubectl(&["-n", "shop", "get", &pod, "--ignore-not-found", "-o", "jsonpath={.metadata.deletionTimestamp}"]);
    let pods = bed.kubectl(&["-n", "shop", "get", "pods", "-o", "name"]);
    assert!(!pods.contains(&pod) || !left.is_empty(), "{pods}");
    // a pasted text comes in one piece; this policy lets new objects be made, the built-in one does not
    let manifest = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: pasted\n  namespace: shop\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: pasted}}\n  template:\n    metadata: {labels: {app: pasted}}\n    spec:\n      containers: [{name: main, image: \"registry.example.com/pasted:1\"}]";
    terminal.line(&format!("\x1b[200~{manifest}\x1b[201~"));
    let page = terminal.until("anything else to leave it: ");
    assert!(page.contains("· resources_create_or_update") && page.contains("pasted:1"), "{page}");
    terminal.line("yes");
    terminal.until(": executed");
    terminal.until("> ");
    let made = object(bed, "shop", "deployment/pasted");
    assert_eq!(made["spec"]["template"]["spec"]["containers"][0]["image"], "registry.example.com/pasted:1");
    terminal.line(&format!("\x1b[200~{}\x1b[201~", manifest.replace("shop", "default")));
    let said = terminal.until("the policy does not allow this");
    assert!(said.contains("resources_create_or_update"), "{said}");
    terminal.until("> ");
    // what the policy forbids is not even shown for a yes
    terminal.line("delete configmap old in shop");
    terminal.until("the policy does not allow this");
    terminal.until("> ");

    // a no is a no, and a wait is a wait
    terminal.line("scale shop/web to 9");
    terminal.until("anything else to leave it: ");
    terminal.line("no");
    terminal.until(": denied");
    terminal.line("scale shop/web to 8");
    terminal.until("anything else to leave it: ");
    terminal.line("y");
    terminal.until("waits: midwatch approvals approve");
    terminal.until("> ");
    assert_eq!(web("/spec/replicas"), 3);
    assert_eq!(terminal.end().0, 0);
}
