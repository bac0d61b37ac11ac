//! Alerts as they were last seen, and what is remembered of each over time.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;
use serde_json::{Map, Value};
use sqlx::{FromRow, SqliteConnection, SqlitePool};

use super::{Error, Millis};
use crate::alerts::episodes::{Episode, State, Track};

/// What the store knows of one alert before an event.
#[derive(Debug, Clone, Default)]
pub struct Known {
    pub track: Track,
    /// The incident of the latest episode.
    pub incident: Option<i64>,
}

/// An alert to write. Labels never change for an id; the rest is the newest heard.
#[derive(Debug, Serialize)]
pub struct Row<'a> {
    pub id: &'a str,
    pub source: &'a str,
    pub labels: &'a BTreeMap<String, String>,
    pub annotations: &'a BTreeMap<String, String>,
    pub extra: &'a Map<String, Value>,
    pub generator_url: &'a str,
    pub fingerprint: &'a str,
    pub listed: bool,
}

/// What is remembered of an alert's changes.
#[derive(Debug, Serialize)]
pub struct Changes<'a> {
    pub id: &'a str,
    pub flips: &'a [Millis],
    pub flapping: i64,
    pub hold_until: Option<Millis>,
}

#[derive(FromRow)]
struct TrackRow {
    id: String,
    flips: String,
    flapping: i64,
    hold_until: Option<Millis>,
    state: Option<String>,
    starts_at: Option<Millis>,
    ends_at: Option<Millis>,
    expires_at: Option<Millis>,
    last_seen: Option<Millis>,
    refires: Option<u32>,
    incident: Option<i64>,
}

pub async fn tracks(connection: &mut SqliteConnection, ids: &[&str]) -> Result<HashMap<String, Known>, Error> {
    let rows: Vec<TrackRow> = sqlx::query_as(
        "SELECT a.id, a.flips, a.flapping, a.hold_until,
                e.state, e.starts_at, e.ends_at, e.expires_at, e.last_seen, e.refires, e.incident
         FROM alerts a
         LEFT JOIN episodes e
           ON e.id = (SELECT id FROM episodes WHERE alert = a.id ORDER BY starts_at DESC LIMIT 1)
         WHERE a.id IN (SELECT value FROM json_each($1))",
    )
    .bind(serde_json::to_string(ids)?)
    .fetch_all(connection)
    .await?;
    rows.into_iter().map(known).collect()
}

fn known(row: TrackRow) -> Result<(String, Known), Error> {
    let episode = match (row.state, row.starts_at, row.last_seen) {
        (Some(state), Some(starts_at), Some(last_seen)) => Some(Episode {
            state: state_from(&state)?,
            starts_at,
            ends_at: row.ends_at,
            expires_at: row.expires_at,
            last_seen,
            refires: row.refires.unwrap_or_default(),
        }),
        _ => None,
    };
    let track = Track {
        episode,
        flips: serde_json::from_str(&row.flips)?,
        flapping: row.flapping != 0,
        hold_until: row.hold_until,
    };
    Ok((row.id, Known { track, incident: row.incident }))
}

fn state_from(word: &str) -> Result<State, Error> {
    Ok(serde_json::from_value(Value::String(word.to_owned()))?)
}

pub async fn save(connection: &mut SqliteConnection, rows: &[Row<'_>], now: Millis) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO alerts (id, source, labels, annotations, extra, generator_url, fingerprint, listed, first_at,
                             last_at)
         SELECT value ->> 'id', value ->> 'source', value -> 'labels', value -> 'annotations', value -> 'extra',
                value ->> 'generator_url', value ->> 'fingerprint', value ->> 'listed', $2, $2
         FROM json_each($1) WHERE true
         ON CONFLICT (id) DO UPDATE SET
           source = excluded.source, annotations = excluded.annotations, extra = excluded.extra,
           generator_url = iif(excluded.generator_url = '', generator_url, excluded.generator_url),
           fingerprint = iif(excluded.fingerprint = '', fingerprint, excluded.fingerprint),
           listed = max(listed, excluded.listed), last_at = excluded.last_at",
    )
    .bind(serde_json::to_string(rows)?)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn save_changes(connection: &mut SqliteConnection, rows: &[Changes<'_>]) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE alerts SET flips = c.flips, flapping = c.flapping, hold_until = c.hold_until
         FROM (SELECT value ->> 'id' AS id, value -> 'flips' AS flips, value ->> 'flapping' AS flapping,
                      value ->> 'hold_until' AS hold_until FROM json_each($1)) AS c
         WHERE alerts.id = c.id",
    )
    .bind(serde_json::to_string(rows)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// An alert of an incident, with the state of its latest episode there.
#[derive(Debug, Clone, FromRow)]
pub struct Stored {
    pub id: String,
    pub source: String,
    #[sqlx(json)]
    pub labels: BTreeMap<String, String>,
    #[sqlx(json)]
    pub annotations: BTreeMap<String, String>,
    pub generator_url: String,
    pub fingerprint: String,
    pub flapping: bool,
    pub state: String,
    pub starts_at: Millis,
    pub ends_at: Option<Millis>,
    pub refires: u32,
}

/// The alerts of an incident, at most `limit`: those that go on before those that ended, each the oldest first.
pub async fn of_incident(pool: &SqlitePool, incident: i64, limit: i64) -> Result<Vec<Stored>, Error> {
    Ok(sqlx::query_as(
        "SELECT a.id, a.source, a.labels, a.annotations, a.generator_url, a.fingerprint, a.flapping,
                e.state, e.starts_at, e.ends_at, e.refires
         FROM episodes e JOIN alerts a ON a.id = e.alert
         WHERE e.incident = $1
           AND e.id = (SELECT id FROM episodes WHERE alert = a.id AND incident = $1 ORDER BY starts_at DESC LIMIT 1)
         ORDER BY e.state IN ('resolved', 'resolved_only'), e.id LIMIT $2",
    )
    .bind(incident)
    .bind(limit)
    .fetch_all(pool)
    .await?)
}

/// An alert whose trouble is there, or was when it was last spoken of.
#[derive(Debug, Clone, FromRow)]
pub struct Open {
    pub id: String,
    #[sqlx(json)]
    pub labels: BTreeMap<String, String>,
    pub listed: bool,
}

/// What is open here, for comparison with what a source's API says.
pub async fn open(pool: &SqlitePool) -> Result<Vec<Open>, Error> {
    Ok(sqlx::query_as(
        "SELECT a.id, a.labels, a.listed FROM episodes e JOIN alerts a ON a.id = e.alert
         WHERE e.state IN ('firing', 'silenced', 'inhibited', 'stale') AND a.source != 'own'",
    )
    .fetch_all(pool)
    .await?)
}
