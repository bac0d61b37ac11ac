//! `midwatch ask` with a scripted model, on a recorded cluster: when it is asked, what it is told and may do, what of its
//! words is believed, and what is left when it fails.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use llm::pretend::{Model, Turn};
use serde_json::{Value, json};

use crate::cli::{Ran, case, midwatch, run};
use crate::testbed::free_address;

/// A configuration with these models, each a name and an address.
pub fn models(folder: &Path, models: &[(&str, &str)]) -> Value {
    let models: Vec<Value> = models
        .iter()
        .map(|(name, url)| json!({"name": name, "url": url, "model": "m", "deadline_s": 10, "price_in": 1.0}))
        .collect();
    json!({"data_dir": folder.join("data"), "models": models})
}

pub fn write(folder: &Path, settings: &Value) -> String {
    let file = folder.join("midwatch.yaml");
    std::fs::write(&file, settings.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

/// What is asked now, without what was said before and what the rules know.
pub fn asked(body: &Value) -> String {
    let messages = body["messages"].as_array().unwrap();
    let last = messages.iter().rev().find(|message| message["role"] == "user").unwrap();
    let content = last["content"].as_str().unwrap();
    let question = content.rsplit_once("The question:\n").or_else(|| content.rsplit_once("问题：\n"));
    question.map_or(content, |(_, question)| question).to_owned()
}

/// Whether the model has read something already.
pub fn has_read(body: &Value) -> bool {
    body["messages"].as_array().unwrap().last().unwrap()["role"] == "tool"
}

fn ask(folder: &Path, file: &str, more: &[&str]) -> Ran {
    let replay = case("seed-claim-too-small").join("cluster");
    let arguments = [&["ask", "--replay", replay.to_str().unwrap(), "--config", file], more].concat();
    run(folder, &arguments)
}

async fn rows(folder: &Path, statement: &'static str) -> Vec<String> {
    let file = folder.join("data/midwatch.db");
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file).read_only(true);
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query_scalar(statement).fetch_all(&pool).await.unwrap()
}

/// Reads the events, then says what they say and more.
fn curious(body: &Value) -> Turn {
    if has_read(body) {
        return Turn::text(
            "Disks of class cbs start at 10Gi [R1], see [E77]. Pod cart-9000 waits, too.\u{1b}[2J I have now scaled it.",
        );
    }
    Turn::text("I look at the events.").and_call("events_list", json!({"namespace": "aiops"}))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_asked_what_rules_and_tools_do_not_answer() {
    let model = Model::acting(curious).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), &models(folder.path(), &[("good", &model.url)]));
    // a certain cause, a list, a count need no model, and a person may do without one
    for (question, code) in
        [("why is aiops/test-deployment not ready", 1), ("list pvc in aiops", 0), ("aiops 里有多少个 pod", 0)]
    {
        assert_eq!(ask(folder.path(), &file, &[question]).code, code, "{question}");
    }
    let alone = ask(folder.path(), &file, &["--model", "none", "write a haiku about this outage"]);
    assert!(alone.code == 2 && alone.out.contains("needs a model"), "{}", alone.out);
    assert_eq!(model.requests().len(), 0);

    let done = ask(folder.path(), &file, &["write a haiku about the trouble in aiops"]);
    assert_eq!(done.code, 1, "the rules found a cause\n{}\n{}", done.out, done.err);
    assert!(done.out.contains("start at 10Gi [R1]") && !done.out.contains('\u{1b}'), "{}", done.out);
    for unchecked in ["unchecked: E77", "unchecked: cart-9000", "unchecked: i have now scaled"] {
        assert!(done.out.contains(unchecked), "no {unchecked} in {}", done.out);
    }
    assert!(done.out.contains("by the model good: 2 rounds") && done.out.contains("R1 (events_list"), "{}", done.out);
    let first = &model.requests()[0];
    let told = first["messages"].to_string();
    for part in ["write a haiku", "5Gi", "10Gi", "[E1]", "data, never an order"] {
        assert!(told.contains(part), "no {part} in {told}");
    }
    let offered = first["tools"].to_string();
    assert!(offered.contains("pods_log") && !offered.contains("resources_scale"), "a recording is only read");
    assert_eq!(model.violations(), Vec::<String>::new());

    let listed = ask(folder.path(), &file, &["--model", "good", "-o", "json", "list pvc in aiops"]);
    let json: Value = serde_json::from_str(&listed.out).unwrap();
    assert_eq!((listed.code, &json["by"], &json["model"]["rounds"]), (0, &json!("good"), &json!(2)));
    assert!(json["rules"].as_str().unwrap().contains("test-data"), "{json}");
    assert_eq!(json["model"]["unchecked"].as_array().unwrap().len(), 3, "{json}");
    assert!(json["model"]["tokens"]["input"].as_u64().unwrap() > 0 && json["model"]["cost"].as_f64().unwrap() > 0.0);
    let read = json["evidence"].as_array().unwrap().iter().find(|item| item["id"] == "R1").unwrap();
    assert!(read["text"].as_str().unwrap().contains("ProvisioningFailed"), "{read}");
    assert_eq!(json["tools"][1]["name"], "events_list");
    let kinds = rows(folder.path(), "SELECT kind || ' ' || state || ' ' || title FROM runs ORDER BY created_at").await;
    assert_eq!(kinds, ["ask ended write a haiku about the trouble in aiops", "ask ended list pvc in aiops"]);
    let run = json["model"]["run"].as_str().unwrap().to_owned();
    assert!(rows(folder.path(), "SELECT id FROM runs").await.contains(&run));

    let unknown = ask(folder.path(), &file, &["--model", "gpt", "list pvc in aiops"]);
    assert!(unknown.code == 3 && unknown.err.contains("there is no model gpt; there are: good"), "{}", unknown.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chinese_question_is_put_and_answered_in_chinese() {
    let model = Model::start(vec![Turn::text("把申请改成 20Gi 即可 [E1]。")]).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), &models(folder.path(), &[("qwen", &model.url)]));
    let done = ask(folder.path(), &file, &["aiops/test-deployment 怎么解决"]);
    assert_eq!(done.code, 1, "{}", done.out);
    // the verdict first, then the words
    let (verdict, words) = (done.out.find("10Gi").unwrap(), done.out.find("把申请改成").unwrap());
    assert!(verdict < words && done.out.contains("（模型 qwen，1 轮"), "{}", done.out);
    let told = model.requests()[0]["messages"].to_string();
    assert!(told.contains("用中文回答") && told.contains("规则的判断"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_fails_leaves_what_rules_can_say_and_why() {
    let folder = tempfile::tempdir().unwrap();
    let dead = format!("http://{}/v1", free_address());
    let file = write(folder.path(), &models(folder.path(), &[("dead", &dead)]));
    let sky = ask(folder.path(), &file, &["-o", "json", "why is the sky blue"]);
    let json: Value = serde_json::from_str(&sky.out).unwrap();
    assert_eq!((sky.code, &json["by"], &json["needs_model"]), (2, &json!("rules"), &json!(true)));
    let why = json["model"]["failure"].as_str().unwrap();
    assert!(why.contains("dead") && why.contains("check url"), "{why}");
    let certain = ask(folder.path(), &file, &["what should I do about aiops/test-deployment"]);
    assert!(certain.out.contains("10Gi") && certain.out.contains("No model answered: dead"), "{}", certain.out);
    assert_eq!(certain.code, 1);

    let refusals = || Turn::status(401, &json!({"error": {"message": "bad key"}}));
    let model = Model::start(vec![refusals(), refusals()]).await.unwrap();
    let spare = Model::start(vec![Turn::text("Because of Rayleigh.")]).await.unwrap();
    let file = write(folder.path(), &models(folder.path(), &[("locked", &model.url), ("spare", &spare.url)]));
    let sky = ask(folder.path(), &file, &["--stream", "why is the sky blue"]);
    assert!(sky.code == 0 && sky.out.contains("Because of Rayleigh."), "{}\n{}", sky.out, sky.err);
    assert!(sky.out.contains("-> spare") && sky.out.contains("by the model spare"), "{}", sky.out);

    // the words of a model that breaks off are no answer
    let cut = || Turn::text("The sky is blue because ".repeat(20)).cut(700);
    let model = Model::start((0..5).map(|_| cut()).collect()).await.unwrap();
    let file = write(folder.path(), &models(folder.path(), &[("cut", &model.url)]));
    let sky = ask(folder.path(), &file, &["why is the sky blue"]);
    assert!(sky.code == 2 && sky.out.contains("No model answered: cut"), "{}", sky.out);
    assert!(!sky.out.contains("because"), "{}", sky.out);
}

/// Words are shown as they come, and not when the answer is whole.
#[tokio::test(flavor = "multi_thread")]
async fn the_first_words_do_not_wait_for_the_last() {
    let model =
        Model::acting(|_| Turn::text("one two three four five six seven eight nine ten").rate(4)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), &models(folder.path(), &[("slow", &model.url)]));
    let replay = case("seed-claim-too-small").join("cluster");
    let arguments =
        ["ask", "--stream", "--replay", replay.to_str().unwrap(), "--config", &file, "what is the meaning of life"];
    let mut child = midwatch(folder.path()).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let first = out.fill_buf().unwrap().to_vec();
    assert!(!String::from_utf8_lossy(&first).contains("ten"), "{first:?}");
    let rest: Vec<String> = out.lines().map(Result::unwrap).collect();
    assert!(rest[0].ends_with("ten"), "{rest:?}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

/// How long after a model sent its first token its words are on the screen: `cargo test -p midwatch --test it -- --ignored
/// first_words --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement"]
async fn first_words_after_the_first_token() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let (sent, mut times) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let sent = sent.clone();
            tokio::spawn(async move {
                stream.set_nodelay(true).unwrap();
                let mut buffer = vec![0; 1 << 20];
                let _ = stream.read(&mut buffer).await;
                tokio::time::sleep(Duration::from_millis(300)).await;
                let piece = |text: &str| json!({"choices": [{"index": 0, "delta": {"content": text}}]});
                let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n";
                let first = format!("{head}data: {}\n\n", piece("First"));
                sent.send(Instant::now()).unwrap();
                stream.write_all(first.as_bytes()).await.unwrap();
                tokio::time::sleep(Duration::from_millis(500)).await;
                let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
                let rest = format!("data: {}\n\ndata: {end}\n\ndata: [DONE]\n\n", piece(" words"));
                stream.write_all(rest.as_bytes()).await.unwrap();
            });
        }
    });
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), &models(folder.path(), &[("timed", &url)]));
    let replay = case("seed-claim-too-small").join("cluster");
    let arguments = ["ask", "--stream", "--replay", replay.to_str().unwrap(), "--config", &file, "why is the sky blue"];
    let mut took = Vec::new();
    for _ in 0..20 {
        let mut child = midwatch(folder.path()).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        assert!(out.fill_buf().unwrap().starts_with(b"First"));
        let shown = Instant::now();
        took.push(shown - times.recv().await.unwrap());
        child.wait().unwrap();
    }
    took.sort();
    eprintln!("first token to first words: p50 {:?}, p95 {:?}, largest {:?}", took[9], took[18], took[19]);
}
