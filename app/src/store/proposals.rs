//! Proposals and the yes or no of people to them.

use serde::Serialize;
use sqlx::{FromRow, SqliteConnection, SqliteExecutor};

use super::{Error, Millis};

/// A proposal to add.
#[derive(Debug, Clone)]
pub struct New {
    pub id: String,
    pub requester: String,
    pub cluster: String,
    pub target: String,
    pub namespace: String,
    pub class: String,
    pub summary: String,
    pub reason: Option<String>,
    pub state: &'static str,
    pub digest: String,
    pub sealed: Vec<u8>,
    pub permission: Option<i64>,
    pub undo_of: Option<i64>,
    pub expires_at: Millis,
}

#[derive(Debug, Clone, FromRow, Serialize)]
pub struct Row {
    #[serde(skip)]
    pub seq: i64,
    pub id: String,
    pub requester: String,
    pub cluster: String,
    pub target: String,
    pub namespace: String,
    pub class: String,
    pub summary: String,
    pub reason: Option<String>,
    pub state: String,
    pub digest: String,
    #[serde(skip)]
    pub sealed: Option<Vec<u8>>,
    #[serde(skip)]
    pub permission: Option<i64>,
    #[serde(skip)]
    pub undo_of: Option<i64>,
    pub created_at: Millis,
    pub expires_at: Millis,
    pub due_at: Option<Millis>,
    pub intended_at: Option<Millis>,
    pub ended_at: Option<Millis>,
    pub outcome: Option<String>,
    pub health: Option<String>,
    pub health_at: Option<Millis>,
}

/// One person's yes.
#[derive(Debug, Clone, PartialEq, Eq, FromRow, Serialize)]
pub struct Yes {
    pub approver: String,
    pub digest: String,
    pub auth_time: Millis,
    pub method: String,
    pub at: Millis,
    #[serde(skip)]
    pub mac: Vec<u8>,
}

pub async fn insert(connection: &mut SqliteConnection, new: &New, now: Millis) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(
        "INSERT INTO proposals (id, requester, cluster, target, namespace, class, summary, reason, state, digest, sealed,
           permission, undo_of, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) RETURNING seq",
    )
    .bind(&new.id)
    .bind(&new.requester)
    .bind(&new.cluster)
    .bind(&new.target)
    .bind(&new.namespace)
    .bind(&new.class)
    .bind(&new.summary)
    .bind(&new.reason)
    .bind(new.state)
    .bind(&new.digest)
    .bind(&new.sealed)
    .bind(new.permission)
    .bind(new.undo_of)
    .bind(now)
    .bind(new.expires_at)
    .fetch_one(connection)
    .await?)
}

pub async fn by_id(executor: impl SqliteExecutor<'_>, id: &str) -> Result<Option<Row>, Error> {
    Ok(sqlx::query_as("SELECT * FROM proposals WHERE id = $1").bind(id).fetch_optional(executor).await?)
}

pub async fn by_seq(executor: impl SqliteExecutor<'_>, seq: i64) -> Result<Option<Row>, Error> {
    Ok(sqlx::query_as("SELECT * FROM proposals WHERE seq = $1").bind(seq).fetch_optional(executor).await?)
}

/// The newest first; those of one person, or of all.
pub async fn list(
    executor: impl SqliteExecutor<'_>,
    requester: Option<&str>,
    state: Option<&str>,
    limit: i64,
) -> Result<Vec<Row>, Error> {
    Ok(sqlx::query_as(
        "SELECT * FROM proposals WHERE ($1 IS NULL OR requester = $1) AND ($2 IS NULL OR state = $2)
         ORDER BY seq DESC LIMIT $3",
    )
    .bind(requester)
    .bind(state)
    .bind(limit)
    .fetch_all(executor)
    .await?)
}

