//! The vendors' own SDKs check our requests and our pretend servers. Needs python3 and, the first time, PyPI.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use notify::pretend::{Pretend, feishu, slack, webhook};
use notify::{Body, Client, Delivery, Lang};
use serde_json::{Value, json};

use crate::sample::{channel, report};

/// The folder of the scripts.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk")
}

/// The Python that has the SDKs.
pub fn python() -> &'static str {
    static PYTHON: OnceLock<String> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let done = Command::new(folder().join("setup.sh")).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "tests/sdk/setup.sh: {said}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    })
}

/// Run a script beside the test's own servers and return what it printed.
async fn run(script: &str, arguments: &[&str], input: &str) -> String {
    let script = folder().join(script);
    let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
    let input = input.to_owned();
    tokio::task::spawn_blocking(move || {
        let mut child = Command::new(python())
            .arg(&script)
            .args(&arguments)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("NO_PROXY", "127.0.0.1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let done = child.wait_with_output().unwrap();
        assert!(done.status.success(), "{}: {}", script.display(), String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    })
    .await
    .unwrap()
}

fn client() -> Client {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Client::new().unwrap()
}

fn delivery(id: &str) -> Delivery {
    Delivery { id: id.into(), thread: "t".into(), revision: 0, previous: None, reply: false, skip: 0 }
}

fn body_file(folder: &Path, channel: &notify::Channel) -> String {
    let rendered = channel.render(&report(Lang::Zh));
    let Body::Json(body) = &rendered.parts[0].body else { panic!("no JSON") };
    let file = folder.join("body.json");
    std::fs::write(&file, body.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn lark_oapi_talks_to_our_feishu() {
    let server = Pretend::start(feishu::Feishu::new("h", None)).await.unwrap();
    let app = channel(json!({"type": "feishu_app", "app_id": "cli_midwatch", "app_secret": "app-secret",
        "receive_id": "oc_group", "base_url": server.url("")}));
    let folder = tempfile::tempdir().unwrap();
    let file = body_file(folder.path(), &app);
    let id = run("feishu_app.py", &[&server.url(""), &file], "").await;
    server.with(|f| {
        assert_eq!(f.messages.len(), 2, "one sent, one in its thread");
        assert_eq!((f.messages[0].id.clone(), f.messages[0].history.len()), (id, 2));
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn feishu_signature_by_the_documented_formula() {
    let server = Pretend::start(feishu::Feishu::new("h", Some("demo"))).await.unwrap();
    let url = server.url("/open-apis/bot/v2/hook/h");
    let bot = channel(json!({"type": "feishu_bot", "url": url, "secret": "demo"}));
    let now = jiff::Timestamp::now();
    bot.send(&client(), &bot.render(&report(Lang::Zh)), &delivery("1"), now).await.unwrap();
    let body = server.received()[0].json().to_string();
    assert_eq!(run("feishu_sign.py", &["demo"], &body).await, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn slack_sdk_talks_to_our_slack() {
    let server = Pretend::start(slack::Slack::new("xoxb-pretend")).await.unwrap();
    let app = channel(json!({"type": "slack", "url": server.url("/hook")}));
    let folder = tempfile::tempdir().unwrap();
    let file = body_file(folder.path(), &app);
    assert_eq!(run("slack_client.py", &[&server.url(""), "xoxb-pretend", &file], "").await, "ok");
}

#[tokio::test(flavor = "multi_thread")]
async fn standardwebhooks_verifies_our_signature() {
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let server = Pretend::start(webhook::Webhook::new(None)).await.unwrap();
    let hook = channel(json!({"type": "webhook", "url": server.url("/"), "secret": secret}));
    let now = "2026-11-24T03:12:07Z".parse().unwrap();
    hook.send(&client(), &hook.render(&report(Lang::Zh)), &delivery("msg_1"), now).await.unwrap();
    let incoming = server.received().remove(0);
    let headers: serde_json::Map<String, Value> =
        incoming.headers.iter().map(|(k, v)| (k.to_string(), v.to_str().unwrap().into())).collect();
    let body = String::from_utf8(incoming.body.to_vec()).unwrap();
    let request = json!({"headers": headers, "body": body}).to_string();
    assert_eq!(run("webhook_verify.py", &[secret], &request).await, "ok");
}
