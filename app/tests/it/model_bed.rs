//! The seed's incident on a real control plane, both faults one after the other, with a scripted model that fails in every
//! way of the table, that prints its calls in five dialects, and that speaks five wire formats.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use jiff::Timestamp;
use llm::pretend::{Model, Turn};
use notify::pretend::{Pretend, feishu::Feishu};
use regex::Regex;
use serde_json::{Value, json};

use crate::approvals::long;
use crate::model_faults::{Act, NO_IMAGE, NO_TLS, Stage, TOO_SMALL, Told, check, cited, claim, good, rows};
use crate::testbed::{Midwatch, TestBed, free_address};

const PATIENCE: Duration = Duration::from_secs(90);

/// A printed call in the dialect.
type Prints = fn(&str, &Value) -> Turn;

/// Names of dialects and how a model prints a call in each.
const DIALECTS: [(&str, Prints); 5] = [
    ("native", |name, arguments| Turn::call(name, arguments.clone())),
    ("Hermes", |name, arguments| {
        Turn::text(format!("<tool_call>\n{}\n</tool_call>", json!({"name": name, "arguments": arguments})))
    }),
    ("DeepSeek", |name, arguments| {
        Turn::text(format!(
            "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>{name}\n```json\n{arguments}\n```\
             <｜tool▁call▁end｜><｜tool▁calls▁end｜>"
        ))
    }),
    ("Qwen3 XML", |name, arguments| {
        let one = |(name, value): (&String, &Value)| {
            format!("<parameter={name}>\n{}\n</parameter>\n", value.as_str().unwrap())
        };
        let parameters: String = arguments.as_object().unwrap().iter().map(one).collect();
        Turn::text(format!("<tool_call>\n<function={name}>\n{parameters}</function>\n</tool_call>"))
    }),
    ("plain JSON", |name, arguments| {
        Turn::text(format!("```json\n{}\n```", json!({"name": name, "arguments": arguments})))
    }),
];
const FORMATS: [&str; 5] = ["openai_chat", "openai_responses", "anthropic", "gemini", "ollama"];

/// The control plane and the pod that the alert is about.
struct Scene<'a> {
    bed: &'a TestBed,
    pod: String,
    stage: &'static Stage,
}

impl<'a> Scene<'a> {
    fn new(bed: &'a TestBed, stage: &'static Stage) -> Self {
        let name = bed.kubectl(&["get", "pods", "-n", "aiops", "-o", "jsonpath={.items[0].metadata.name}"]);
        Self { bed, pod: name, stage }
    }

    /// A Midwatch of its own with this model is sent the alert; what it has told when all is done.
    async fn told(&self, act: Act, more: &Value, wish: &str) -> Told {
        let model = Model::acting(act).await.unwrap();
        let port = model.root.rsplit_once(':').unwrap().1.to_owned();
        let group = Pretend::start(Feishu::new("group", None)).await.unwrap();
        let mut one = json!({"name": "m", "url": model.url, "model": "m", "deadline_s": 2});
        one.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        if one["url"] == NO_TLS {
            one["url"] = model.url.replace("http:", "https:").into();
        }
        let address = free_address();
        let config = json!({
            "cluster": {"kubeconfig": self.bed.reader()}, "lang": "en", "models": [one], "model": wish,
            "channels": {"feishu": {"type": "feishu_bot", "url": group.url("/open-apis/bot/v2/hook/group")}},
        });
        let midwatch = Midwatch::start(address, config).await;
        let alert = json!({"version": "4", "status": "firing", "alerts": [{
            "status": "firing", "startsAt": Timestamp::now(), "endsAt": "0001-01-01T00:00:00Z",
            "labels": {"alertname": "KubePodNotReady", "namespace": "aiops", "pod": self.pod, "severity": "warning"},
            "annotations": {"summary": "the pod is not ready"}}]});
        let client = reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap();
        let sent = Timestamp::now();
        let taken = client.post(format!("http://{address}/webhooks/alertmanager")).json(&alert).send().await.unwrap();
        assert_eq!(taken.status(), 200);
        let words = ended(&midwatch).await;
        let since = |at: Timestamp| Duration::try_from(at.duration_since(sent)).unwrap_or_default();
        Told {
            cards: group.with(|feishu| feishu.messages.iter().map(|m| (since(m.at), m.text())).collect()),
            asked: model.requests().len(),
            violations: model.violations(),
            open: settled(|| model.open()).await,
            connections: connections(port.parse().unwrap()),
            words,
        }
    }
}

/// Waits until there is nothing left to do. What was kept of the model's answer, if one was asked.
async fn ended(midwatch: &Midwatch) -> Option<Value> {
    let store = midwatch.store().await;
    let began = Instant::now();
    loop {
        let left: i64 = sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM outbox WHERE state IN ('queued', 'leased'))
                  + (SELECT count(*) FROM jobs WHERE kind IN ('investigate', 'word') AND state IN ('queued', 'leased'))
                  + (SELECT count(*) = 0 FROM outbox WHERE kind = 'diagnosis')",
        )
        .fetch_one(&store)
        .await
        .unwrap();
        if left == 0 {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "{left} things are left to do:\n{}", midwatch.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let words: Option<Option<String>> =
        sqlx::query_scalar("SELECT words FROM runs").fetch_optional(&store).await.unwrap();
    words.flatten().map(|words| serde_json::from_str(&words).unwrap())
}

