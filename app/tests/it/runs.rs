//! The black box: runs as they are kept, shown, taken out and played again.

use std::path::{Path, PathBuf};

use llm::pretend::{Model, Turn};
use midwatch::store::{Store, runs};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

use crate::cli::{Ran, run};
use crate::evals::named;
use crate::harness::settings;

const HOUR: i64 = 3_600_000;

/// The schema before runs had a kind.
const BEFORE_KINDS: &str = "DROP INDEX runs_kind;
    ALTER TABLE runs DROP COLUMN kind;
    ALTER TABLE runs DROP COLUMN title;
    ALTER TABLE runs DROP COLUMN report;
    DELETE FROM _sqlx_migrations WHERE version = 7;
    INSERT INTO incidents (id, kind, state, severity, cluster, title, lead, revision, opened_at, updated_at)
      VALUES (4, 'alert', 'open', 'warning', 'c', 'cart is not ready', 'a', 2, 1, 1);
    INSERT INTO runs (id, incident, revision, state, words, created_at, updated_at)
      VALUES ('incident-4-2', 4, 2, 'ended', '{}', 7, 8), ('lost', NULL, NULL, 'running', NULL, 7, 8);
    INSERT INTO run_steps (run, n, at, step) VALUES ('incident-4-2', 1, 7, '{\"step\":\"cut\",\"what\":\"x\"}');";

#[tokio::test]
async fn runs_of_an_earlier_version_are_alerts_and_nothing_of_them_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.db");
    Store::open(&settings(path.clone())).await.unwrap().close().await;
    let mut old = SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&path)).await.unwrap();
    sqlx::raw_sql(BEFORE_KINDS).execute(&mut old).await.unwrap();
    old.close().await.unwrap();

    let store = Store::open(&settings(path)).await.unwrap();
    let run = runs::get(store.read(), "incident-4-2").await.unwrap().unwrap();
    assert_eq!((run.kind.as_str(), run.title.as_str()), ("alert", "cart is not ready"));
    assert_eq!((run.state.as_str(), run.words.as_deref(), run.updated_at), ("ended", Some("{}"), 8));
    assert_eq!(runs::steps(store.read(), "incident-4-2").await.unwrap().len(), 1);
    let lost = runs::get(store.read(), "lost").await.unwrap().unwrap();
    assert_eq!((lost.kind.as_str(), lost.title.as_str(), lost.report), ("alert", "", None));
}

#[tokio::test]
async fn runs_are_forgotten_with_their_steps_by_their_last_touch() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&settings(folder.path().join("m.db"))).await.unwrap();
    let removed = store
        .write(|c| {
            Box::pin(async move {
                for (id, at) in [("old", 1), ("young", 5 * HOUR)] {
                    runs::begin(c, id, runs::Kind::Chat, "a question", None, at).await?;
                    runs::step(c, id, "{}", at).await?;
                }
                runs::prune(c, 2 * HOUR).await
            })
        })
        .await
        .unwrap();
    assert_eq!(removed, 1);
    assert!(runs::get(store.read(), "old").await.unwrap().is_none());
    assert!(runs::steps(store.read(), "old").await.unwrap().is_empty());
    assert_eq!(runs::steps(store.read(), "young").await.unwrap().len(), 1);
}

/// A folder with a configuration, and one run of the seed's case in its store.
struct Night {
    folder: tempfile::TempDir,
    models: Vec<Model>,
    id: String,
}

