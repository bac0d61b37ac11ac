//! Incidents: alerts that share a cause, over time.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use sqlx::{FromRow, SqliteConnection, SqlitePool};

use super::{Error, Millis};

#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize)]
pub struct Incident {
    pub id: i64,
    /// `alert`, or `notice` for what Midwatch tells of itself: never investigated.
    pub kind: String,
    /// `open`, `resolved` or `merged`.
    pub state: String,
    pub severity: String,
    pub cluster: String,
    pub title: String,
    /// The alert that stands for it.
    pub lead: String,
    pub control_plane: bool,
    /// Object and class that the diagnosis named.
    pub cause: Option<String>,
    pub merged_into: Option<i64>,
    /// The minute of the digest in which it was first told, when it was not told by itself.
    pub digest: Option<i64>,
    pub revision: i64,
    pub opened_at: Millis,
    pub updated_at: Millis,
    pub closed_at: Option<Millis>,
}

/// The next free id. Only the writer asks, inside its transaction.
pub async fn next_id(connection: &mut SqliteConnection) -> Result<i64, Error> {
    let last: Option<i64> = sqlx::query_scalar("SELECT seq FROM sqlite_sequence WHERE name = 'incidents'")
        .fetch_optional(connection)
        .await?;
    Ok(last.unwrap_or(0) + 1)
}

pub async fn save(connection: &mut SqliteConnection, incidents: &[&Incident]) -> Result<(), Error> {
    if incidents.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO incidents (id, kind, state, severity, cluster, title, lead, control_plane, cause, merged_into,
                                digest, revision, opened_at, updated_at, closed_at)
         SELECT value ->> 'id', value ->> 'kind', value ->> 'state', value ->> 'severity', value ->> 'cluster',
                value ->> 'title', value ->> 'lead', value ->> 'control_plane', value ->> 'cause',
                value ->> 'merged_into', value ->> 'digest', value ->> 'revision', value ->> 'opened_at',
                value ->> 'updated_at', value ->> 'closed_at'
         FROM json_each($1) WHERE true
         ON CONFLICT (id) DO UPDATE SET
           state = excluded.state, severity = excluded.severity, title = excluded.title, lead = excluded.lead,
           control_plane = excluded.control_plane, cause = excluded.cause, merged_into = excluded.merged_into,
           digest = excluded.digest, revision = excluded.revision, updated_at = excluded.updated_at,
           closed_at = excluded.closed_at",
    )
    .bind(serde_json::to_string(incidents)?)
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn load(connection: &mut SqliteConnection, ids: &[i64]) -> Result<HashMap<i64, Incident>, Error> {
    let rows: Vec<Incident> = sqlx::query_as("SELECT * FROM incidents WHERE id IN (SELECT value FROM json_each($1))")
        .bind(serde_json::to_string(ids)?)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|incident| (incident.id, incident)).collect())
}

/// The incident of each key, where that one is open or was closed after `closed_after`.
pub async fn by_keys(
    connection: &mut SqliteConnection,
    keys: &[&str],
    closed_after: Millis,
) -> Result<Vec<(String, i64)>, Error> {
    Ok(sqlx::query_as(
        "SELECT k.key, i.id FROM incident_keys k JOIN incidents i ON i.id = k.incident
         WHERE k.key IN (SELECT value FROM json_each($1)) AND (i.state = 'open' OR (i.state = 'resolved' AND i.closed_at > $2))",
    )
    .bind(serde_json::to_string(keys)?)
    .bind(closed_after)
    .fetch_all(connection)
    .await?)
}

/// Points keys at incidents, away from older ones.
pub async fn save_keys(connection: &mut SqliteConnection, keys: &BTreeMap<String, i64>) -> Result<(), Error> {
    if keys.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO incident_keys (key, incident) SELECT key, value FROM json_each($1) WHERE true
         ON CONFLICT (key) DO UPDATE SET incident = excluded.incident",
    )
    .bind(serde_json::to_string(keys)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Open incidents of the control plane or a node that began after `since`, by cluster.
pub async fn leads(connection: &mut SqliteConnection, since: Millis) -> Result<Vec<(String, i64)>, Error> {
    Ok(sqlx::query_as(
        "SELECT cluster, id FROM incidents WHERE state = 'open' AND control_plane = 1 AND opened_at > $1
         ORDER BY opened_at DESC",
    )
    .bind(since)
    .fetch_all(connection)
    .await?)
}

/// How many incidents were told one by one since then.
pub async fn told_since(connection: &mut SqliteConnection, since: Millis) -> Result<u32, Error> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM incidents WHERE opened_at > $1 AND digest IS NULL AND kind = 'alert'")
        .bind(since)
        .fetch_one(connection)
        .await?)
}

pub async fn get(pool: &SqlitePool, id: i64) -> Result<Option<Incident>, Error> {
    Ok(sqlx::query_as("SELECT * FROM incidents WHERE id = $1").bind(id).fetch_optional(pool).await?)
}

/// The newest incidents, open ones first when `open_first`.
pub async fn list(pool: &SqlitePool, only_open: bool, limit: i64) -> Result<Vec<Incident>, Error> {
    Ok(sqlx::query_as("SELECT * FROM incidents WHERE ($1 = 0 OR state = 'open') ORDER BY id DESC LIMIT $2")
        .bind(only_open)
        .bind(limit)
        .fetch_all(pool)
        .await?)
}

/// Another open incident with the same cause: the oldest.
pub async fn with_cause(connection: &mut SqliteConnection, cause: &str, not: i64) -> Result<Option<i64>, Error> {
    Ok(sqlx::query_scalar(
        "SELECT id FROM incidents WHERE state = 'open' AND cause = $1 AND id != $2 ORDER BY id LIMIT 1",
    )
    .bind(cause)
    .bind(not)
    .fetch_optional(connection)
    .await?)
}

/// Moves everything of one incident into another.
pub async fn absorb(connection: &mut SqliteConnection, from: i64, into: i64, now: Millis) -> Result<(), Error> {
    for statement in [
        "UPDATE episodes SET incident = $2 WHERE incident = $1",
        "UPDATE incident_keys SET incident = $2 WHERE incident = $1",
        "UPDATE outbox SET state = 'superseded' WHERE incident = $1 AND state = 'queued' AND $2 > 0",
    ] {
        sqlx::query(statement).bind(from).bind(into).execute(&mut *connection).await?;
    }
    sqlx::query(
        "UPDATE incidents SET state = 'merged', merged_into = $2, updated_at = $3, closed_at = $3 WHERE id = $1",
    )
    .bind(from)
    .bind(into)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}
