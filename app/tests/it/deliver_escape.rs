//! What an attacker writes into labels and annotations is data: through composing and rendering for every channel it
//! becomes no mention and no link, and secrets in it stay inside.

use std::collections::BTreeMap;
use std::sync::Arc;

use diagnose::Lang;
use jiff::tz::TimeZone;
use midwatch::alerts::{IncidentView, Intake, Settings};
use midwatch::deliver::{Composer, Routes, Templates};
use midwatch::message::Voice;
use midwatch::store::outbox::Row;
use midwatch::store::{self, Store};
use notify::{Body, Channel};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::harness::settings;

const CALLS: [&str; 9] = ["<at", "<@", "<!channel", "<!here", "@all", "@everyone", "@here", "@channel", "@所有人"];

struct Desk {
    _folder: tempfile::TempDir,
    intake: Intake,
    composer: Composer,
    channels: BTreeMap<String, Channel>,
}

impl Desk {
    async fn new() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&settings(folder.path().join("midwatch.db"))).await.unwrap();
        let channels: BTreeMap<String, Channel> = serde_json::from_value(json!({
            "feishu_bot": {"type": "feishu_bot", "url": "http://127.0.0.1/x"},
            "feishu_app": {"type": "feishu_app", "app_id": "a", "app_secret": "b", "receive_id": "oc_1"},
            "wecom": {"type": "wecom_bot", "url": "http://127.0.0.1/?key=k"},
            "wecom_v2": {"type": "wecom_bot", "url": "http://127.0.0.1/?key=k", "style": "markdown_v2"},
            "dingtalk": {"type": "dingtalk_bot", "url": "http://127.0.0.1/?access_token=t"},
            "slack": {"type": "slack", "url": "http://127.0.0.1/x"},
            "email": {"type": "email", "host": "mail", "from": "a@example.com", "to": ["b@example.com"]},
            "console": {"type": "console"},
        }))
        .unwrap();
        let mut storm = Settings::default();
        storm.storm.incidents_per_minute = u32::MAX;
        let routes = Arc::new(|_: &IncidentView<'_>| vec!["chat".to_owned()]);
        let intake = Intake { store: store.clone(), settings: Arc::new(storm), routes, queue: Arc::default() };
        let composer = Composer {
            store,
            voice: Voice { lang: Lang::En, zone: TimeZone::UTC },
            cluster: String::new(),
            public_url: None,
            routes: Arc::new(Routes::new(&[], vec!["chat".to_owned()])),
            templates: Templates::default(),
        };
        Self { _folder: folder, intake, composer, channels }
    }

    /// Every text of the alert's message, by channel.
    async fn texts(&self, labels: &Value, annotations: &Value) -> Vec<(String, Vec<String>)> {
        let body = json!({"version": "4", "status": "firing", "alerts": [{
            "status": "firing", "startsAt": jiff::Timestamp::now().to_string(), "endsAt": "0001-01-01T00:00:00Z",
            "labels": labels, "annotations": annotations,
        }]});
        self.intake.accept("alertmanager", body.to_string().into(), store::now()).await.unwrap();
        let newest = "SELECT * FROM outbox ORDER BY id DESC LIMIT 1";
        let row: Row = sqlx::query_as(newest).fetch_one(self.intake.store.read()).await.unwrap();
        let mut all = Vec::new();
        for (name, channel) in &self.channels {
            let composed = self.composer.compose(&row, channel).await.unwrap().unwrap();
            let mut texts = Vec::new();
            for part in channel.render(&composed.message).parts {
                match part.body {
                    Body::Json(json) => strings(&json, &mut texts),
                    Body::Mail(letter) => {
                        // a subject is read as it is; only a line break could add a header
                        assert!(!letter.subject.contains(['\r', '\n']), "{}", letter.subject);
                        texts.push(letter.html);
                    }
                    Body::Text(text) => texts.push(text),
                }
            }
            all.push((name.clone(), texts));
        }
        all
    }
}

fn strings(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(list) => list.iter().for_each(|value| strings(value, found)),
        Value::Object(map) => map.values().for_each(|value| strings(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Code is shown as it is and is not read for links by any of the messengers.
fn without_code(text: &str) -> String {
    text.split("```").step_by(2).flat_map(|outside| outside.split('`').step_by(2)).collect()
}

fn hostile() -> impl Strategy<Value = String> {
    let bait = prop::sample::select(vec![
        "<at id=all></at>",
        "<at user_id=\"ou_x\">x</at>",
        "<@U123>",
        "<!channel>",
        "<!here|x>",
        "@all",
        "@所有人",
        "@everyone",
        "[click](https://evil.example/x)",
        "![i](https://evil.example)",
        "<https://evil.example|ok>",
        "https://evil.example",
        "<a href=\"https://evil.example\">x</a>",
        "```",
        "`",
        "**",
        "\n",
        "\\",
        "](",
        "\u{202e}",
        "\u{1b}[2J",
    ]);
    prop::collection::vec(prop_oneof![3 => bait.prop_map(str::to_owned), 1 => any::<String>()], 1..6)
        .prop_map(|pieces| pieces.concat())
}

fn check(channel: &str, texts: &[String]) -> Result<(), TestCaseError> {
    for text in texts {
        prop_assert!(!text.contains('\u{202e}'), "hidden characters on {channel}: {text}");
        if channel == "console" {
            prop_assert!(!text.contains("\u{1b}[2J"), "the terminal is steered: {text}");
            continue;
        }
        if channel == "email" {
            prop_assert!(!text.contains("<a ") && !text.contains("<img"), "a link on {channel}: {text}");
            continue;
        }
        let low = text.to_lowercase();
        for call in CALLS {
            prop_assert!(!low.contains(call), "{call} on {channel}: {text}");
        }
        let open = without_code(text);
        prop_assert!(!open.contains("://") && !open.contains("]("), "a link on {channel}: {text}");
    }
    Ok(())
}

#[test]
fn no_label_or_annotation_adds_a_mention_or_a_link_on_any_channel() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let desk = runtime.block_on(Desk::new());
    let mut runner = TestRunner::new(Config { cases: 96, failure_persistence: None, ..Config::default() });
    let alert = (hostile(), hostile(), hostile(), hostile());
    let outcome = runner.run(&alert, |(name, namespace, pod, summary)| {
        let labels = json!({"alertname": name, "namespace": namespace, "pod": pod, "severity": "warning"});
        for (channel, texts) in runtime.block_on(desk.texts(&labels, &json!({"summary": summary}))) {
            check(&channel, &texts)?;
        }
        Ok(())
    });
    outcome.unwrap();
}

#[tokio::test]
async fn secrets_in_labels_and_annotations_do_not_leave() {
    let desk = Desk::new().await;
    let labels = json!({"alertname": "LoginFailed", "namespace": "shop", "severity": "warning",
                        "job": "probe", "pod": "password=hunter2-Xy7pQ"});
    let annotations =
        json!({"summary": "probe of postgres://app:hunter2-Xy7pQ@db/shop failed, password=hunter2-Xy7pQ"});
    for (channel, texts) in desk.texts(&labels, &annotations).await {
        assert!(!texts.iter().any(|text| text.contains("hunter2")), "{channel}: {texts:?}");
        assert!(texts.iter().any(|text| text.contains("LoginFailed")), "{channel}: {texts:?}");
    }
}
