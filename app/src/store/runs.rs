//! Runs of models: each step as it happened, and what was kept of the answer.

use sqlx::{Row, SqliteConnection, SqlitePool};

use super::{Error, Millis};

/// What a run was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    Alert,
    Chat,
    Ask,
    Eval,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Chat => "chat",
            Self::Ask => "ask",
            Self::Eval => "eval",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        [Self::Alert, Self::Chat, Self::Ask, Self::Eval].into_iter().find(|kind| kind.name() == name)
    }
}

/// A run as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Run {
    pub id: String,
    /// [`Kind::name`]
    pub kind: String,
    /// what it was about, in one line
    pub title: String,
    pub incident: Option<i64>,
    pub revision: Option<i64>,
    pub state: String,
    pub words: Option<String>,
    /// JSON of the report that it rests on, where no incident has it
    pub report: Option<String>,
    pub created_at: Millis,
    pub updated_at: Millis,
}

/// Begins a run; `about` are incident and revision. One that began before goes on as it is.
pub async fn begin(
    connection: &mut SqliteConnection,
    id: &str,
    kind: Kind,
    title: &str,
    about: Option<(i64, i64)>,
    now: Millis,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO runs (id, kind, title, incident, revision, state, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, 'running', $6, $6)
         ON CONFLICT (id) DO NOTHING",
    )
    .bind(id)
    .bind(kind.name())
    .bind(title)
    .bind(about.map(|(incident, _)| incident))
    .bind(about.map(|(_, revision)| revision))
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps the report that a run without an incident rests on.
pub async fn rests_on(connection: &mut SqliteConnection, id: &str, report: &str) -> Result<(), Error> {
    sqlx::query("UPDATE runs SET report = $2 WHERE id = $1").bind(id).bind(report).execute(connection).await?;
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

/// Marks the runs about an incident that did not end, because what they were about is past: a newer report, or the end.
pub async fn supersede(
    connection: &mut SqliteConnection,
    incident: i64,
    newest: i64,
    now: Millis,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE runs SET state = 'superseded', updated_at = $3 WHERE incident = $1 AND revision < $2 AND state = 'running'",
    )
    .bind(incident)
    .bind(newest)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn get(pool: &SqlitePool, id: &str) -> Result<Option<Run>, Error> {
    Ok(sqlx::query_as("SELECT * FROM runs WHERE id = $1").bind(id).fetch_optional(pool).await?)
}

/// Which runs are listed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    pub kind: Option<Kind>,
    pub incident: Option<i64>,
    /// begun then or later
    pub since: Option<Millis>,
}

/// The newest runs first, at most so many.
pub async fn list(pool: &SqlitePool, filter: Filter, most: u32) -> Result<Vec<Run>, Error> {
    let found = sqlx::query_as(
        "SELECT * FROM runs WHERE ($1 IS NULL OR kind = $1) AND ($2 IS NULL OR incident = $2) AND created_at >= $3
         ORDER BY created_at DESC, id DESC LIMIT $4",
    );
    let found = found.bind(filter.kind.map(Kind::name)).bind(filter.incident).bind(filter.since.unwrap_or(Millis::MIN));
    Ok(found.bind(most).fetch_all(pool).await?)
}

/// Ids of runs that hold this text, the newest first.
pub async fn like(pool: &SqlitePool, text: &str, most: u32) -> Result<Vec<String>, Error> {
    let found = sqlx::query_scalar("SELECT id FROM runs WHERE instr(id, $1) > 0 ORDER BY created_at DESC LIMIT $2");
    Ok(found.bind(text).bind(most).fetch_all(pool).await?)
}

/// The steps of a run in their order, with their times.
pub async fn timed_steps(pool: &SqlitePool, run: &str) -> Result<Vec<(Millis, String)>, Error> {
    Ok(sqlx::query_as("SELECT at, step FROM run_steps WHERE run = $1 ORDER BY n").bind(run).fetch_all(pool).await?)
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

/// Forgets runs that were last touched before that time, with their steps; gives their number.
pub async fn prune(connection: &mut SqliteConnection, before: Millis) -> Result<u64, Error> {
    let done = sqlx::query("DELETE FROM runs WHERE updated_at < $1").bind(before).execute(connection).await?;
    Ok(done.rows_affected())
}
