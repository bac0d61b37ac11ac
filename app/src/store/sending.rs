//! The outbox as a sender sees it: lease one row, then mark it sent, due again, or given up.

use sqlx::{SqliteConnection, SqlitePool};

use super::outbox::Row;
use super::{Error, Millis};

/// Leases the row of a channel that is due first. A lease that ran out (its sender died) counts as due: the message may
/// have gone out, and goes out again under the same delivery id.
pub async fn claim(
    connection: &mut SqliteConnection,
    channel: &str,
    owner: &str,
    lease: Millis,
    now: Millis,
) -> Result<Option<Row>, Error> {
    Ok(sqlx::query_as(
        "UPDATE outbox SET state = 'leased', attempts = attempts + 1, lease_until = $3 + $4, lease_owner = $2
         WHERE id = (SELECT id FROM outbox
                     WHERE channel = $1 AND ((state = 'queued' AND next_at <= $3) OR (state = 'leased' AND lease_until <= $3))
                     ORDER BY next_at, id LIMIT 1)
         RETURNING *",
    )
    .bind(channel)
    .bind(owner)
    .bind(now)
    .bind(lease)
    .fetch_optional(connection)
    .await?)
}

/// When a channel has something to do next.
pub async fn next_due(pool: &SqlitePool, channel: &str) -> Result<Option<Millis>, Error> {
    Ok(sqlx::query_scalar(
        "SELECT min(iif(state = 'queued', next_at, lease_until)) FROM outbox
         WHERE channel = $1 AND state IN ('queued', 'leased')",
    )
    .bind(channel)
    .fetch_one(pool)
    .await?)
}

/// The message is out. Older states of the incident that still wait, up to the revision that was told, give way.
pub async fn sent(
    connection: &mut SqliteConnection,
    row: &Row,
    told_revision: i64,
    provider_id: &str,
    now: Millis,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE outbox SET state = 'sent', sent_at = $2, provider_id = nullif($3, ''), lease_until = NULL, error = NULL
         WHERE id = $1 AND lease_owner = $4",
    )
    .bind(row.id)
    .bind(now)
    .bind(provider_id)
    .bind(&row.lease_owner)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE outbox SET state = 'superseded'
         WHERE incident = $1 AND channel = $2 AND revision <= $3 AND state = 'queued' AND incident != 0",
    )
    .bind(row.incident)
    .bind(&row.channel)
    .bind(told_revision)
    .execute(connection)
    .await?;
    Ok(())
}

/// Not taken: again at `next_at`, or given up for good when that is None.
pub async fn not_sent(
    connection: &mut SqliteConnection,
    row: &Row,
    error: &str,
    next_at: Option<Millis>,
) -> Result<(), Error> {
    sqlx::query(
        "UPDATE outbox SET state = iif($2 IS NULL, 'dead', 'queued'), next_at = coalesce($2, next_at), error = $3,
                           lease_until = NULL
         WHERE id = $1 AND lease_owner = $4",
    )
    .bind(row.id)
    .bind(next_at)
    .bind(error)
    .bind(&row.lease_owner)
    .execute(connection)
    .await?;
    Ok(())
}

/// A turn that did not come to a try: the robot has no room, so the row waits without an attempt counted.
pub async fn put_back(connection: &mut SqliteConnection, row: &Row, next_at: Millis) -> Result<(), Error> {
    sqlx::query(
        "UPDATE outbox SET state = 'queued', attempts = attempts - 1, next_at = $2, lease_until = NULL
         WHERE id = $1 AND lease_owner = $3",
    )
    .bind(row.id)
    .bind(next_at)
    .bind(&row.lease_owner)
    .execute(connection)
    .await?;
    Ok(())
}

/// What the channel gave back for the incident's first message there.
pub async fn first_receipt(pool: &SqlitePool, incident: i64, channel: &str) -> Result<Option<String>, Error> {
    Ok(sqlx::query_scalar(
        "SELECT provider_id FROM outbox
         WHERE incident = $1 AND channel = $2 AND incident != 0 AND provider_id IS NOT NULL ORDER BY revision LIMIT 1",
    )
    .bind(incident)
    .bind(channel)
    .fetch_optional(pool)
    .await?)
}

/// How many messages of the incident went out on the channel before this row.
pub async fn messages_before(pool: &SqlitePool, row: &Row) -> Result<i64, Error> {
    Ok(sqlx::query_scalar(
        "SELECT count(*) FROM outbox WHERE incident = $1 AND channel = $2 AND state = 'sent' AND id != $3",
    )
    .bind(row.incident)
    .bind(&row.channel)
    .bind(row.id)
    .fetch_one(pool)
    .await?)
}

/// When the channels of one robot last spoke, oldest first: its pace must survive a restart.
pub async fn sent_lately(pool: &SqlitePool, channels: &[&str], since: Millis) -> Result<Vec<Millis>, Error> {
    Ok(sqlx::query_scalar(
        "SELECT sent_at FROM outbox WHERE state = 'sent' AND sent_at > $1
         AND channel IN (SELECT value FROM json_each($2)) ORDER BY sent_at",
    )
    .bind(since)
    .bind(serde_json::to_string(channels)?)
    .fetch_all(pool)
    .await?)
}

/// Queues dead rows again, all or one. The number of rows.
pub async fn retry_dead(connection: &mut SqliteConnection, id: Option<i64>, now: Millis) -> Result<u64, Error> {
    let done = sqlx::query(
        "UPDATE outbox SET state = 'queued', attempts = 0, next_at = $2, created_at = $2, error = NULL
         WHERE state = 'dead' AND ($1 IS NULL OR id = $1)",
    )
    .bind(id)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// The same news on another channel; once, however often it is asked for.
pub async fn copy_to(connection: &mut SqliteConnection, row: &Row, channel: &str, now: Millis) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO outbox (incident, revision, kind, channel, state, next_at, created_at)
         VALUES ($1, $2, $3, $4, 'queued', $5, $5) ON CONFLICT (incident, revision, channel) DO NOTHING",
    )
    .bind(row.incident)
    .bind(row.revision)
    .bind(&row.kind)
    .bind(channel)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}
