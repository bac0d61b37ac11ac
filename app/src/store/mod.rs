//! Everything that must survive a crash: one SQLite file, one writer with group commit, a pool of readers.

mod error;
mod open;
mod writer;

pub mod alerts;
pub mod audit;
pub mod chats;
pub mod episodes;
pub mod heartbeats;
pub mod incidents;
pub mod jobs;
pub mod outbox;
pub mod people;
pub mod permissions;
pub mod proposals;
pub mod prune;
pub mod quarantine;
pub mod receipts;
pub mod reports;
pub mod runs;
pub mod sending;
pub mod tool_pins;

use std::sync::Arc;

use futures::future::BoxFuture;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqlitePool;
use tokio::sync::Notify;

pub use error::Error;
pub use open::Settings;
pub use writer::PATIENCE;

/// Unix milliseconds.
pub type Millis = i64;

/// The wall clock, read at the edges only and passed on from there.
pub fn now() -> Millis {
    jiff::Timestamp::now().as_millisecond()
}

/// A handle on the store; clones share the writer and the readers.
#[derive(Clone)]
pub struct Store {
    writer: writer::Writer,
    read: SqlitePool,
    wake: Arc<Wake>,
}

/// Tells the workers that a commit gave them something to do, so that they need not poll for it.
#[derive(Default)]
pub struct Wake {
    pub jobs: Notify,
    /// jobs that ask a model: they have workers of their own
    pub words: Notify,
    pub outbox: Notify,
}

impl Store {
    /// Opens or creates the store, brings its schema up to date and starts the writer.
    pub async fn open(settings: &Settings) -> Result<Self, Error> {
        let (connection, read, reopen) = open::open(settings).await?;
        Ok(Self { writer: writer::Writer::start(connection, reopen), read, wake: Arc::default() })
    }

    /// Runs `work` in the writer's next transaction and answers once that transaction is on disk.
    ///
    /// An error of `work` undoes what `work` did and nothing else. After two seconds without a commit the answer is
    /// [`Error::Slow`]; the commit may still happen, so `work` must be safe to repeat.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, Error>> + Send + 'static,
    {
        self.writer.run(work).await
    }

    /// The readers. They see the last committed state and never wait for the writer.
    pub fn read(&self) -> &SqlitePool {
        &self.read
    }

    pub fn wake(&self) -> &Wake {
        &self.wake
    }

    /// Proves that a commit is possible now: the statement changes nothing, and yet SQLite writes a page for it (an UPDATE
    /// that meets no row writes none, and would find a full disk in order).
    pub async fn check(&self) -> Result<(), Error> {
        self.write(|connection| {
            Box::pin(async move {
                sqlx::query("PRAGMA user_version = 0").execute(connection).await?;
                Ok(())
            })
        })
        .await
    }

    /// Ends the writer after what it has accepted, and closes the file.
    pub async fn close(&self) {
        self.writer.stop().await;
        self.read.close().await;
    }
}
