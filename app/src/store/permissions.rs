//! Grants with an end, and the pause that stops all writes.

use serde::Serialize;
use sqlx::{FromRow, SqliteConnection, SqliteExecutor};

use super::{Error, Millis};

#[derive(Debug, Clone, FromRow, Serialize)]
pub struct Row {
    pub id: i64,
    pub subject: String,
    pub scope: String,
    pub max_uses: i64,
    pub used: i64,
    pub reason: String,
    pub granter: String,
    pub created_at: Millis,
    pub expires_at: Millis,
    pub revoked_at: Option<Millis>,
}

/// A grant to add.
#[derive(Debug, Clone)]
pub struct New {
    pub subject: String,
    pub scope: String,
    pub max_uses: i64,
    pub reason: String,
    pub granter: String,
    pub expires_at: Millis,
}

pub async fn insert(connection: &mut SqliteConnection, new: &New, now: Millis) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(
        "INSERT INTO permissions (subject, scope, max_uses, reason, granter, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
    )
    .bind(&new.subject)
    .bind(&new.scope)
    .bind(new.max_uses)
    .bind(&new.reason)
    .bind(&new.granter)
    .bind(now)
    .bind(new.expires_at)
    .fetch_one(connection)
    .await?)
}

pub async fn list(executor: impl SqliteExecutor<'_>) -> Result<Vec<Row>, Error> {
    Ok(sqlx::query_as("SELECT * FROM permissions ORDER BY id DESC LIMIT 200").fetch_all(executor).await?)
}

/// Those of one person that still hold.
pub async fn live(connection: &mut SqliteConnection, subject: &str, now: Millis) -> Result<Vec<Row>, Error> {
    Ok(sqlx::query_as(
        "SELECT * FROM permissions WHERE subject = $1 AND expires_at > $2 AND revoked_at IS NULL AND used < max_uses
         ORDER BY id",
    )
    .bind(subject)
    .bind(now)
    .fetch_all(connection)
    .await?)
}

/// Takes one use, if one is left and the grant still holds.
pub async fn take(connection: &mut SqliteConnection, id: i64, now: Millis) -> Result<bool, Error> {
    let done = sqlx::query(
        "UPDATE permissions SET used = used + 1
         WHERE id = $1 AND used < max_uses AND expires_at > $2 AND revoked_at IS NULL",
    )
    .bind(id)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn revoke(connection: &mut SqliteConnection, id: i64, now: Millis) -> Result<bool, Error> {
    let done = sqlx::query("UPDATE permissions SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL")
        .bind(id)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

/// Why nothing may be written now.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize)]
pub struct Pause {
    pub by: String,
    pub reason: String,
    pub at: Millis,
}

pub async fn pause(connection: &mut SqliteConnection, by: &str, reason: &str, now: Millis) -> Result<bool, Error> {
    let done = sqlx::query("INSERT INTO pauses (by, reason, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING")
        .bind(by)
        .bind(reason)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn resume(connection: &mut SqliteConnection, by: &str, now: Millis) -> Result<bool, Error> {
    let done = sqlx::query("UPDATE pauses SET ended_by = $1, ended_at = $2 WHERE ended_at IS NULL")
        .bind(by)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn paused(executor: impl SqliteExecutor<'_>) -> Result<Option<Pause>, Error> {
    Ok(sqlx::query_as("SELECT by, reason, at FROM pauses WHERE ended_at IS NULL").fetch_optional(executor).await?)
}

/// When writes were last allowed again, so that a stop is not repeated for what a person has looked at.
pub async fn last_resumed(connection: &mut SqliteConnection) -> Result<Millis, Error> {
    Ok(sqlx::query_scalar("SELECT coalesce(max(ended_at), 0) FROM pauses").fetch_one(connection).await?)
}