/// The model's server learns a moment later that nobody listens.
async fn settled(open: impl Fn() -> usize) -> usize {
    for _ in 0..40 {
        if open() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    open()
}

/// Connections to a port of this machine, as the kernel lists them.
fn connections(port: u16) -> usize {
    let Ok(table) = std::fs::read_to_string("/proc/net/tcp") else { return 0 };
    let to = format!("0100007F:{port:04X}");
    let is_open = |line: &&str| matches!(line.split_whitespace().collect::<Vec<_>>().as_slice(), [_, _, remote, "01", ..] if *remote == to);
    table.lines().filter(is_open).count()
}

/// How many go on side by side; few, where figures are wanted.
fn side_by_side() -> usize {
    if long() { 1 } else { 8 }
}

async fn whatever_fails(scene: &Scene<'_>) {
    let stage = scene.stage;
    let told = rows(stage).into_iter().map(async |row| (row.name, scene.told(row.act, &row.settings, "always").await));
    let all: Vec<(&str, Told)> = futures::stream::iter(told).buffer_unordered(side_by_side()).collect().await;
    println!("{}: row | plain alert, rules' verdict, final report in ms | requests | messages", stage.name);
    let ms = |time: Option<Duration>| time.map_or("none".to_owned(), |time| time.as_millis().to_string());
    for (name, told) in &all {
        let (plain, verdict) = (told.cards.first().map(|(at, _)| *at), told.verdict(stage).map(|(at, _)| *at));
        let last = told.cards.last().map(|(at, _)| *at);
        println!("{name} | {}, {}, {} | {} | {}", ms(plain), ms(verdict), ms(last), told.asked, told.cards.len());
    }
    let wrong: Vec<String> = all.iter().filter_map(|(name, told)| check(name, stage, told).err()).collect();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), all.len(), wrong.join("\n---\n"));
}

/// Looks at an object with a call in the dialect, then answers with what it saw.
fn looking(prints: Prints, stage: &'static Stage) -> Act {
    Box::new(move |body| {
        if !body.to_string().contains("[R1]") {
            return prints("resources_get", &(stage.object)());
        }
        let id = cited(body, stage.quote).unwrap_or_default();
        let claims = [claim(stage.claim, &id, stage.quote), claim(stage.seen, "R1", stage.inside)];
        Turn::text(json!({"overview": claims[0], "claims": claims, "suggestions": []}).to_string())
    })
}

/// What may differ between two reports of the same state: times, ids of evidence, and what a pod that is tried again and
/// again says of itself.
fn steady(text: &str) -> String {
    let moving =
        Regex::new(r"E\d+|ErrImagePull|ImagePullBackOff|\d{4}-\d\d-\d\dT?\S*|\d\d:\d\d(:\d\d)?\S*|x\d+|\d+ (times|seconds|minutes)|\d+(m|s)\b")
            .unwrap();
    let cited = |line: &&str| !line.starts_with("> E");
    let text: Vec<&str> = text.lines().filter(cited).collect();
    moving.replace_all(&text.join("\n"), "_").into_owned()
}

/// The same report from each; every claim is kept.
async fn the_same(scene: &Scene<'_>, acts: Vec<(&'static str, Act, Value)>, requests: usize) {
    let told = acts.into_iter().map(async |(name, act, more)| (name, scene.told(act, &more, "always").await));
    let all: Vec<(&str, Told)> = futures::stream::iter(told).buffered(side_by_side()).collect().await;
    let mut first: Option<(String, String)> = None;
    for (name, told) in &all {
        check(name, scene.stage, told).unwrap();
        let words = told.words.clone().unwrap();
        assert_eq!(words["dropped"], json!([]), "{name}");
        assert_eq!(told.asked, requests, "{name}");
        assert!(told.last().contains(scene.stage.claim), "{name}: {}", told.last());
        let report = (steady(&words.to_string()), steady(told.last()));
        match &first {
            Some(first) => assert_eq!(*first, report, "{name}"),
            None => first = Some(report),
        }
    }
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    println!("{}: the same final report in {}", scene.stage.name, names.join(", "));
}

async fn stage(scene: &Scene<'_>) {
    let stage = scene.stage;
    whatever_fails(scene).await;
    let dialects = DIALECTS.iter().map(|(name, prints)| (*name, looking(*prints, stage), json!({"deadline_s": 20})));
    the_same(scene, dialects.collect(), 2).await;
    let speaking: fn(&'static Stage) -> Act = |stage| Box::new(move |body| good(body, stage));
    let formats = FORMATS.map(|format| (format, speaking(stage), json!({"dialect": format, "deadline_s": 20})));
    the_same(scene, formats.into(), 1).await;
    for wish in ["when_unsure", "never"] {
        let told = scene.told(speaking(stage), &json!({}), wish).await;
        check(wish, stage, &told).unwrap();
        assert_eq!((told.asked, told.cards.len()), (0, 2), "{wish}: the rules are certain");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn model_on_the_bed_never_spoils_a_report() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let bed = tokio::task::spawn_blocking(|| TestBed::start(&["--no-prometheus"])).await.unwrap();
    bed.fault(&["seed-incident"]);
    stage(&Scene::new(&bed, &TOO_SMALL)).await;
    bed.mend("seed-incident");
    let began = Instant::now();
    while !bed.kubectl(&["get", "events", "-n", "aiops"]).contains("Failed to pull image") {
        assert!(began.elapsed() < PATIENCE, "the image is not pulled at all");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    stage(&Scene::new(&bed, &NO_IMAGE)).await;
}
