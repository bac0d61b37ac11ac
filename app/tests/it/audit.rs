//! The audit log: whole is accepted, anything else is not.

use midwatch::audit::{self, Action, Audit, Broken, Checkpoint, Entry, Keeper, Settings, Signer, verify};
use midwatch::store::{self, Store, audit as rows};
use proptest::prelude::*;

use crate::harness;

async fn log_of(count: usize) -> (tempfile::TempDir, Store, Keeper) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&harness::settings(folder.path().join("midwatch.db"))).await.unwrap();
    let signer = Signer::open(&folder.path().join("audit.key")).unwrap();
    let copy = Some(folder.path().join("outside.jsonl"));
    let keeper = Keeper::new(store.clone(), signer, &Settings { checkpoint_file: copy, ..Settings::default() });
    let log = Audit::new(store.clone());
    for at in 0..count {
        log.write(Entry::new(Action::Decided, format!("alice-{at}")).note("looked")).await.unwrap();
        if at % 5 == 4 {
            keeper.sign().await.unwrap().unwrap();
        }
    }
    (folder, store, keeper)
}

async fn everything(store: &Store) -> (Vec<rows::Row>, Vec<Checkpoint>) {
    let checkpoints = rows::checkpoints(store.read()).await.unwrap();
    (rows::after(store.read(), 0, 10_000).await.unwrap(), checkpoints.into_iter().map(Checkpoint::from).collect())
}

#[tokio::test]
async fn a_whole_log_is_accepted_and_its_copy_outside_too() {
    let (folder, store, keeper) = log_of(12).await;
    assert!(keeper.sign().await.unwrap().is_some());
    assert!(keeper.sign().await.unwrap().is_none(), "nothing new, nothing to sign");
    let (rows, checkpoints) = everything(&store).await;
    let verdict = verify(&rows, &checkpoints, None).unwrap();
    assert_eq!((verdict.rows, verdict.checkpoints), (12, 3));
    let copy = std::fs::read_to_string(folder.path().join("outside.jsonl")).unwrap();
    let outside: Vec<Checkpoint> = copy.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(outside, checkpoints);
    let key = Signer::open(&folder.path().join("audit.key")).unwrap().key();
    assert!(verify(&rows, &outside, Some(&key)).is_ok());
    assert_eq!(verify(&rows, &outside, Some("AAAA")).err(), Some(Broken::Key(5)));
}

#[tokio::test]
async fn rows_can_be_neither_changed_nor_taken_out_through_the_store() {
    let (_folder, store, _) = log_of(3).await;
    for statement in ["UPDATE audit SET text = 'x' WHERE seq = 2", "DELETE FROM audit WHERE seq = 2"] {
        let refused = store
            .write(move |connection| {
                Box::pin(async move { Ok(sqlx::query(statement).execute(connection).await.map(|_| ())?) })
            })
            .await;
        assert!(refused.err().is_some_and(|error| error.to_string().contains("append-only")), "{statement}");
    }
}

#[tokio::test]
async fn two_programs_write_one_chain() {
    let (folder, store, _) = log_of(1).await;
    let other = Store::open(&harness::settings(folder.path().join("midwatch.db"))).await.unwrap();
    let (ours, theirs) = (Audit::new(store.clone()), Audit::new(other));
    for at in 0..10 {
        let entry = |who: &str| Entry::new(Action::Decided, format!("{who}-{at}"));
        let (one, two) = tokio::join!(ours.write(entry("a")), theirs.write(entry("b")));
        one.and(two).unwrap();
    }
    let (rows, checkpoints) = everything(&store).await;
    assert_eq!(verify(&rows, &checkpoints, None).unwrap().rows, 21);
}

#[tokio::test]
async fn a_row_that_cannot_be_written_is_an_error_and_a_deed_in_its_transaction_is_undone() {
    let (_folder, store, _) = log_of(1).await;
    let entry = Entry::new(Action::Executed, "alice");
    let failed = store
        .write(move |connection| {
            Box::pin(async move {
                sqlx::query("INSERT INTO users (name, created_at) VALUES ('ghost', 1)")
                    .execute(&mut *connection)
                    .await?;
                audit::append(connection, &entry, store::now()).await?;
                sqlx::query("INSERT INTO audit (seq, text, hash) VALUES (1, '', '')").execute(connection).await?;
                Ok(())
            })
        })
        .await;
    assert!(failed.is_err());
    let users: i64 = sqlx::query_scalar("SELECT count(*) FROM users").fetch_one(store.read()).await.unwrap();
    assert_eq!((users, everything(&store).await.0.len()), (0, 1));
}

