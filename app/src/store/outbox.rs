//! What has to be said, on which channel, until it is said or visibly given up.

use serde::Serialize;
use sqlx::{FromRow, SqliteConnection, SqlitePool};

use super::{Error, Millis};

/// The incident number of digest rows; their revision is the minute.
pub const DIGEST: i64 = 0;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Plain,
    Diagnosis,
    Resolved,
    Digest,
    Notice,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Diagnosis => "diagnosis",
            Self::Resolved => "resolved",
            Self::Digest => "digest",
            Self::Notice => "notice",
        }
    }
}

/// A row to add. What waits unsent for the same incident and channel gives way to it: the last state wins.
#[derive(Debug, Clone, Serialize)]
pub struct New {
    pub incident: i64,
    pub revision: i64,
    pub kind: Kind,
    pub channel: String,
    pub next_at: Millis,
}

#[derive(Debug, Clone, FromRow, Serialize)]
pub struct Row {
    pub id: i64,
    pub incident: i64,
    pub revision: i64,
    pub kind: String,
    pub channel: String,
    pub state: String,
    pub attempts: i64,
    pub next_at: Millis,
    pub lease_until: Option<Millis>,
    pub lease_owner: Option<String>,
    pub provider_id: Option<String>,
    pub error: Option<String>,
    /// Parts of the message that the channel took on a try that failed later on.
    pub parts: i64,
    /// The revision that those parts told.
    pub parts_of: Option<i64>,
    pub created_at: Millis,
    pub sent_at: Option<Millis>,
}

/// Adds rows. Each takes over the attempts and the age of the row that it replaces, so that news on a dead channel
/// neither jumps its back-off nor makes it look young. Call [`Store::wake`](super::Store::wake) after the commit.
pub async fn enqueue(connection: &mut SqliteConnection, rows: &[New], now: Millis) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let json = serde_json::to_string(rows)?;
    sqlx::query(
        "INSERT INTO outbox (incident, revision, kind, channel, state, attempts, next_at, created_at)
         SELECT n.value ->> 'incident', n.value ->> 'revision', n.value ->> 'kind', n.value ->> 'channel', 'queued',
                coalesce(o.attempts, 0), iif(o.attempts > 0, o.next_at, n.value ->> 'next_at'),
                coalesce(o.created_at, $2)
         FROM json_each($1) n
         LEFT JOIN outbox o ON o.incident = n.value ->> 'incident' AND o.channel = n.value ->> 'channel'
                           AND o.state = 'queued' AND o.incident != 0
         WHERE true
         ON CONFLICT (incident, revision, channel) DO NOTHING",
    )
    .bind(&json)
    .bind(now)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE outbox SET state = 'superseded'
         FROM json_each($1) n
         WHERE outbox.incident = n.value ->> 'incident' AND outbox.channel = n.value ->> 'channel'
           AND outbox.revision < n.value ->> 'revision' AND outbox.state = 'queued' AND outbox.incident != 0",
    )
    .bind(&json)
    .execute(connection)
    .await?;
    Ok(())
}

/// Incidents and channels with a row that is not sent yet.
pub async fn waiting(connection: &mut SqliteConnection, incidents: &[i64]) -> Result<Vec<(i64, String)>, Error> {
    Ok(sqlx::query_as(
        "SELECT incident, channel FROM outbox
         WHERE state = 'queued' AND incident IN (SELECT value FROM json_each($1))",
    )
    .bind(serde_json::to_string(incidents)?)
    .fetch_all(connection)
    .await?)
}

/// Incidents and the channels on which they were told of, or will be, one by one.
pub async fn told(connection: &mut SqliteConnection, incidents: &[i64]) -> Result<Vec<(i64, String)>, Error> {
    Ok(sqlx::query_as(
        "SELECT DISTINCT incident, channel FROM outbox WHERE incident IN (SELECT value FROM json_each($1))",
    )
    .bind(serde_json::to_string(incidents)?)
    .fetch_all(connection)
    .await?)
}

#[derive(Debug, Clone, Serialize)]
pub struct DigestItem {
    pub minute: i64,
    pub channel: String,
    pub incident: i64,
}

/// Puts incidents into digests, and the digests' rows into the outbox.
pub async fn digest(connection: &mut SqliteConnection, items: &[DigestItem], now: Millis) -> Result<(), Error> {
    if items.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT OR IGNORE INTO digests (minute, channel, incident)
         SELECT value ->> 'minute', value ->> 'channel', value ->> 'incident' FROM json_each($1)",
    )
    .bind(serde_json::to_string(items)?)
    .execute(&mut *connection)
    .await?;
    let mut rows: Vec<New> = items
        .iter()
        .map(|item| New {
            incident: DIGEST,
            revision: item.minute,
            kind: Kind::Digest,
            channel: item.channel.clone(),
            next_at: (item.minute + 1) * 60_000,
        })
        .collect();
    rows.sort_by(|a, b| (a.revision, &a.channel).cmp(&(b.revision, &b.channel)));
    rows.dedup_by(|a, b| a.revision == b.revision && a.channel == b.channel);
    enqueue(connection, &rows, now).await
}

/// Channels of incidents that only a digest told of, which was already sent.
pub async fn told_by_digest(connection: &mut SqliteConnection, incidents: &[i64]) -> Result<Vec<(i64, String)>, Error> {
    Ok(sqlx::query_as(
        "SELECT d.incident, d.channel FROM digests d
         LEFT JOIN outbox o ON o.incident = 0 AND o.revision = d.minute AND o.channel = d.channel AND o.state = 'queued'
         WHERE d.incident IN (SELECT value FROM json_each($1))
         GROUP BY d.incident, d.channel HAVING count(o.id) = 0",
    )
    .bind(serde_json::to_string(incidents)?)
    .fetch_all(connection)
    .await?)
}

/// The incidents of a digest.
pub async fn digest_items(pool: &SqlitePool, minute: i64, channel: &str) -> Result<Vec<i64>, Error> {
    Ok(sqlx::query_scalar("SELECT incident FROM digests WHERE minute = $1 AND channel = $2 ORDER BY incident")
        .bind(minute)
        .bind(channel)
        .fetch_all(pool)
        .await?)
}

/// Rows in a state, the oldest first.
pub async fn list(pool: &SqlitePool, state: &str, limit: i64) -> Result<Vec<Row>, Error> {
    Ok(sqlx::query_as("SELECT * FROM outbox WHERE state = $1 ORDER BY id LIMIT $2")
        .bind(state)
        .bind(limit)
        .fetch_all(pool)
        .await?)
}
