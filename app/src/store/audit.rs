//! Rows and checkpoints of the audit log, as they stand.

use sqlx::{FromRow, SqliteConnection, SqlitePool};

use super::{Error, Millis};

#[derive(Debug, Clone, FromRow)]
pub struct Row {
    pub seq: i64,
    pub text: String,
    pub hash: Vec<u8>,
}

#[derive(Debug, Clone, FromRow)]
pub struct CheckpointRow {
    pub seq: i64,
    pub at: Millis,
    pub hash: Vec<u8>,
    /// The public key, base64.
    pub key: String,
    pub signature: Vec<u8>,
}

/// Number and hash of the newest row.
pub async fn last(connection: &mut SqliteConnection) -> Result<Option<(i64, Vec<u8>)>, Error> {
    Ok(sqlx::query_as("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1").fetch_optional(connection).await?)
}

pub async fn insert(connection: &mut SqliteConnection, seq: i64, text: &str, hash: &[u8]) -> Result<(), Error> {
    let insert = sqlx::query("INSERT INTO audit (seq, text, hash) VALUES ($1, $2, $3)");
    insert.bind(seq).bind(text).bind(hash).execute(connection).await?;
    Ok(())
}

/// Rows after `seq`, oldest first.
pub async fn after(pool: &SqlitePool, seq: i64, limit: i64) -> Result<Vec<Row>, Error> {
    let rows = sqlx::query_as("SELECT seq, text, hash FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2");
    Ok(rows.bind(seq).bind(limit).fetch_all(pool).await?)
}

/// The newest rows, newest first.
pub async fn newest(pool: &SqlitePool, limit: i64) -> Result<Vec<Row>, Error> {
    let rows = sqlx::query_as("SELECT seq, text, hash FROM audit ORDER BY seq DESC LIMIT $1");
    Ok(rows.bind(limit).fetch_all(pool).await?)
}

/// The row that the newest checkpoint signed.
pub async fn signed(connection: &mut SqliteConnection) -> Result<i64, Error> {
    Ok(sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM audit_checkpoints").fetch_one(connection).await?)
}

pub async fn sign(connection: &mut SqliteConnection, row: &CheckpointRow) -> Result<(), Error> {
    sqlx::query("INSERT INTO audit_checkpoints (seq, at, hash, key, signature) VALUES ($1, $2, $3, $4, $5)")
        .bind(row.seq)
        .bind(row.at)
        .bind(&row.hash)
        .bind(&row.key)
        .bind(&row.signature)
        .execute(connection)
        .await?;
    Ok(())
}

pub async fn checkpoints(pool: &SqlitePool) -> Result<Vec<CheckpointRow>, Error> {
    Ok(sqlx::query_as("SELECT seq, at, hash, key, signature FROM audit_checkpoints ORDER BY seq")
        .fetch_all(pool)
        .await?)
}
