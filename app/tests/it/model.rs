//! A model joins an alert's diagnosis: what it says in its own words is checked, and whatever it does, the verdict of the
//! rules has gone out and stands.

use std::path::Path;
use std::time::{Duration, Instant};

use llm::pretend::{Model, Turn};
use notify::pretend::{Pretend, feishu::Feishu};
use replay::{Recording, Replay};
use serde_json::{Value, json};

use crate::testbed::{Midwatch, free_address};

const PATIENCE: Duration = Duration::from_secs(60);
const CASE: &str = "../evals/cases/volume_size_below_minimum-alibaba";

/// What came of one alert.
pub struct Seen {
    pub cards: Vec<String>,
    /// what was kept and dropped of the model's answer
    pub words: Value,
    requests: usize,
    metrics: String,
}

async fn seen(models: Value, asked: impl Fn() -> usize) -> Seen {
    seen_within(PATIENCE, models, asked).await
}

/// Sends the case's alert to a Midwatch with these models, and waits for the end of the run.
pub async fn seen_within(patience: Duration, models: Value, asked: impl Fn() -> usize) -> Seen {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(CASE);
    let recording = Recording::load(&folder.join("cluster")).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Replay::new(recording).router()).await });
    let group = Pretend::start(Feishu::new("group", None)).await.unwrap();
    let address = free_address();
    let config = json!({
        "cluster": {"server": server},
        "lang": "en",
        "model": "always",
        "models": models,
        "channels": {"feishu": {"type": "feishu_bot", "url": group.url("/open-apis/bot/v2/hook/group")}},
    });
    let midwatch = Midwatch::start(address, config).await;
    let case: Value = serde_saphyr::from_str(&std::fs::read_to_string(folder.join("case.yaml")).unwrap()).unwrap();
    let client = reqwest::Client::builder().timeout(Duration::from_secs(20)).build().unwrap();
    let sent =
        client.post(format!("http://{address}/webhooks/alertmanager")).json(&case["alert"]).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    let store = midwatch.store().await;
    let began = Instant::now();
    let words = loop {
        let ended: Option<String> =
            sqlx::query_scalar("SELECT words FROM runs WHERE state = 'ended'").fetch_optional(&store).await.unwrap();
        let waiting: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM outbox WHERE state NOT IN ('sent', 'superseded')")
            .fetch_one(&store)
            .await
            .unwrap();
        match ended {
            Some(words) if waiting == 0 => break serde_json::from_str(&words).unwrap(),
            Some(_) | None => {}
        }
        assert!(began.elapsed() < patience, "the run does not end:\n{}", midwatch.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let runs: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM runs").fetch_one(&store).await.unwrap();
    assert_eq!(runs, 1);
    let cards = group.with(|feishu| feishu.messages.iter().map(|message| message.text()).collect());
    let metrics = client.get(format!("http://{address}/metrics")).send().await.unwrap().text().await.unwrap();
    Seen { cards, words, requests: asked(), metrics }
}

/// What holds whatever a model does: the last card names the cause of the rules, and nothing that is not so.
pub fn stands(seen: &Seen, row: &str) {
    let last = seen.cards.last().unwrap();
    for part in ["5Gi", "20Gi", "data", "certain"] {
        assert!(last.contains(part), "{row}: {part} is not in {last}");
    }
    for invented in ["quota", "E99", "web-9", "healthy", "77Gi", "image"] {
        assert!(!last.contains(invented), "{row}: {invented} is in {last}");
    }
    assert!(seen.requests <= 5, "{row}: {} requests", seen.requests);
}

fn claim(text: &str, id: &str, quote: &str) -> Value {
    json!({"text": text, "evidence": [id], "quote": quote})
}

/// An answer in the form, of a model that cites what it was shown.
fn honest(body: &Value) -> Turn {
    let shown = body["messages"].as_array().unwrap().last().unwrap()["content"].as_str().unwrap();
    let line = shown.lines().find(|line| line.contains("at least 20GB")).unwrap();
    let id = line[1..].split_once(']').unwrap().0;
    let said = claim("Disks of this class start at 20Gi.", id, "The specified disk size is invalid");
    Turn::text(json!({"overview": said, "claims": [said], "suggestions": [{"text": "Ask for 20Gi."}]}).to_string())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_says_and_proves_is_told_as_a_revision() {
    let model = Model::acting(honest).await.unwrap();
    let refuses =
        Model::acting(|_| Turn::status(401, &json!({"error": {"message": "invalid api key"}}))).await.unwrap();
    let one = |name: &str, model: &Model| json!({"name": name, "url": model.url, "model": "m", "deadline_s": 5});
    let seen = seen(json!([one("first", &refuses), one("second", &model)]), || model.requests().len()).await;
    stands(&seen, "honest");
    let last = seen.cards.last().unwrap();
    assert!(last.contains("Disks of this class start at 20Gi."), "{last}\n{}", seen.words);
    assert!(last.contains("In a model's words"), "{last}");
    assert!(!seen.cards[0].contains("20Gi"), "the plain alert comes first");
    assert_eq!((seen.requests, model.violations()), (1, vec![]), "one round");
    for line in [
        "midwatch_model_errors_total{model=\"first\",class=\"auth\"} 1",
        "midwatch_model_fallbacks_total{model=\"first\"} 1",
        "midwatch_model_answers_total{model=\"second\"} 1",
    ] {
        assert!(seen.metrics.contains(line), "{line} is not in {}", seen.metrics);
    }
    let asked = &model.requests()[0];
    assert!(llm::tokens::of(&asked["messages"].to_string()) <= 6_000, "the first request is short");
}
