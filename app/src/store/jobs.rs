//! Work that was promised: queued, leased to a worker, repeated until it is done or visibly given up.

use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use super::{Error, Millis};

/// A job to add. While one of the same kind and key is queued, that one does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct New {
    pub kind: &'static str,
    pub key: String,
    /// The lower the sooner.
    pub priority: i64,
    pub next_at: Millis,
}

#[derive(Debug, Clone, FromRow)]
pub struct Claimed {
    pub id: i64,
    pub kind: String,
    pub key: String,
    pub attempts: i64,
}

pub async fn enqueue(connection: &mut SqliteConnection, jobs: &[New], now: Millis) -> Result<(), Error> {
    if jobs.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO jobs (kind, key, state, priority, next_at, created_at, updated_at)
         SELECT value ->> 'kind', value ->> 'key', 'queued', value ->> 'priority', value ->> 'next_at', $2, $2
         FROM json_each($1) WHERE true
         ON CONFLICT (kind, key) WHERE state = 'queued'
         DO UPDATE SET next_at = min(next_at, excluded.next_at), priority = min(priority, excluded.priority)",
    )
    .bind(serde_json::to_string(jobs)?)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Leases up to `limit` jobs that are due. A job whose lease ran out (its worker died) is queued again first; one
/// whose twin is running waits for that. `only` names the kinds that the worker does.
pub async fn claim(
    connection: &mut SqliteConnection,
    owner: &str,
    lease: Millis,
    only: Option<&[&str]>,
    limit: i64,
    now: Millis,
) -> Result<Vec<Claimed>, Error> {
    sqlx::query(
        "DELETE FROM jobs WHERE state = 'leased' AND lease_until <= $1
         AND EXISTS (SELECT 1 FROM jobs q WHERE q.state = 'queued' AND q.kind = jobs.kind AND q.key = jobs.key)",
    )
    .bind(now)
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE jobs SET state = 'queued', next_at = $1, lease_owner = NULL WHERE state = 'leased' AND lease_until <= $1")
        .bind(now)
        .execute(&mut *connection)
        .await?;
    Ok(sqlx::query_as(
        "UPDATE jobs SET state = 'leased', attempts = attempts + 1, lease_until = $1 + $2, lease_owner = $3, updated_at = $1
         WHERE id IN (SELECT id FROM jobs q WHERE state = 'queued' AND next_at <= $1
                      AND ($5 IS NULL OR kind IN (SELECT value FROM json_each($5)))
                      AND NOT EXISTS (SELECT 1 FROM jobs r WHERE r.state = 'leased' AND r.kind = q.kind AND r.key = q.key)
                      ORDER BY priority, next_at, id LIMIT $4)
         RETURNING id, kind, key, attempts",
    )
    .bind(now)
    .bind(lease)
    .bind(owner)
    .bind(limit)
    .bind(only.map(serde_json::to_string).transpose()?)
    .fetch_all(connection)
    .await?)
}

/// Keeps a lease. False when it is no longer the owner's.
pub async fn extend(connection: &mut SqliteConnection, id: i64, owner: &str, until: Millis) -> Result<bool, Error> {
    let done = sqlx::query("UPDATE jobs SET lease_until = $3 WHERE id = $1 AND lease_owner = $2 AND state = 'leased'")
        .bind(id)
        .bind(owner)
        .bind(until)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn finish(connection: &mut SqliteConnection, id: i64, owner: &str, now: Millis) -> Result<(), Error> {
    sqlx::query(
        "UPDATE jobs SET state = 'done', lease_until = NULL, error = NULL, updated_at = $3
         WHERE id = $1 AND lease_owner = $2 AND state = 'leased'",
    )
    .bind(id)
    .bind(owner)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends an attempt: again at `next_at`, or given up when that is None.
pub async fn fail(
    connection: &mut SqliteConnection,
    id: i64,
    owner: &str,
    error: &str,
    next_at: Option<Millis>,
    now: Millis,
) -> Result<(), Error> {
    // A twin that was queued meanwhile takes over.
    sqlx::query(
        "UPDATE jobs SET error = $3, updated_at = $5, lease_until = NULL, next_at = coalesce($4, next_at),
           state = iif($4 IS NULL OR EXISTS (SELECT 1 FROM jobs q WHERE q.state = 'queued' AND q.kind = jobs.kind
                                             AND q.key = jobs.key), 'failed', 'queued')
         WHERE id = $1 AND lease_owner = $2 AND state = 'leased'",
    )
    .bind(id)
    .bind(owner)
    .bind(error)
    .bind(next_at)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// When the next queued job is due.
pub async fn next_due(connection: &mut SqliteConnection) -> Result<Option<Millis>, Error> {
    Ok(sqlx::query_scalar("SELECT min(next_at) FROM jobs WHERE state = 'queued'").fetch_one(connection).await?)
}
