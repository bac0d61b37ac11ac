//! The binary as a user runs it: exit codes, words, pipes.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::config::FULL;
use crate::harness::Harness;
use crate::intake::webhook;

pub fn case(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("evals/cases").join(name)
}

fn seed() -> PathBuf {
    case("seed-claim-too-small").join("cluster")
}

/// A command that sees neither this machine's clusters nor its settings.
pub fn midwatch(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MIDWATCH_") || name.starts_with("LC_")) {
        command.env_remove(name);
    }
    command.current_dir(folder).env("HOME", folder).env("LANG", "en_US.UTF-8").env_remove("KUBECONFIG");
    command.env_remove("KUBERNETES_SERVICE_HOST");
    command
}

pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

fn ran(output: Output) -> Ran {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
}

pub fn run(folder: &Path, args: &[&str]) -> Ran {
    ran(midwatch(folder).args(args).output().unwrap())
}

fn temp() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// A process that ends with its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `midwatch replay`, and the address that it printed.
fn serve_replay(folder: &Path, dir: &Path) -> (Running, String) {
    let mut command = midwatch(folder);
    let mut child = command.arg("replay").arg(dir).stdout(Stdio::piped()).spawn().unwrap();
    let out = BufReader::new(child.stdout.take().unwrap());
    let url = out.lines().map(Result::unwrap).find(|line| line.starts_with("http://")).unwrap();
    (Running(child), url)
}

#[test]
fn the_help_names_every_command() {
    let folder = temp();
    let help = run(folder.path(), &["--help"]);
    assert_eq!(help.code, 0);
    for command in [
        "diagnose",
        "serve",
        "demo",
        "record",
        "replay",
        "alerts",
        "outbox",
        "config",
        "doctor",
        "completion",
        "version",
    ] {
        assert!(help.out.lines().any(|line| line.trim_start().starts_with(command)), "{command} in\n{}", help.out);
        assert_eq!(run(folder.path(), &[command, "--help"]).code, 0, "{command} --help");
    }
    let version = run(folder.path(), &["version"]);
    assert!(version.out.starts_with(concat!("midwatch ", env!("CARGO_PKG_VERSION"))), "{}", version.out);
    for shell in ["bash", "zsh", "fish"] {
        let script = run(folder.path(), &["completion", shell]);
        assert!(script.code == 0 && script.out.contains("diagnose"), "{shell}");
    }
    assert_eq!(run(folder.path(), &["completion", "tcsh"]).code, 2);
    assert_eq!(run(folder.path(), &["diagnos"]).code, 2);
}

#[test]
fn diagnose_tells_health_by_its_exit_code() {
    let folder = temp();
    let dir = seed();
    let dir = dir.to_str().unwrap();
    let sick = run(folder.path(), &["diagnose", "--replay", dir, "-n", "aiops", "-o", "json"]);
    assert_eq!(sick.code, 1, "{}", sick.err);
    let report: Value = serde_json::from_str(&sick.out).unwrap();
    assert_eq!(report["causes"][0]["class"], "volume_size_below_minimum");
    let again = run(folder.path(), &["diagnose", "--replay", dir, "-n", "aiops", "-o", "json"]);
    assert_eq!(sick.out, again.out);
    let zh = run(folder.path(), &["diagnose", "--replay", dir, "-n", "aiops", "pvc/test-data", "--lang", "zh"]);
    assert!(zh.code == 1 && zh.out.contains("诊断分析"), "{}", zh.out);
    let markdown =
        run(folder.path(), &["diagnose", "--replay", dir, "-n", "aiops", "pvc", "test-data", "-o", "markdown"]);
    assert!(markdown.code == 1 && markdown.out.contains("**"), "{}", markdown.out);
    assert!(!markdown.out.contains('\u{1b}'), "no colour in a pipe");
}

