//! The store when its file is locked, damaged or from the future.

use midwatch::alerts::Accepted;
use midwatch::store::runs::Kind;
use midwatch::store::{Error, Store, chats, runs};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use crate::harness::{Harness, settings};
use crate::intake::webhook;

async fn other(path: &std::path::Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.unwrap()
}

#[tokio::test]
async fn a_locked_database_is_503_and_recovers_by_itself() {
    let midwatch = Harness::start().await;
    let mut other = other(&midwatch.folder.path().join("midwatch.db")).await;
    let body = webhook("firing", "A", &["p"]).to_string();
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let (status, text) = midwatch.post("/webhooks/alertmanager", body.clone()).await;
    assert_eq!(status, 503, "{text}");
    assert!(text.contains("locked"), "{text}");
    assert_eq!(midwatch.get("/readyz").await.0, 503);
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    assert_eq!(midwatch.post("/webhooks/alertmanager", body).await.0, 200);
    assert_eq!(midwatch.count("SELECT count(*) FROM alerts").await, 1);
    assert_eq!(midwatch.get("/readyz").await.0, 200);
}

#[tokio::test]
async fn requests_in_one_transaction_fail_apart() {
    let midwatch = Harness::start().await;
    let good = midwatch.store().write(|c| {
        Box::pin(async move {
            sqlx::query("INSERT INTO heartbeats (source, last_at) VALUES ('good', 1)").execute(c).await?;
            Ok(())
        })
    });
    let bad = midwatch.store().write::<(), _>(|c| {
        Box::pin(async move {
            sqlx::query("INSERT INTO heartbeats (source, last_at) VALUES ('bad', 1)").execute(&mut *c).await?;
            sqlx::query("INSERT INTO no_such_table VALUES (1)").execute(c).await?;
            Ok(())
        })
    });
    let (good, bad) = tokio::join!(good, bad);
    assert!(good.is_ok());
    assert!(matches!(bad, Err(Error::Query(_))));
    assert_eq!(midwatch.count("SELECT count(*) FROM heartbeats").await, 1);
}

#[tokio::test]
async fn requests_that_wait_are_stored_together_and_answered_apart() {
    let midwatch = Harness::start().await;
    let mut other = other(&midwatch.folder.path().join("midwatch.db")).await;
    let poison = "CREATE TRIGGER poison BEFORE INSERT ON alerts WHEN NEW.labels ->> 'pod' = 'bad'
                  BEGIN SELECT RAISE(ABORT, 'bad'); END";
    sqlx::query(poison).execute(&mut other).await.unwrap();
    // they gather while the first of them waits for the lock
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let accepts = ["a", "bad", "b", "a", "c"].map(|pod| {
        let (intake, body) = (midwatch.intake.clone(), webhook("firing", "A", &[pod]).to_string());
        tokio::spawn(async move { intake.accept("alertmanager", body.into(), 1_000).await })
    });
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    let mut words = Vec::new();
    for accept in accepts {
        words.push(match accept.await.unwrap() {
            Ok(Accepted::Stored { .. }) => "stored",
            Ok(Accepted::Repeated) => "repeated",
            Err(Error::Query(_)) => "refused",
            other => panic!("{other:?}"),
        });
    }
    assert_eq!((words[1], words[2], words[4]), ("refused", "stored", "stored"));
    assert!(matches!((words[0], words[3]), ("stored", "repeated") | ("repeated", "stored")), "{words:?}");
    assert_eq!(midwatch.count("SELECT count(*) FROM alerts").await, 3);
    assert_eq!(midwatch.count("SELECT count(*) FROM receipts").await, 3);
}

