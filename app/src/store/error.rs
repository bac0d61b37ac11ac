//! Why the store could not do what was asked, in words that name what to fix.

use std::path::PathBuf;
use std::time::Duration;

#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    #[error("{path}: written by a newer Midwatch (schema {version}); use that version, or another data directory")]
    NewerSchema { path: PathBuf, version: i64 },
    #[error("{path}: the database is damaged ({detail}); move it away or restore a copy, then start again")]
    Corrupt { path: PathBuf, detail: String },
    #[error("{path}: locked by another process; stop it or choose another data directory")]
    Locked { path: PathBuf },
    #[error("{path}: cannot be opened: {detail}")]
    Open { path: PathBuf, detail: String },
    #[error("the database is locked by another process")]
    Busy,
    #[error("no room to write: {0}")]
    Full(String),
    #[error("the disk failed: {0}")]
    Disk(String),
    #[error("no commit within {0:?}: the disk is slow or the queue is long")]
    Slow(Duration),
    #[error("too many writes are waiting")]
    Overloaded,
    #[error("the store is closed")]
    Closed,
    #[error("the database refused a statement: {0}")]
    Query(String),
    #[error("stored data cannot be read: {0}")]
    Decode(String),
}

impl Error {
    /// True when the whole transaction is lost and a fresh connection may help.
    pub(super) fn is_fatal_to_transaction(&self) -> bool {
        matches!(self, Self::Busy | Self::Full(_) | Self::Disk(_) | Self::Corrupt { .. } | Self::Closed)
    }
}

/// The shared index beside the file cannot grow: what a full disk looks like to the first one that opens a store.
const IOERR_SHMSIZE: u32 = 10 | (19 << 8);

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let sqlx::Error::Database(database) = &error else {
            return match error {
                sqlx::Error::Io(io) => Self::Disk(io.to_string()),
                sqlx::Error::WorkerCrashed | sqlx::Error::PoolClosed => Self::Closed,
                sqlx::Error::PoolTimedOut => Self::Overloaded,
                other => Self::Query(other.to_string()),
            };
        };
        let text = database.message().to_owned();
        // The low byte of an extended result code is the primary code.
        let code = database.code().and_then(|code| code.parse::<u32>().ok());
        if code == Some(IOERR_SHMSIZE) {
            return Self::Full(text);
        }
        match code.map(|code| code & 0xff) {
            Some(5 | 6) => Self::Busy,
            Some(13) => Self::Full(text),
            Some(8 | 10 | 14) => Self::Disk(text),
            Some(11 | 26) => Self::Corrupt { path: PathBuf::new(), detail: text },
            _ => Self::Query(text),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Decode(error.to_string())
    }
}
