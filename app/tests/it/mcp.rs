//! The MCP server in the real program: on standard input and output, and at `/mcp` with people, audit and a recorded cluster.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use cluster::Limits;
use midwatch::app::App;
use midwatch::config::Config;
use midwatch::store::audit;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

const NEWEST: &str = "2026-07-28";

fn recorded() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../evals/cases/application_exception-java/cluster")
}

/// Runs `midwatch mcp`, sends a session of 2025-06-18 with these requests, and gives back their answers.
fn over_stdio(arguments: &[&str], home: &Path, requests: &[Value]) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
    command.arg("mcp").args(arguments).env("HOME", home).env("KUBECONFIG", home.join("none"));
    command.env_remove("KUBERNETES_SERVICE_HOST").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let hello = json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {"protocolVersion": "2025-06-18",
        "capabilities": {}, "clientInfo": {"name": "check", "version": "1"}}});
    let ready = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    for message in [&hello, &ready].into_iter().chain(requests) {
        writeln!(input, "{message}").unwrap();
    }
    let mut lines = output.lines();
    let answers = (0..=requests.len()).map(|_| serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap());
    let mut answers: Vec<Value> = answers.collect();
    drop(input);
    assert!(child.wait().unwrap().success(), "it ends when its client does");
    assert!(lines.next().is_none(), "nothing but messages on standard output");
    answers.sort_by_key(|answer| answer["id"].as_i64());
    answers.split_off(1)
}

fn call(id: u32, tool: &str, arguments: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": arguments}})
}

fn said(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {answer}"))
}

#[test]
fn with_no_cluster_the_list_answers_and_calls_say_what_is_missing() {
    let home = tempfile::tempdir().unwrap();
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let answers = over_stdio(&[], home.path(), &[list, call(2, "namespaces_list", json!({}))]);
    assert!(answers[0]["result"]["tools"].as_array().unwrap().len() > 20, "{}", answers[0]);
    assert!(said(&answers[1]).contains("no kubeconfig at"), "{}", answers[1]);
    assert_eq!(answers[1]["result"]["isError"], true);
}

#[test]
fn a_recorded_cluster_is_diagnosed_and_cannot_be_changed() {
    let home = tempfile::tempdir().unwrap();
    let dir = recorded();
    let requests = [
        call(1, "diagnose", json!({"namespace": "shop"})),
        call(2, "pods_delete", json!({"name": "a", "namespace": "shop"})),
    ];
    let answers = over_stdio(&["--replay", dir.to_str().unwrap()], home.path(), &requests);
    assert!(said(&answers[0]).contains("application_exception"), "{}", answers[0]);
    assert_eq!(answers[1]["error"]["message"], "Unknown tool: pods_delete");
}

#[test]
fn toolsets_and_size_can_be_chosen() {
    let home = tempfile::tempdir().unwrap();
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"});
    let answers = over_stdio(&["--toolsets", "config", "--read-only"], home.path(), &[list]);
    let tools = answers[0]["result"]["tools"].as_array().unwrap().clone();
    assert!(!tools.is_empty());
    assert!(tools.iter().all(|tool| tool["name"].as_str().unwrap().starts_with("configuration_")), "{tools:?}");
}

#[test]
fn m02_an_open_address_without_people_is_refused_with_the_ways_out() {
    assert!(Config::default().listen.ip().is_loopback());
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("midwatch.yaml");
    std::fs::write(&file, "listen: 0.0.0.0:0\nintake: {credentials: [{bearer_token: from-alertmanager}]}\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_midwatch"));
    command.args(["serve", "--config"]).arg(&file).env("HOME", home.path()).current_dir(home.path());
    let out = command.env("KUBECONFIG", home.path().join("none")).output().unwrap();
    let text = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(3), "{text}");
    for way in ["midwatch user set", "people.tokens", "people.oidc", "127.0.0.1", "mcp.enabled: false"] {
        assert!(text.contains(way), "{way}: {text}");
    }
}

struct Served {
    url: String,
    store: midwatch::store::Store,
    stop: watch::Sender<bool>,
    running: tokio::task::JoinHandle<anyhow::Result<()>>,
    _home: tempfile::TempDir,
}

const PEOPLE: &str = r#"{"tokens": [
    {"user": "vera", "roles": ["viewer"], "token": "token-of-vera-0123456789abcdef"},
    {"user": "oscar", "roles": ["operator"], "token": "token-of-oscar-0123456789abcde"}]}"#;

async fn served(people: &str) -> Served {
    served_under(people, None).await
}

