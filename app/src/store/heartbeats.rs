//! When each source's heartbeat was last heard.

use sqlx::SqliteConnection;

use super::{Error, Millis};

/// Notes a heartbeat. True when the source had been reported missing.
pub async fn heard(connection: &mut SqliteConnection, source: &str, now: Millis) -> Result<bool, Error> {
    let missing: Option<bool> = sqlx::query_scalar("SELECT missing FROM heartbeats WHERE source = $1")
        .bind(source)
        .fetch_optional(&mut *connection)
        .await?;
    // The gap of an outage is not the usual one.
    sqlx::query(
        "INSERT INTO heartbeats (source, last_at) VALUES ($1, $2)
         ON CONFLICT (source) DO UPDATE SET
           gap = iif(missing = 1 OR excluded.last_at - last_at < 1000, gap, excluded.last_at - last_at),
           last_at = excluded.last_at, missing = 0",
    )
    .bind(source)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(missing.unwrap_or(false))
}

/// Sources that are silent for `after`, and for longer than they usually are, and had not been reported; they count as
/// reported from now on. A source heard only once has no usual gap and is not missed: its sender may repeat daily.
pub async fn missing(
    connection: &mut SqliteConnection,
    after: Millis,
    now: Millis,
) -> Result<Vec<(String, Millis)>, Error> {
    Ok(sqlx::query_as(
        "UPDATE heartbeats SET missing = 1
         WHERE missing = 0 AND gap IS NOT NULL AND last_at <= $2 - max($1, gap * 5 / 2)
         RETURNING source, last_at",
    )
    .bind(after)
    .bind(now)
    .fetch_all(connection)
    .await?)
}
