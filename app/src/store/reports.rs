//! Diagnoses as JSON, one for each revision of an incident that got one.

use sqlx::{SqliteConnection, SqlitePool};

use super::{Error, Millis};

pub async fn save(
    connection: &mut SqliteConnection,
    incident: i64,
    revision: i64,
    report: &str,
    now: Millis,
) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO reports (incident, revision, report, created_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (incident, revision) DO UPDATE SET report = excluded.report, created_at = excluded.created_at",
    )
    .bind(incident)
    .bind(revision)
    .bind(report)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// The newest report of an incident.
pub async fn latest(pool: &SqlitePool, incident: i64) -> Result<Option<String>, Error> {
    Ok(newest(pool, incident).await?.map(|(_, report)| report))
}

/// The newest report of an incident, after the revision that it came with.
pub async fn newest(pool: &SqlitePool, incident: i64) -> Result<Option<(i64, String)>, Error> {
    Ok(sqlx::query_as("SELECT revision, report FROM reports WHERE incident = $1 ORDER BY revision DESC LIMIT 1")
        .bind(incident)
        .fetch_optional(pool)
        .await?)
}

/// That of one revision.
pub async fn of(pool: &SqlitePool, incident: i64, revision: i64) -> Result<Option<String>, Error> {
    Ok(sqlx::query_scalar("SELECT report FROM reports WHERE incident = $1 AND revision = $2")
        .bind(incident)
        .bind(revision)
        .fetch_optional(pool)
        .await?)
}
