//! What was answered 200 against what the pretend channel took, by way of the store that the program leaves behind.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::ConnectOptions as _;
use sqlx::sqlite::SqliteConnectOptions;

use crate::program::Program;

#[derive(Debug, Default)]
pub struct Verdict {
    pub acked: usize,
    /// Acked, and neither delivered nor visibly parked.
    pub lost: Vec<u64>,
    /// Deliveries beyond the first under the same id.
    pub duplicates: usize,
    pub messages: usize,
}

/// The id under which a message goes out, from what the store says of it.
fn delivery_id(incident: i64, revision: i64, channel: &str) -> String {
    let digest =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, format!("{incident}/{revision}/{channel}").as_bytes());
    digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Compares the logs: an alert is delivered when a message of its incident reached the sink that was written after the
/// alert had joined, or a digest that lists it; parked when such a message was given up.
pub async fn check(database: &Path, acked: &[u64], sink: &[String]) -> Verdict {
    let mut db = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
    let reached: HashSet<&String> = sink.iter().collect();
    let rows: Vec<(i64, i64, String, String)> =
        sqlx::query_as("SELECT incident, revision, channel, state FROM outbox").fetch_all(&mut db).await.unwrap();
    let mut told: HashSet<i64> = HashSet::new();
    let mut waiting: HashSet<i64> = HashSet::new();
    let mut digests: HashSet<i64> = HashSet::new();
    for (incident, revision, channel, state) in rows {
        let out = reached.contains(&delivery_id(incident, revision, &channel)) || state == "dead";
        match (incident, out, state.as_str()) {
            (0, true, _) => drop(digests.insert(revision)),
            (_, true, _) => drop(told.insert(incident)),
            (_, false, "queued" | "leased") => drop(waiting.insert(incident)),
            _ => {}
        }
    }
    let listed: Vec<(i64, i64)> =
        sqlx::query_as("SELECT minute, incident FROM digests").fetch_all(&mut db).await.unwrap();
    told.extend(listed.iter().filter(|(minute, _)| digests.contains(minute)).map(|(_, incident)| *incident));
    let incidents: BTreeMap<String, i64> = sqlx::query_as::<_, (String, i64)>(
        "SELECT a.labels ->> 'n', coalesce(i.merged_into, i.id) FROM alerts a
         JOIN episodes e ON e.alert = a.id JOIN incidents i ON i.id = e.incident WHERE a.labels ->> 'n' IS NOT NULL",
    )
    .fetch_all(&mut db)
    .await
    .unwrap()
    .into_iter()
    .collect();
    let safe = |n: &u64| incidents.get(&n.to_string()).is_some_and(|i| told.contains(i) && !waiting.contains(i));
    Verdict {
        acked: acked.len(),
        lost: acked.iter().filter(|n| !safe(n)).copied().collect(),
        duplicates: sink.len() - reached.len(),
        messages: sink.len(),
    }
}

/// Waits until the program has nothing left to say and to do, then stops it.
pub async fn drain(program: &mut Program, patience: Duration) {
    let mut db = SqliteConnectOptions::new().filename(program.folder.join("midwatch.db")).connect().await.unwrap();
    let deadline = Instant::now() + patience;
    loop {
        let left: i64 = sqlx::query_scalar(
            "SELECT (SELECT count(*) FROM outbox WHERE state IN ('queued', 'leased'))
                  + (SELECT count(*) FROM jobs WHERE kind = 'investigate' AND state IN ('queued', 'leased'))",
        )
        .fetch_one(&mut db)
        .await
        .unwrap();
        if left == 0 {
            break;
        }
        assert!(Instant::now() < deadline, "{left} things are not done in time\n{}", program.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    program.kill();
}

/// Lets the leases of a dead program run out at once.
pub async fn end_leases(database: &Path) {
    let mut db = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
    for statement in [
        "UPDATE outbox SET lease_until = 0 WHERE state = 'leased'",
        "UPDATE jobs SET lease_until = 0 WHERE state = 'leased'",
    ] {
        sqlx::query(statement).execute(&mut db).await.unwrap();
    }
}

/// Looks at what is on the disk of a program that is dead: the store must be sound. Gives the alerts in it.
///
/// A copy is looked at: opening the file itself would mend it.
pub async fn stored(database: &Path) -> HashSet<u64> {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    std::fs::copy(database, &copy).unwrap();
    let _ = std::fs::copy(database.with_extension("db-wal"), copy.with_extension("db-wal"));
    let mut db = SqliteConnectOptions::new().filename(&copy).connect().await.unwrap();
    let sound: Vec<String> = sqlx::query_scalar("PRAGMA integrity_check").fetch_all(&mut db).await.unwrap();
    assert_eq!(sound, ["ok"]);
    let numbers: Vec<i64> =
        sqlx::query_scalar("SELECT CAST(labels ->> 'n' AS INTEGER) FROM alerts").fetch_all(&mut db).await.unwrap();
    numbers.into_iter().map(|n| u64::try_from(n).unwrap()).collect()
}