#[test]
fn diagnose_says_what_to_mend_in_a_command() {
    let folder = temp();
    let dir = seed();
    let dir = dir.to_str().unwrap();
    for (args, words) in [
        (&["diagnose", "--replay", dir, "deploymnet/x"][..], "do you mean deployment?"),
        (&["diagnose", "--replay", dir, "web"], "pod/web"),
        (&["diagnose", "--replay", dir, "pvc/test-data"], "in aiops: add -n aiops"),
        (&["diagnose", "--replay", "/nonexistent"], "/nonexistent"),
        (&["diagnose"], "no kubeconfig"),
        (&["diagnose", "--context", "prod"], "no kubeconfig"),
        (&["diagnose", "--server", "localhost:1"], "http"),
    ] {
        let ran = run(folder.path(), args);
        assert_eq!(ran.code, 3, "{args:?}: {}", ran.out);
        assert!(ran.err.contains(words), "{args:?}: {words} in {}", ran.err);
    }
}

#[test]
fn an_alert_is_diagnosed_in_each_of_its_forms() {
    let folder = temp();
    let dir = seed();
    let text = std::fs::read_to_string(case("seed-claim-too-small").join("case.yaml")).unwrap();
    let case: Value = serde_saphyr::from_str(&text).unwrap();
    let alert = case["alert"].clone();
    let forms = [
        ("webhook.json", alert.to_string()),
        ("webhook.yaml", serde_saphyr::to_string(&alert).unwrap()),
        ("push.json", alert["alerts"].to_string()),
        ("one.yaml", serde_saphyr::to_string(&alert["alerts"][0]).unwrap()),
    ];
    for (name, text) in forms {
        std::fs::write(folder.path().join(name), text).unwrap();
        let args = ["diagnose", "--replay", dir.to_str().unwrap(), "--alert", name, "-o", "json"];
        let ran = run(folder.path(), &args);
        assert_eq!(ran.code, 1, "{name}: {}", ran.err);
        let report: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(report["causes"][0]["object"]["name"], "test-data", "{name}");
    }
    let mut child = midwatch(folder.path())
        .args(["diagnose", "--replay", dir.to_str().unwrap(), "--alert", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(alert.to_string().as_bytes()).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(1));
    std::fs::write(folder.path().join("bad.json"), "{\"alerts\": 7}").unwrap();
    let ran = run(folder.path(), &["diagnose", "--replay", dir.to_str().unwrap(), "--alert", "bad.json"]);
    assert!(ran.code == 3 && ran.err.contains("bad.json") && ran.err.contains("alerts"), "{}", ran.err);
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let folder = temp();
    let dir = seed();
    let mut child = midwatch(folder.path())
        .args(["diagnose", "--replay", dir.to_str().unwrap()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran = ran(child.wait_with_output().unwrap());
    assert_eq!((ran.code, ran.err.as_str()), (1, ""));
}

#[test]
fn a_replay_can_be_recorded_and_the_recording_says_the_same() {
    let folder = temp();
    let (_server, url) = serve_replay(folder.path(), &seed());
    let live = run(folder.path(), &["diagnose", "--server", &url, "-n", "aiops", "-o", "json"]);
    assert_eq!(live.code, 1, "{}", live.err);
    let recorded = run(folder.path(), &["record", "copy", "--server", &url]);
    assert_eq!(recorded.code, 0, "{}", recorded.err);
    assert!(recorded.out.contains("objects of") && recorded.out.contains("--replay copy"), "{}", recorded.out);
    assert!(recorded.err.lines().all(|line| !line.contains('\u{1b}')), "no bar in a pipe: {}", recorded.err);
    let copy = run(folder.path(), &["diagnose", "--replay", "copy", "-n", "aiops", "-o", "json"]);
    let causes = |out: &str| serde_json::from_str::<Value>(out).unwrap()["causes"].clone();
    assert_eq!(causes(&copy.out), causes(&live.out));
    let twice = run(folder.path(), &["record", "copy", "--server", &url]);
    assert!(twice.code == 3 && twice.err.contains("earlier recording"), "{}", twice.err);
    assert_eq!(run(folder.path(), &["record", "copy", "--server", &url, "--force"]).code, 0);
}

#[test]
fn config_check_ends_with_1_and_names_the_lines() {
    let folder = temp();
    let write = |text: &str| std::fs::write(folder.path().join("midwatch.yaml"), text).unwrap();
    assert_eq!(run(folder.path(), &["config", "check"]).code, 0, "no file is no problem");
    write("listen: nowhere\nlgo: {}\nfallback: [x]\n");
    let wrong = run(folder.path(), &["config", "check"]);
    assert_eq!(wrong.code, 1);
    for place in ["midwatch.yaml:1: listen", "midwatch.yaml:2: lgo", "midwatch.yaml:3: fallback.0"] {
        assert!(wrong.out.contains(place), "{place} in {}", wrong.out);
    }
    let serve = run(folder.path(), &["serve"]);
    assert!(serve.code == 3 && serve.err.contains("midwatch.yaml:2: lgo"), "{}", serve.err);
    write(FULL);
    assert_eq!(run(folder.path(), &["config", "check"]).code, 0);
    let shown = run(folder.path(), &["config", "show"]);
    assert_eq!(shown.code, 0, "{}", shown.err);
    assert!(!shown.out.contains("hush") && shown.out.contains("***"), "{}", shown.out);
    let again: Value = serde_saphyr::from_str(&shown.out).unwrap();
    assert_eq!(again["incidents"]["concurrency"], 2);
    let schema: Value = serde_json::from_str(&run(folder.path(), &["config", "schema"]).out).unwrap();
    assert!(schema["properties"]["channels"].is_object());
    let gone = run(folder.path(), &["config", "check", "--config", "gone.yaml"]);
    assert!(gone.code == 1 && gone.out.contains("gone.yaml"), "{}", gone.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn incidents_and_messages_are_listed_shown_and_retried() {
    let server = Harness::start().await;
    let folder = server.folder.path().to_owned();
    let body = webhook("firing", "KubePodNotReady", &["cart-0"]).to_string();
    std::fs::write(folder.join("alert.json"), body).unwrap();
    let data = folder.to_str().unwrap();
    let sent = run(&folder, &["alerts", "send", "alert.json", "--server", &format!("http://{}", server.address)]);
    assert_eq!((sent.code, sent.err.as_str()), (0, ""));
    let list = run(&folder, &["alerts", "list", "--data-dir", data]);
    assert!(list.code == 0 && list.out.contains("KubePodNotReady") && list.out.contains("open"), "{}", list.out);
    let json = run(&folder, &["alerts", "list", "--data-dir", data, "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&json.out).unwrap()[0]["id"], 1);
    let card = run(&folder, &["alerts", "show", "1", "--data-dir", data, "--lang", "zh"]);
    assert!(card.code == 0 && card.out.contains("告警概览"), "{}{}", card.out, card.err);
    let gone = run(&folder, &["alerts", "show", "99", "--data-dir", data]);
    assert!(gone.code == 3 && gone.err.contains("no incident 99"), "{}", gone.err);
    let queued = run(&folder, &["outbox", "list", "--state", "queued", "--data-dir", data]);
    assert!(queued.code == 0 && queued.out.contains("plain"), "{}", queued.out);
    server
        .store()
        .write(|connection| {
            Box::pin(async move {
                sqlx::query("UPDATE outbox SET state = 'dead', error = 'no such bot'").execute(connection).await?;
                Ok(())
            })
        })
        .await
        .unwrap();
    let dead = run(&folder, &["outbox", "list", "--data-dir", data]);
    assert!(dead.out.contains("no such bot"), "{}", dead.out);
    let none = run(&folder, &["outbox", "retry", "99", "--data-dir", data]);
    assert!(none.code == 3 && none.err.contains("99"), "{}", none.err);
    assert_eq!(run(&folder, &["outbox", "retry", "--data-dir", data]).code, 2, "one, or --all");
    let retried = run(&folder, &["outbox", "retry", "--all", "--data-dir", data]);
    assert_eq!((retried.code, retried.out.as_str()), (0, "1 queued again\n"));
    assert_eq!(server.count("SELECT count(*) FROM outbox WHERE state = 'queued'").await, 1);
    let empty = temp();
    let nothing = run(empty.path(), &["alerts", "list"]);
    assert!(nothing.code == 3 && nothing.err.contains("no store at"), "{}", nothing.err);
    assert!(!empty.path().join("midwatch-data").exists(), "looking makes no store");
}

#[test]
fn doctor_tells_what_works_what_does_not_and_what_to_paste() {
    let folder = temp();
    let (_server, url) = serve_replay(folder.path(), &seed());
    let write = |config: Value| std::fs::write(folder.path().join("midwatch.yaml"), config.to_string()).unwrap();
    write(json!({"listen": "127.0.0.1:1", "cluster": {"server": url}, "channels": {"t": {"type": "console"}}}));
    let well = run(folder.path(), &["doctor"]);
    assert_eq!(well.code, 0, "{}{}", well.out, well.err);
    for words in [
        "answers, version",
        "clock agrees",
        "rights: all",
        "can be made",
        "--send",
        "http://127.0.0.1:1/webhooks/alertmanager",
    ] {
        assert!(well.out.contains(words), "{words} in {}", well.out);
    }
    let sent = run(folder.path(), &["doctor", "--send", "--lang", "zh"]);
    assert!(sent.code == 0 && sent.out.contains("收下了测试消息"), "{}", sent.out);
    write(json!({
        "listen": "127.0.0.1:1", "cluster": {"server": "http://127.0.0.1:1"},
        "alertmanagers": [{"url": "http://127.0.0.1:1"}], "prometheus": {"url": "http://127.0.0.1:1"},
        "intake": {"credentials": [{"bearer_token_file": "/nonexistent/token"}]},
        "channels": {"hook": {"type": "webhook", "url": "http://127.0.0.1:1/hush"}}, "data_dir": "/proc/none",
    }));
    let ill = run(folder.path(), &["doctor", "--send"]);
    assert_eq!(ill.code, 1);
    for words in [
        "✗ cluster",
        "✗ Alertmanager",
        "✗ Prometheus",
        "✗ channel hook",
        "✗ store",
        "✗ intake.credentials.0.bearer_token_file",
    ] {
        assert!(ill.out.contains(words), "{words} in {}", ill.out);
    }
    assert!(ill.out.contains("credentials_file: /nonexistent/token"), "{}", ill.out);
    assert!(!ill.out.contains("hush"), "{}", ill.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_incident_has_a_page_behind_the_credentials() {
    let folder = temp();
    let (_api, url) = serve_replay(folder.path(), &seed());
    let config = json!({
        "listen": "127.0.0.1:0", "cluster": {"server": url}, "lang": "en",
        "intake": {"credentials": [{"username": "u", "password": "hush"}]},
    });
    std::fs::write(folder.path().join("midwatch.yaml"), config.to_string()).unwrap();
    let mut child =
        midwatch(folder.path()).args(["serve"]).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let log = BufReader::new(child.stderr.take().unwrap());
    let _server = Running(child);
    let mut lines = log.lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("serving")).unwrap();
    let plain: String = strip_colour(&line);
    let address = plain.split("address=").nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
    std::thread::spawn(move || lines.for_each(drop));
    let mut alert = webhook("firing", "KubePodNotReady<script>", &["cart-0"]);
    alert["alerts"][0]["annotations"]["summary"] = json!("<img src=x>");
    let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(20)).build().unwrap();
    let hook = client.post(format!("http://{address}/webhooks/alertmanager")).basic_auth("u", Some("hush"));
    assert_eq!(hook.json(&alert).send().await.unwrap().status(), 200);
    let page = format!("http://{address}/incidents/1");
    assert_eq!(client.get(&page).send().await.unwrap().status(), 401);
    let answer = client.get(&page).basic_auth("u", Some("hush")).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.headers()["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    let html = answer.text().await.unwrap();
    assert!(
        html.contains("KubePodNotReady&lt;script&gt;") && !html.contains("<script") && !html.contains("<img"),
        "{html}"
    );
    let gone = client.get(format!("http://{address}/incidents/99")).basic_auth("u", Some("hush")).send().await.unwrap();
    assert_eq!(gone.status(), 404);
}

fn strip_colour(line: &str) -> String {
    let mut parts = line.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once('m').map_or("", |(_, rest)| rest))
}
