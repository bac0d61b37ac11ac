//! Runs of models: each step as it happened, and what was kept of the answer.

use sqlx::{Row, SqliteConnection, SqlitePool};

use super::{Error, Millis};

/// A run as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Run {
    pub id: String,
    pub incident: Option<i64>,
    pub revision: Option<i64>,
    pub state: String,
    pub words: Option<String>,
    pub created_at: Millis,
    pub updated_at: Millis,
}

/// Begins a run. One that began before goes on as it is.
pub async fn begin(
    connection: &mut SqliteConnection,
    id: &str,
    about: Option<(i64, i64)>,
    now: Millis,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO runs (id, incident, revision, state, created_at, updated_at) VALUES ($1, $2, $3, 'running', $4, $4)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(about.map(|(incident, _)| incident))
    .bind(about.map(|(_, revision)| revision))
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn step(connection: &mut SqliteConnection, run: &str, step: &str, now: Millis) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO run_steps (run, n, at, step)
         VALUES ($1, (SELECT COALESCE(MAX(n), 0) + 1 FROM run_steps WHERE run = $1), $2, $3)",
    )
    .bind(run)
    .bind(now)
    .bind(step)
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn end(connection: &mut SqliteConnection, id: &str, words: &str, now: Millis) -> Result<(), Error> {
    sqlx::query("UPDATE runs SET state = 'ended', words = $2, updated_at = $3 WHERE id = $1")
        .bind(id)
        .bind(words)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}

pub async fn get(pool: &SqlitePool, id: &str) -> Result<Option<Run>, Error> {
    Ok(sqlx::query_as("SELECT * FROM runs WHERE id = $1").bind(id).fetch_optional(pool).await?)
}

/// The steps of a run in their order.
pub async fn steps(pool: &SqlitePool, run: &str) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar("SELECT step FROM run_steps WHERE run = $1 ORDER BY n").bind(run).fetch_all(pool).await?)
}

/// The words of the newest run about this incident that ended, and the revision of the report that they are about.
pub async fn words(pool: &SqlitePool, incident: i64) -> Result<Option<(i64, String)>, Error> {
    let row = sqlx::query(
        "SELECT revision, words FROM runs WHERE incident = $1 AND words IS NOT NULL ORDER BY revision DESC LIMIT 1",
    )
    .bind(incident)
    .fetch_optional(pool)
    .await?;
    row.map(|row| Ok((row.try_get("revision")?, row.try_get("words")?))).transpose()
}
