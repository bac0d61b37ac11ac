//! The vendors' own SDKs understand what the scripted model says. Needs python3 and, the first time, PyPI.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use llm::pretend::{Model, Turn};
use serde_json::{Value, json};

use crate::ask::json as read;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk")
}

/// The Python that has the SDKs.
fn python() -> &'static str {
    static PYTHON: OnceLock<String> = OnceLock::new();
    PYTHON.get_or_init(|| {
        let done = Command::new(folder().join("setup.sh")).output().unwrap();
        assert!(done.status.success(), "tests/sdk/setup.sh: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    })
}

async fn understood(format: &str, model: &Model) -> Value {
    let (format, root) = (format.to_owned(), model.root.clone());
    tokio::task::spawn_blocking(move || {
        let done = Command::new(python())
            .arg(folder().join("understand.py"))
            .args([&format, &root])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("NO_PROXY", "127.0.0.1")
            .output()
            .unwrap();
        assert!(done.status.success(), "{format}: {}", String::from_utf8_lossy(&done.stderr));
        read(&done.stdout)
    })
    .await
    .unwrap()
}

async fn agrees(format: &str, ids: [Value; 2], stops: [&str; 2]) {
    let called = Turn::text("先看 events。")
        .reasoning("想一想 first")
        .and_call("events_list", json!({"namespace": "aiops"}))
        .and_call("events_list", json!({"namespace": "shop \"x\""}));
    let model = Model::start(vec![called, Turn::text("it is 好 now")]).await.unwrap();
    let first = understood(format, &model).await;
    let [one, two] = ids;
    let calls = json!([
        {"id": one, "name": "events_list", "arguments": {"namespace": "aiops"}},
        {"id": two, "name": "events_list", "arguments": {"namespace": "shop \"x\""}},
    ]);
    assert_eq!((&first["calls"], &first["stop"]), (&calls, &json!(stops[0])), "{format}: {first}");
    assert_eq!(
        (&first["text"], &first["reasoning"]),
        (&json!("先看 events。"), &json!("想一想 first")),
        "{format}: {first}"
    );
    assert_eq!(first["input"], 100, "{format}: {first}");
    assert!(first["output"].as_u64() > Some(16), "{format}: {first}");
    let second = understood(format, &model).await;
    assert_eq!((&second["text"], &second["stop"]), (&json!("it is 好 now"), &json!(stops[1])), "{format}: {second}");
    assert_eq!(second["calls"], json!([]), "{format}: {second}");
    assert_eq!(model.violations(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn openai_understands_chat_completions() {
    agrees("openai_chat", [json!("call_p0"), json!("call_p1")], ["tool_calls", "stop"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn openai_understands_responses() {
    agrees("openai_responses", [json!("call_p0"), json!("call_p1")], ["completed", "completed"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anthropic_understands_messages() {
    agrees("anthropic", [json!("toolu_p0"), json!("toolu_p1")], ["tool_use", "end_turn"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn google_understands_gemini() {
    agrees("gemini", [Value::Null, Value::Null], ["STOP", "STOP"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ollama_understands_ollama() {
    agrees("ollama", [Value::Null, Value::Null], ["stop", "stop"]).await;
}