#[tokio::test]
async fn secrets_do_not_reach_the_log() {
    let (_folder, store, _) = log_of(0).await;
    let secret = "hunter2-hunter2-hunter2";
    let mut entry = Entry::new(Action::Proposed, "alice").note(format!("with password={secret}"));
    entry.request = Some(serde_json::json!({"spec": {"env": [{"name": "DB_PASSWORD", "value": secret}]}}));
    Audit::new(store.clone()).write(entry).await.unwrap();
    let (rows, _) = everything(&store).await;
    assert!(!rows[0].text.contains(secret), "{}", rows[0].text);
    assert!(verify(&rows, &[], None).is_ok());
}

/// One thing that somebody with the file could do to it.
#[derive(Debug, Clone)]
enum Tampering {
    Text(usize, usize),
    Hash(usize, usize),
    Gone(usize),
    Twice(usize),
    Swapped(usize),
    Cut(usize),
    /// A new text, and its hash and all later ones made to fit.
    Rewritten(usize),
    Signature(usize, usize),
}

fn tampering() -> impl Strategy<Value = Tampering> {
    let row = 0_usize..20;
    prop_oneof![
        (row.clone(), 0_usize..200).prop_map(|(r, b)| Tampering::Text(r, b)),
        (row.clone(), 0_usize..32).prop_map(|(r, b)| Tampering::Hash(r, b)),
        (0_usize..19).prop_map(Tampering::Gone),
        row.clone().prop_map(Tampering::Twice),
        (0_usize..19).prop_map(Tampering::Swapped),
        row.clone().prop_map(Tampering::Cut),
        row.prop_map(Tampering::Rewritten),
        (0_usize..4, 0_usize..64).prop_map(|(c, b)| Tampering::Signature(c, b)),
    ]
}

fn tamper(rows: &mut Vec<rows::Row>, checkpoints: &mut [Checkpoint], with: &Tampering) {
    match *with {
        Tampering::Text(row, byte) => {
            let mut bytes = rows[row].text.clone().into_bytes();
            let at = byte % bytes.len();
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            rows[row].text = String::from_utf8(bytes).unwrap();
        }
        Tampering::Hash(row, byte) => rows[row].hash[byte] ^= 1,
        Tampering::Gone(row) => drop(rows.remove(row)),
        Tampering::Twice(row) => rows.insert(row, rows[row].clone()),
        Tampering::Swapped(row) => rows.swap(row, row + 1),
        Tampering::Cut(row) => rows.truncate(row),
        Tampering::Rewritten(row) => {
            rows[row].text = rows[row].text.replacen("looked", "ran off", 1);
            let mut before = row.checked_sub(1).map_or_else(|| vec![0; 32], |last| rows[last].hash.clone());
            for row in &mut rows[row..] {
                let bytes = [before.as_slice(), row.text.as_bytes()].concat();
                row.hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &bytes).as_ref().to_vec();
                before = row.hash.clone();
            }
        }
        Tampering::Signature(at, byte) => checkpoints[at].signature[byte] ^= 1,
    }
}

#[test]
fn the_verifier_accepts_exactly_the_untouched_log() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (rows, checkpoints) = runtime.block_on(async {
        let (_folder, store, _) = log_of(20).await;
        everything(&store).await
    });
    assert_eq!(checkpoints.len(), 4);
    let cases = std::env::var("FUZZ_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(2_000);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(with in tampering())| {
        prop_assert!(verify(&rows, &checkpoints, None).is_ok());
        let (mut rows, mut checkpoints) = (rows.clone(), checkpoints.clone());
        tamper(&mut rows, &mut checkpoints, &with);
        prop_assert!(verify(&rows, &checkpoints, None).is_err(), "{:?} was not seen", with);
    });
}