async fn served_under(people: &str, policy: Option<&str>) -> Served {
    let home = tempfile::tempdir().unwrap();
    let policy = policy.map(|text| {
        let file = home.path().join("policy.yaml");
        std::fs::write(&file, text).unwrap();
        file
    });
    let people = serde_json::from_str(people).unwrap();
    let config = Config { data_dir: home.path().to_owned(), people, policy, ..Config::default() };
    let recording = replay::Recording::load(&recorded()).unwrap();
    let cluster = cluster::over("recorded", replay::Replay::new(recording).router(), &Limits::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://127.0.0.1:{}/mcp", listener.local_addr().unwrap().port());
    let app = App::new(config, Some(cluster)).await.unwrap();
    let store = app.store.clone();
    let (stop, stopped) = watch::channel(false);
    let running = tokio::spawn(app.serve(listener, stopped));
    Served { url, store, stop, running, _home: home }
}

impl Served {
    async fn ask(&self, token: Option<&str>, method: &str, mut params: Value) -> (u16, Value) {
        params["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": NEWEST,
            "io.modelcontextprotocol/clientInfo": {"name": "check", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {}});
        let client = midwatch::http::client().unwrap();
        let mut request = client.post(&self.url).header("accept", "application/json, text/event-stream");
        request = request.header("mcp-protocol-version", NEWEST).header("mcp-method", method);
        if let Some(name) = params["name"].as_str() {
            request = request.header("mcp-name", name);
        }
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = request.json(&body).send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        let message =
            text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?).ok()).next_back();
        (status, message.unwrap_or_default())
    }

    async fn end(self) {
        self.stop.send_replace(true);
        self.running.await.unwrap().unwrap();
    }
}

const VERA: Option<&str> = Some("token-of-vera-0123456789abcdef");
const OSCAR: Option<&str> = Some("token-of-oscar-0123456789abcde");

#[tokio::test]
async fn m04_m06_m12_people_their_roles_and_what_they_see() {
    let served = served(PEOPLE).await;
    assert_eq!(served.ask(None, "tools/list", json!({})).await.0, 401);
    assert_eq!(served.ask(Some("token-of-nobody"), "tools/list", json!({})).await.0, 401);
    let names = async |token| {
        let (status, answer) = served.ask(token, "tools/list", json!({})).await;
        assert_eq!(status, 200, "{answer}");
        answer["result"]["tools"].to_string()
    };
    let (vera, oscar) = (names(VERA).await, names(OSCAR).await);
    assert!(vera.contains("\"pods_list\"") && !vera.contains("\"pods_delete\""));
    assert!(oscar.contains("\"pods_list\"") && oscar.contains("\"pods_delete\""));
    let delete = json!({"name": "pods_delete", "arguments": {"name": "a", "namespace": "shop"}});
    assert_eq!(served.ask(VERA, "tools/call", delete).await.0, 403);
    served.end().await;
}

#[tokio::test]
async fn m11_a_call_reads_the_cluster_and_is_in_the_audit() {
    let served = served(PEOPLE).await;
    let asked = json!({"name": "pods_list_in_namespace", "arguments": {"namespace": "shop"}});
    let (status, answer) = served.ask(VERA, "tools/call", asked).await;
    assert_eq!(status, 200);
    assert!(said(&answer).contains("api-7d9c5b8f6d-x7k2p"), "{answer}");
    let (_, alerts) = served.ask(VERA, "tools/call", json!({"name": "alerts_list", "arguments": {}})).await;
    assert_ne!(alerts["result"]["isError"], true, "{alerts}");
    let store = served.store.clone();
    // a plain read does not wait for the disk, the log is whole once the program has ended
    for _ in 0..200 {
        let rows = audit::newest(store.read(), 10).await.unwrap();
        if rows.iter().any(|row| row.text.contains("pods_list_in_namespace") && row.text.contains("vera")) {
            return served.end().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("the call is not in the audit log");
}

#[tokio::test]
async fn the_policy_decides_on_reads_also_with_the_account_of_the_server() {
    let policy =
        "version: 1\nrules:\n- deny: {class: [R, S], resources: [pods], users: [vera]}\n- allow: {class: [R, S]}\n";
    let served = served_under(PEOPLE, Some(policy)).await;
    let asked = || json!({"name": "pods_list_in_namespace", "arguments": {"namespace": "shop"}});
    let (_, refused) = served.ask(VERA, "tools/call", asked()).await;
    assert!(refused["result"]["isError"] == true && said(&refused).contains("rules[0]"), "{refused}");
    let (_, allowed) = served.ask(OSCAR, "tools/call", asked()).await;
    assert!(said(&allowed).contains("api-7d9c5b8f6d-x7k2p"), "{allowed}");
    served.end().await;
}

#[tokio::test]
async fn m02_this_machine_may_read_while_nobody_is_known() {
    let served = served("{}").await;
    let (status, answer) = served.ask(None, "tools/list", json!({})).await;
    assert_eq!(status, 200);
    assert!(!answer["result"]["tools"].to_string().contains("\"readOnlyHint\":false"), "{answer}");
    let delete = json!({"name": "pods_delete", "arguments": {"name": "a", "namespace": "shop"}});
    assert_eq!(served.ask(None, "tools/call", delete).await.0, 403);
    served.end().await;
}
