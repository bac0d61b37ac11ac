//! The black box: runs as they are kept, shown, taken out and played again.

use midwatch::store::{Store, runs};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection, SqliteConnection};

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
