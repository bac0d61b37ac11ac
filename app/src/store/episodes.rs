//! Episodes: when an alert fired, and how that ended.

use std::collections::HashMap;

use serde::Serialize;
use sqlx::{FromRow, SqliteConnection};

use super::{Error, Millis};
use crate::alerts::episodes::Episode;

#[derive(Debug, Serialize)]
pub struct Row<'a> {
    pub alert: &'a str,
    pub incident: i64,
    #[serde(flatten)]
    pub episode: &'a Episode,
}

pub async fn save(connection: &mut SqliteConnection, rows: &[Row<'_>]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO episodes (alert, incident, state, starts_at, ends_at, expires_at, last_seen, refires)
         SELECT value ->> 'alert', value ->> 'incident', value ->> 'state', value ->> 'starts_at',
                value ->> 'ends_at', value ->> 'expires_at', value ->> 'last_seen', value ->> 'refires'
         FROM json_each($1) WHERE true
         ON CONFLICT (alert, starts_at) DO UPDATE SET
           incident = excluded.incident, state = excluded.state, ends_at = excluded.ends_at,
           expires_at = excluded.expires_at, last_seen = excluded.last_seen, refires = excluded.refires",
    )
    .bind(serde_json::to_string(rows)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// How an incident's episodes stand.
#[derive(Debug, Clone, Copy, Default, FromRow)]
pub struct Tally {
    pub incident: i64,
    pub alerts: i64,
    /// Firing, or flapping and not yet believed to be over.
    pub firing: i64,
    /// Firing, but silenced or inhibited.
    pub suppressed: i64,
}

pub async fn tally(connection: &mut SqliteConnection, incidents: &[i64]) -> Result<HashMap<i64, Tally>, Error> {
    let rows: Vec<Tally> = sqlx::query_as(
        "SELECT e.incident, count(*) AS alerts,
                count(*) FILTER (WHERE e.state = 'firing' OR (a.flapping = 1 AND e.state IN ('resolved', 'resolved_only')))
                  AS firing,
                count(*) FILTER (WHERE e.state IN ('silenced', 'inhibited')) AS suppressed
         FROM episodes e JOIN alerts a ON a.id = e.alert
         WHERE e.incident IN (SELECT value FROM json_each($1))
         GROUP BY e.incident",
    )
    .bind(serde_json::to_string(incidents)?)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|tally| (tally.incident, tally)).collect())
}

/// Alerts for which the passing of time may change something.
pub async fn due(connection: &mut SqliteConnection, stale_before: Millis, now: Millis) -> Result<Vec<String>, Error> {
    Ok(sqlx::query_scalar(
        "SELECT alert FROM episodes
         WHERE state IN ('firing', 'silenced', 'inhibited') AND (expires_at <= $2 OR last_seen <= $1)
         UNION SELECT id FROM alerts WHERE flapping = 1 AND coalesce(hold_until, 0) <= $2
         LIMIT 5000",
    )
    .bind(stale_before)
    .bind(now)
    .fetch_all(connection)
    .await?)
}