impl Night {
    /// `names` are characters; the first one made the run.
    async fn with(names: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut models = Vec::new();
        for name in names {
            models.push(Model::acting(named(name).unwrap()).await.unwrap());
        }
        let of = |(name, model): (&&str, &Model)| json!({"name": name, "url": model.url, "model": "m", "price_in": 10});
        let list: Vec<Value> = names.iter().zip(&models).map(of).collect();
        let config = json!({"lang": "en", "data_dir": folder.path().join("data"), "models": list});
        std::fs::write(folder.path().join("midwatch.yaml"), config.to_string()).unwrap();
        let mut night = Self { folder, models, id: String::new() };
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../evals/cases");
        let cases = cases.to_str().unwrap();
        let made = night.run(&["eval", cases, "--only", "seed-claim-too-small", "--model", names[0], "--keep"]);
        assert_eq!(made.code, 0, "{}\n{}", made.out, made.err);
        let listed = night.json(&["runs", "list", "-o", "json"]);
        assert_eq!(listed.as_array().unwrap().len(), 1);
        night.id = listed[0]["id"].as_str().unwrap().to_owned();
        night
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        run(self.folder.path(), arguments)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let ran = self.run(arguments);
        serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}\n{}", ran.out, ran.err))
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_listed_and_shown_step_by_step() {
    let night = Night::with(&["hesitant"]).await;
    let listed = night.run(&["runs", "list", "--kind", "eval", "--since", "1h"]);
    assert!(
        listed.out.contains(&night.id) && listed.out.contains("seed-claim-too-small by hesitant"),
        "{}",
        listed.out
    );
    for (arguments, wanted) in [
        (&["runs", "list", "--kind", "alert"][..], "no runs"),
        (&["runs", "list", "--incident", "7"], "no runs"),
        (&["runs", "list", "--since", "2100-01-01T00:00:00Z"], "no runs"),
    ] {
        assert_eq!(night.run(arguments).out.trim(), wanted, "{arguments:?}");
    }
    let wrong = night.run(&["runs", "list", "--since", "yesterday"]);
    assert!(wrong.code == 2 && wrong.err.contains("30m, 12h, 3d"), "{}", wrong.err);

    let shown = night.run(&["runs", "show", &night.id]).out;
    let order = [
        "eval, ended",
        "hesitant; 2 round(s), 1 call(s), 2 request(s)",
        "200 in (120 cached)",
        "cost 0.002",
        "ended    answered",
        "asked, round 1",
        "instructions",
        "What the rules found",
        "wants namespaces_list {}",
        "calls namespaces_list {}",
        "namespaces_list gave",
        "[R1]",
        "asked, round 2",
        "ended: answered",
        "kept",
        "claim",
        "[E1]",
    ];
    let mut rest = shown.as_str();
    for part in order {
        rest = rest.split_once(part).unwrap_or_else(|| panic!("{part:?} is not there, or not in order:\n{shown}")).1;
    }
    assert!(shown.contains("more characters (--full)"));
    let full = night.run(&["runs", "show", &night.id[..12], "--full"]).out;
    assert!(!full.contains("(--full)") && full.contains("pods_log"), "the beginning of an id is enough:\n{full}");
    let json = night.json(&["runs", "show", &night.id, "-o", "json"]);
    assert_eq!((json["figures"]["rounds"].as_u64(), json["figures"]["calls"].as_u64()), (Some(2), Some(1)));

    let unknown = night.run(&["runs", "show", "evil-1"]);
    assert_eq!(unknown.code, 3);
    assert!(unknown.err.contains("there is no run evil-1") && unknown.err.contains(&night.id), "{}", unknown.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_dropped_is_shown_with_the_reason_and_nothing_moves_the_terminal() {
    let night = Night::with(&["lying"]).await;
    let shown = night.run(&["runs", "show", &night.id]).out;
    for part in ["dropped", "because there is no evidence E999", "would change something", "because the number 31337"] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    let store = Store::open(&settings(night.file("data/midwatch.db"))).await.unwrap();
    let written = store.write(|c| {
        Box::pin(async move {
            runs::begin(c, "alert-1", runs::Kind::Alert, "a \u{1b}[2Jtitle", None, 1_000).await?;
            let said = json!({"step": "nudged", "text": "x\u{1b}]0;owned\u{7}\u{202e}y"}).to_string();
            runs::step(c, "alert-1", &said, 1_000).await?;
            runs::step(c, "alert-1", "{\"step\":\"of a later version\"}", 1_000).await
        })
    });
    written.await.unwrap();
    store.close().await;
    for arguments in [&["runs", "show", "alert-1"][..], &["runs", "list"]] {
        let out = night.run(arguments).out;
        assert!(out.contains("[2Jtitle") && !out.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{out:?}");
    }
    let out = night.run(&["runs", "show", "alert-1"]).out;
    assert!(out.contains("a step that this version does not know") && out.contains("has not ended"), "{out}");
    let again = night.run(&["runs", "replay", "alert-1"]);
    assert!(again.code == 3 && again.err.contains("nothing was asked in this run"), "{}", again.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_whole_and_is_taken_in_elsewhere() {
    let night = Night::with(&["hesitant"]).await;
    let file = night.file("run.json");
    let file = file.to_str().unwrap();
    assert_eq!(night.run(&["runs", "export", &night.id, "--to", file]).code, 0);
    let document: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!((document["schema"].as_u64(), &document["kind"]), (Some(1), &json!("eval")));
    assert!(!document["report"]["evidence"].as_array().unwrap().is_empty());
    let elsewhere = ["--data-dir", "elsewhere"];
    let taken = night.run(&[&["runs", "import", file][..], &elsewhere].concat());
    assert_eq!(taken.out, format!("imported as imported-{}\n", night.id), "{}", taken.err);
    let twice = night.run(&[&["runs", "import", file][..], &elsewhere].concat());
    assert!(twice.code == 3 && twice.err.contains("was imported already"), "{}", twice.err);
    // nothing but the id is another
    let id = format!("imported-{}", night.id);
    let back = night.json(&[&["runs", "export", &id][..], &elsewhere].concat());
    assert_eq!(
        back,
        Value::Object({
            let mut wanted = document.as_object().unwrap().clone();
            wanted["id"] = json!(id);
            wanted
        })
    );
    for (text, wanted) in [
        ("{}", "no `schema`"),
        ("{\"schema\":9}", "use a newer one"),
        ("x", "no JSON"),
        ("{\"schema\":1}", "missing field"),
    ] {
        std::fs::write(night.file("bad.json"), text).unwrap();
        let bad = night.run(&["runs", "import", "bad.json"]);
        assert!(bad.code == 3 && bad.err.contains(wanted), "{text}: {}", bad.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_run_is_run_again_against_what_was_recorded() {
    let night = Night::with(&["hesitant", "lying", "good"]).await;
    let asked = |n: usize| night.models[n].requests();
    let first = asked(0)[0].clone();
    let same = night.json(&["runs", "replay", &night.id, "-o", "json"]);
    assert_eq!(same["again"]["words"], same["recorded"]["words"], "the same model says the same");
    assert_eq!((same["again"]["figures"]["rounds"].as_u64(), same["again"]["missing"].as_u64()), (Some(2), Some(0)));
    assert_eq!(asked(0)[2]["messages"], first["messages"], "it begins with the same messages");
    assert_eq!(asked(0)[2]["tools"], first["tools"], "and the same tools");
    assert_eq!(asked(0)[3]["messages"], asked(0)[1]["messages"], "and the call brings what it brought");

    let other = night.run(&["runs", "replay", &night.id, "--model", "lying"]);
    assert_eq!(other.code, 0, "{}", other.err);
    let row = |name: &str| {
        let line = other.out.lines().find(|line| line.starts_with(name)).unwrap();
        line[name.len()..].split_whitespace().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!((row("model"), row("rounds")), (vec!["hesitant".into(), "lying".into()], vec!["2".into(), "1".into()]));
    assert!(other.out.contains("because there is no evidence E999"), "{}", other.out);

    // own instructions, on a document alone: no store is needed
    night.run(&["runs", "export", &night.id, "--to", "run.json"]);
    std::fs::write(night.file("prompt.md"), "Speak like a pirate.").unwrap();
    let own = ["runs", "replay", "run.json", "--model", "good", "--prompt", "prompt.md", "--data-dir", "nowhere"];
    let own = night.run(&own);
    assert_eq!(own.code, 0, "{}", own.err);
    let messages = &asked(2)[0]["messages"];
    let instructions = messages[0]["content"].as_str().unwrap();
    assert!(instructions.starts_with("Speak like a pirate.\n- Answer in JSON"), "{instructions}");
    assert_eq!(messages[1], first["messages"][1], "the evidence is the same");
    assert!(!night.file("nowhere").exists());

    for (arguments, wanted) in
        [(&["--model", "best"][..], "there are: hesitant, lying, good"), (&["--prompt", "no.md"], "no.md")]
    {
        let wrong = night.run(&[&["runs", "replay", &night.id], arguments].concat());
        assert!(wrong.code == 3 && wrong.err.contains(wanted), "{}", wrong.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_was_not_recorded_brings_nothing_of_a_cluster() {
    let mut night = Night::with(&["good"]).await;
    let curious = Model::start(vec![
        Turn::call("pods_list", json!({})).and_call("events_list", json!({"namespace": "aiops"})),
        Turn::text("I do not know."),
        Turn::text("I do not know."),
        Turn::text("I do not know."),
        Turn::text("I do not know."),
    ]);
    night.models.push(curious.await.unwrap());
    let config = json!({"lang": "en", "data_dir": night.file("data"), "models": [{"name": "curious", "url": night.models[1].url, "model": "m"}]});
    std::fs::write(night.file("midwatch.yaml"), config.to_string()).unwrap();
    let again = night.json(&["runs", "replay", &night.id, "-o", "json"]);
    assert_eq!((again["again"]["missing"].as_u64(), again["again"]["figures"]["calls"].as_u64()), (Some(2), Some(2)));
    let told = night.models[1].requests()[1]["messages"].to_string();
    assert_eq!(told.matches("is not in this recording").count(), 2, "{told}");
}
