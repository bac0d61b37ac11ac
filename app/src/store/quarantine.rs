//! Bodies and entries that could not be read: kept as they came but for secrets, with the reason.

use sqlx::{FromRow, SqliteConnection, SqlitePool};

use super::{Error, Millis};

#[derive(Debug, FromRow)]
pub struct Parked {
    pub id: i64,
    pub source: String,
    pub sha256: String,
    pub why: String,
    /// zstd.
    pub body: Vec<u8>,
    pub size: i64,
    pub count: i64,
    pub at: Millis,
}

/// What to keep; `body` is compressed with zstd, `size` is what it was before.
pub struct Park<'a> {
    pub sha256: &'a str,
    pub source: &'a str,
    pub why: &'a str,
    pub body: &'a [u8],
    pub size: i64,
}

pub async fn park(connection: &mut SqliteConnection, park: &Park<'_>, now: Millis) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO quarantine (source, sha256, why, body, size, at, last_at) VALUES ($1, $2, $3, $4, $5, $6, $6)
         ON CONFLICT (sha256, source) DO UPDATE SET count = count + 1, last_at = excluded.last_at",
    )
    .bind(park.source)
    .bind(park.sha256)
    .bind(park.why)
    .bind(park.body)
    .bind(park.size)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn list(pool: &SqlitePool, limit: i64) -> Result<Vec<Parked>, Error> {
    Ok(sqlx::query_as("SELECT * FROM quarantine ORDER BY id DESC LIMIT $1").bind(limit).fetch_all(pool).await?)
}
