//! Opening the file: checks before use, schema, and the pragmas that make a commit mean "on disk".

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::MigrateError;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqliteConnection};

use super::Error;

/// Shorter than the two seconds in which a sender must have its answer.
const BUSY: Duration = Duration::from_millis(1_500);
/// A full check reads the whole file; above this size it would make the start slow.
const CHECK_UP_TO_BYTES: u64 = 256 << 20;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("src/store/migrations");

/// Where data is kept, and for how long.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The SQLite file.
    pub path: PathBuf,
    /// Days that closed incidents, their alerts and reports are kept.
    pub retention_days: u32,
    /// Days that conversations and their runs are kept after the last word.
    pub chat_retention_days: u32,
    /// Hours that raw request bodies are kept.
    pub raw_retention_hours: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            path: PathBuf::from("midwatch.db"),
            retention_days: 90,
            chat_retention_days: 90,
            raw_retention_hours: 24,
        }
    }
}

pub(super) async fn open(settings: &Settings) -> Result<(SqliteConnection, SqlitePool, SqliteConnectOptions), Error> {
    let path = &settings.path;
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder)
            .map_err(|error| Error::Open { path: folder.to_owned(), detail: error.to_string() })?;
    }
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // In WAL mode only FULL syncs each commit; NORMAL may lose the last ones in a power cut.
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY)
        .foreign_keys(true)
        .disable_statement_logging();
    let existed = path.metadata().is_ok_and(|file| file.len() > 0);
    let mut connection = options.connect().await.map_err(|error| at(path, Error::from(error)))?;
    if existed {
        check(&mut connection, path).await?;
    }
    migrate(&mut connection, path).await?;
    let read = SqlitePoolOptions::new()
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(5))
        .connect_lazy_with(options.clone().read_only(true).create_if_missing(false));
    Ok((connection, read, options))
}

async fn check(connection: &mut SqliteConnection, path: &Path) -> Result<(), Error> {
    if path.metadata().is_ok_and(|file| file.len() > CHECK_UP_TO_BYTES) {
        return Ok(());
    }
    let verdict: String = sqlx::query_scalar("PRAGMA quick_check(1)")
        .fetch_one(connection)
        .await
        .map_err(|error| at(path, Error::from(error)))?;
    if verdict == "ok" {
        return Ok(());
    }
    Err(Error::Corrupt { path: path.to_owned(), detail: verdict })
}

async fn migrate(connection: &mut SqliteConnection, path: &Path) -> Result<(), Error> {
    match MIGRATIONS.run(connection).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(version)) => Err(Error::NewerSchema { path: path.to_owned(), version }),
        Err(MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)) => {
            Err(at(path, Error::from(error)))
        }
        Err(other) => Err(Error::Open { path: path.to_owned(), detail: other.to_string() }),
    }
}

/// Adds the file's name to an error met while opening.
fn at(path: &Path, error: Error) -> Error {
    let path = path.to_owned();
    match error {
        Error::Busy => Error::Locked { path },
        Error::Corrupt { detail, .. } => Error::Corrupt { path, detail },
        other => Error::Open { path, detail: other.to_string() },
    }
}

pub(super) async fn reopen(options: &SqliteConnectOptions) -> Result<SqliteConnection, Error> {
    Ok(SqliteConnection::connect_with(options).await?)
}