#[tokio::test]
async fn a_file_that_cannot_be_used_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.db");
    Store::open(&settings(path.clone())).await.unwrap().close().await;

    let mut newer = other(&path).await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations SELECT 99990101, 'x', installed_on, 1, checksum, 0 FROM _sqlx_migrations LIMIT 1",
    )
    .execute(&mut newer)
    .await
    .unwrap();
    newer.close().await.unwrap();
    let error = Store::open(&settings(path.clone())).await.err().unwrap();
    assert!(matches!(error, Error::NewerSchema { version: 99_990_101, .. }), "{error}");
    assert!(error.to_string().contains("newer Midwatch"), "{error}");

    std::fs::write(&path, "this is no database, it is a letter").unwrap();
    let error = Store::open(&settings(path.clone())).await.err().unwrap();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");

    let second = folder.path().join("second.db");
    let store = Store::open(&settings(second.clone())).await.unwrap();
    for n in 0..200 {
        let many = format!("{n}-{}", "x".repeat(3_000));
        store
            .write(move |c| {
                Box::pin(async move {
                    sqlx::query("INSERT INTO heartbeats (source, last_at) VALUES ($1, 1)")
                        .bind(many)
                        .execute(c)
                        .await?;
                    Ok(())
                })
            })
            .await
            .unwrap();
    }
    store.close().await;
    let mut bytes = std::fs::read(&second).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64_000].fill(0x5a);
    std::fs::write(&second, bytes).unwrap();
    let error = Store::open(&settings(second)).await.err().unwrap();
    assert!(matches!(error, Error::Corrupt { .. }), "{error}");
}

#[tokio::test]
async fn what_is_past_its_time_is_forgotten_and_what_is_open_is_not() {
    let midwatch = Harness::start().await;
    let accept = |body: String, at: i64| midwatch.intake.accept("alertmanager", body.into(), at);
    let start = midwatch::store::now();
    let day = 86_400_000;
    accept(webhook("firing", "Old", &["a"]).to_string(), start).await.unwrap();
    accept(webhook("resolved", "Old", &["a"]).to_string(), start + 1_000).await.unwrap();
    accept(webhook("firing", "Open", &["b"]).to_string(), start + 2_000).await.unwrap();
    let kept = settings(midwatch.folder.path().join("midwatch.db"));
    midwatch.store().prune(&kept, start + 2 * day).await.unwrap();
    assert_eq!(midwatch.count("SELECT count(*) FROM receipts").await, 0);
    assert_eq!(midwatch.count("SELECT count(*) FROM alerts").await, 2);
    midwatch.store().prune(&kept, start + 200 * day).await.unwrap();
    assert_eq!(midwatch.count("SELECT count(*) FROM alerts").await, 1);
    assert_eq!(midwatch.count("SELECT count(*) FROM incidents WHERE state = 'open'").await, 1);
    assert_eq!(midwatch.count("SELECT count(*) FROM incidents").await, 1);
}

/// Conversations and what models were asked in them have a time of their own.
#[tokio::test]
async fn conversations_are_forgotten_after_their_own_time() {
    let midwatch = Harness::start().await;
    let store = midwatch.store();
    let start = midwatch::store::now();
    let chat = chats::Chat {
        id: "c".to_owned(),
        person: "ann".to_owned(),
        cluster: "seed".to_owned(),
        state: "{}".to_owned(),
        created_at: start,
        updated_at: start,
    };
    let written = store.write(move |connection| {
        Box::pin(async move {
            chats::add(connection, &chat, "why?", "{}").await?;
            runs::begin(connection, "chat-1", Kind::Chat, "why?", None, start).await?;
            runs::step(connection, "chat-1", "{}", start).await?;
            runs::begin(connection, "alert-1", Kind::Alert, "A", None, start).await
        })
    });
    written.await.unwrap();
    let day = 86_400_000;
    let kept = midwatch::store::Settings {
        retention_days: 30,
        chat_retention_days: 60,
        ..settings(midwatch.folder.path().join("midwatch.db"))
    };
    store.prune(&kept, start + 40 * day).await.unwrap();
    assert_eq!(midwatch.count("SELECT count(*) FROM runs WHERE kind = 'alert'").await, 0);
    assert_eq!(midwatch.count("SELECT count(*) FROM chat_turns").await, 1);
    assert_eq!(midwatch.count("SELECT count(*) FROM run_steps").await, 1);
    store.prune_chats(&kept, start + 61 * day).await.unwrap();
    for table in ["SELECT count(*) FROM chats", "SELECT count(*) FROM chat_turns", "SELECT count(*) FROM run_steps"] {
        assert_eq!(midwatch.count(table).await, 0, "{table}");
    }
}