/// Moves a proposal from one state to another; false when it is no longer in the first.
pub async fn advance(connection: &mut SqliteConnection, seq: i64, from: &str, to: &str) -> Result<bool, Error> {
    let done = sqlx::query("UPDATE proposals SET state = $3 WHERE seq = $1 AND state = $2")
        .bind(seq)
        .bind(from)
        .bind(to)
        .execute(connection)
        .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn set_due(connection: &mut SqliteConnection, seq: i64, due_at: Millis) -> Result<(), Error> {
    sqlx::query("UPDATE proposals SET due_at = $2 WHERE seq = $1").bind(seq).bind(due_at).execute(connection).await?;
    Ok(())
}

pub async fn set_intended(connection: &mut SqliteConnection, seq: i64, at: Millis) -> Result<(), Error> {
    sqlx::query("UPDATE proposals SET intended_at = $2 WHERE seq = $1").bind(seq).bind(at).execute(connection).await?;
    Ok(())
}

pub async fn end(connection: &mut SqliteConnection, seq: i64, outcome: &str, at: Millis) -> Result<(), Error> {
    sqlx::query("UPDATE proposals SET outcome = $2, ended_at = $3 WHERE seq = $1")
        .bind(seq)
        .bind(outcome)
        .bind(at)
        .execute(connection)
        .await?;
    Ok(())
}

pub async fn set_health(connection: &mut SqliteConnection, seq: i64, health: &str, at: Millis) -> Result<(), Error> {
    sqlx::query("UPDATE proposals SET health = $2, health_at = $3 WHERE seq = $1")
        .bind(seq)
        .bind(health)
        .bind(at)
        .execute(connection)
        .await?;
    Ok(())
}

/// How many health checks failed since a time.
pub async fn unhealthy_since(connection: &mut SqliteConnection, since: Millis) -> Result<i64, Error> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM proposals WHERE health = 'bad' AND health_at >= $1")
        .bind(since)
        .fetch_one(connection)
        .await?)
}

/// Adds a yes; false when this person said it before.
pub async fn add_yes(connection: &mut SqliteConnection, seq: i64, yes: &Yes) -> Result<bool, Error> {
    let done = sqlx::query(
        "INSERT INTO approvals (proposal, approver, digest, auth_time, method, at, mac)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(seq)
    .bind(&yes.approver)
    .bind(&yes.digest)
    .bind(yes.auth_time)
    .bind(&yes.method)
    .bind(yes.at)
    .bind(&yes.mac)
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn yeses(executor: impl SqliteExecutor<'_>, seq: i64) -> Result<Vec<Yes>, Error> {
    Ok(sqlx::query_as("SELECT * FROM approvals WHERE proposal = $1 ORDER BY at, approver")
        .bind(seq)
        .fetch_all(executor)
        .await?)
}

/// Whether another change is under way on this target.
pub async fn in_flight(connection: &mut SqliteConnection, target: &str) -> Result<bool, Error> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM proposals WHERE target = $1 AND state IN ('intended', 'unknown'))",
    )
    .bind(target)
    .fetch_one(connection)
    .await?)
}

/// Writes since a time: of one person, in one namespace, in the whole cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, FromRow)]
pub struct Written {
    pub user: i64,
    pub namespace: i64,
    pub cluster: i64,
}

pub async fn written_since(connection: &mut SqliteConnection, of: &Row, since: Millis) -> Result<Written, Error> {
    Ok(sqlx::query_as(
        "SELECT coalesce(sum(requester = $2), 0) AS user, coalesce(sum(namespace = $3), 0) AS namespace,
                count(*) AS cluster
         FROM proposals WHERE intended_at >= $1 AND cluster = $4",
    )
    .bind(since)
    .bind(&of.requester)
    .bind(&of.namespace)
    .bind(&of.cluster)
    .fetch_one(connection)
    .await?)
}

/// Proposals of these states whose time has run out.
pub async fn overdue(connection: &mut SqliteConnection, now: Millis) -> Result<Vec<Row>, Error> {
    Ok(sqlx::query_as("SELECT * FROM proposals WHERE state IN ('proposed', 'approved') AND expires_at <= $1")
        .bind(now)
        .fetch_all(connection)
        .await?)
}

/// How many of a person's proposals wait for an answer.
pub async fn waiting_of(connection: &mut SqliteConnection, requester: &str) -> Result<i64, Error> {
    Ok(sqlx::query_scalar("SELECT count(*) FROM proposals WHERE requester = $1 AND state = 'proposed'")
        .bind(requester)
        .fetch_one(connection)
        .await?)
}

/// Forgets the plans of what ended before a time: with them goes the way to undo it.
pub async fn forget_plans(connection: &mut SqliteConnection, before: Millis) -> Result<u64, Error> {
    let done = sqlx::query(
        "UPDATE proposals SET sealed = NULL WHERE sealed IS NOT NULL AND coalesce(ended_at, expires_at) < $1
                            AND state NOT IN ('proposed', 'approved', 'intended', 'unknown')",
    )
    .bind(before)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// The present, never earlier than any time seen before.
pub async fn present(connection: &mut SqliteConnection, now: Millis) -> Result<Millis, Error> {
    Ok(sqlx::query_scalar("UPDATE latest SET at = max(at, $1) RETURNING at").bind(now).fetch_one(connection).await?)
}
