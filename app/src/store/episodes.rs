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
pub struct Standing {
    pub incident: i64,
    /// One fires, or flaps and is not yet believed to be over.
    pub firing: bool,
    /// One would fire, but is silenced or inhibited.
    pub suppressed: bool,
}

/// Asks whether and not how many: an incident may hold ten thousand alerts, and this is asked with each that joins.
pub async fn standing(connection: &mut SqliteConnection, incidents: &[i64]) -> Result<HashMap<i64, Standing>, Error> {
    let rows: Vec<Standing> = sqlx::query_as(
        "SELECT i.value AS incident,
                EXISTS (SELECT 1 FROM episodes e WHERE e.incident = i.value AND e.state = 'firing')
                OR EXISTS (SELECT 1 FROM alerts a JOIN episodes e ON e.alert = a.id
                           WHERE a.flapping = 1 AND e.incident = i.value AND e.state IN ('resolved', 'resolved_only'))
                  AS firing,
                EXISTS (SELECT 1 FROM episodes e WHERE e.incident = i.value AND e.state IN ('silenced', 'inhibited'))
                  AS suppressed
         FROM json_each($1) i",
    )
    .bind(serde_json::to_string(incidents)?)
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|standing| (standing.incident, standing)).collect())
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
