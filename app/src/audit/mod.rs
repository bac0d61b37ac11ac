//! What was decided and done, by whom: append-only, hash-chained, with signed checkpoints.
//!
//! [`append`] writes inside the caller's transaction, so that a deed and its row are on disk together or not at all.
//! [`Audit::write`] is for deeds without a transaction of their own: if it fails, the deed must not happen.

mod chain;
mod checkpoint;
mod entry;
mod keep;
mod settings;

use serde_json::Value;
use sqlx::SqliteConnection;
use tokio::sync::mpsc;

pub use chain::{Broken, Verdict, verify};
pub use checkpoint::{Checkpoint, Signer};
pub use entry::{Action, Entry, Numbered};
pub use keep::Keeper;
pub use settings::Settings;

use crate::store::{self, Millis, Store, audit as rows};

/// Plain reads that wait to be written down.
const NOTES: usize = 1_024;
/// Notes that share a transaction at most.
const NOTES_AT_ONCE: usize = 64;

/// A handle on the log; clones write to the same one.
#[derive(Clone)]
pub struct Audit {
    store: Store,
    notes: mpsc::Sender<(Entry, Millis)>,
}

impl Audit {
    pub fn new(store: Store) -> Self {
        let (notes, waiting) = mpsc::channel(NOTES);
        tokio::spawn(take_notes(store.clone(), waiting));
        Self { store, notes }
    }

    /// Writes a row in a transaction of its own. An error means: what it tells of must not happen.
    pub async fn write(&self, entry: Entry) -> Result<i64, store::Error> {
        let now = store::now();
        self.store.write(move |connection| Box::pin(async move { append(connection, &entry, now).await })).await
    }

    /// Writes a row about a plain read, without making the reader wait for the disk.
    pub async fn note(&self, entry: Entry) -> Result<(), store::Error> {
        self.notes.send((entry, store::now())).await.map_err(|_| store::Error::Closed)
    }
}

/// Adds a row in the caller's transaction.
pub async fn append(connection: &mut SqliteConnection, entry: &Entry, now: Millis) -> Result<i64, store::Error> {
    let (last, before) = rows::last(connection).await?.unwrap_or((0, chain::START.to_vec()));
    let seq = last + 1;
    let text = serde_json::to_string(&Numbered { seq, at: now, entry: clean(entry) })?;
    rows::insert(connection, seq, &text, &chain::hash(&before, &text)).await?;
    Ok(seq)
}

/// Secrets that somebody put into an argument or a reason do not reach the log.
fn clean(entry: &Entry) -> Entry {
    let mut entry = entry.clone();
    for text in [&mut entry.note, &mut entry.session, &mut entry.tool].into_iter().flatten() {
        *text = redact::text(text).into_owned();
    }
    // Redacting the JSON as text could break it: then its text is kept, as a string.
    entry.request = entry.request.map(|request| {
        let clean = redact::text(&request.to_string()).into_owned();
        serde_json::from_str(&clean).unwrap_or(Value::String(clean))
    });
    entry
}

async fn take_notes(store: Store, mut waiting: mpsc::Receiver<(Entry, Millis)>) {
    let mut taken = Vec::new();
    while waiting.recv_many(&mut taken, NOTES_AT_ONCE).await > 0 {
        let notes = std::mem::take(&mut taken);
        let count = notes.len();
        let written = store.write(move |connection| {
            Box::pin(async move {
                for (entry, at) in &notes {
                    append(connection, entry, *at).await?;
                }
                Ok(())
            })
        });
        if let Err(error) = written.await {
            metrics::counter!("midwatch_audit_lost_notes_total").increment(count as u64);
            tracing::error!(%error, count, "reads were not written to the audit log");
        }
    }
}
