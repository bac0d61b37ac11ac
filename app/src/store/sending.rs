//! The outbox as a sender sees it: lease one row, then mark it sent, due again, or given up.
//!
//! A mark only counts while the marker holds the lease, and may be written twice.

use sqlx::{SqliteConnection, SqlitePool};

use super::outbox::{DIGEST, Row};
use super::{Error, Millis};

/// Leases the row of a channel that is due first. A lease that ran out (its sender died) counts as due: the message may
/// have gone out, and goes out again under the same delivery id. While a message of an incident is on its way, no other
/// of the same incident is leased there: they would overtake each other.
pub async fn claim(
    connection: &mut SqliteConnection,
    channel: &str,
    owner: &str,
    lease: Millis,
    now: Millis,
) -> Result<Option<Row>, Error> {
    Ok(sqlx::query_as(
        "UPDATE outbox SET state = 'leased', attempts = attempts + 1, lease_until = $3 + $4, lease_owner = $2
         WHERE id = (SELECT id FROM outbox o
                     WHERE channel = $1 AND ((state = 'queued' AND next_at <= $3) OR (state = 'leased' AND lease_until <= $3))
                       AND (incident = 0 OR NOT EXISTS (
                            SELECT 1 FROM outbox l WHERE l.incident = o.incident AND l.channel = o.channel
                                                     AND l.state = 'leased' AND l.lease_until > $3))
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
         WHERE id = $1 AND lease_owner = $4 AND state = 'leased'",
    )
    .bind(row.id)
    .bind(now)
    .bind(provider_id)
    .bind(&row.lease_owner)
    .execute(&mut *connection)
    .await?;
    give_way(connection, row, told_revision, now).await
}

/// There is nothing left to say: the row and everything older of its incident on the channel give way.
pub async fn needless(connection: &mut SqliteConnection, row: &Row, now: Millis) -> Result<(), Error> {
    sqlx::query(
        "UPDATE outbox SET state = 'superseded', lease_until = NULL
         WHERE id = $1 AND lease_owner = $2 AND state = 'leased'",
    )
    .bind(row.id)
    .bind(&row.lease_owner)
    .execute(&mut *connection)
    .await?;
    give_way(connection, row, row.revision, now).await
}

/// A row whose sender died in the middle gives way too: what it would say was said.
async fn give_way(connection: &mut SqliteConnection, row: &Row, up_to: i64, now: Millis) -> Result<(), Error> {
    sqlx::query(
        "UPDATE outbox SET state = 'superseded', lease_until = NULL
         WHERE incident = $1 AND channel = $2 AND revision <= $3 AND incident != 0 AND id != $4
           AND (state = 'queued' OR (state = 'leased' AND lease_until <= $5))",
    )
    .bind(row.incident)
    .bind(&row.channel)
    .bind(up_to)
    .bind(row.id)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}

/// A try that failed: what for, when again (never, if None), and which parts the channel has taken so far.
#[derive(Debug, Clone)]
pub struct Failure {
    pub error: String,
    pub next_at: Option<Millis>,
    pub parts: i64,
    /// the revision that the parts told
    pub parts_of: i64,
}

/// Not taken: again later, or given up for good.
pub async fn not_sent(connection: &mut SqliteConnection, row: &Row, failure: &Failure) -> Result<(), Error> {
    sqlx::query(
        "UPDATE outbox SET state = iif($2 IS NULL, 'dead', 'queued'), next_at = coalesce($2, next_at), error = $3,
                           parts = $5, parts_of = $6, lease_until = NULL
         WHERE id = $1 AND lease_owner = $4 AND state = 'leased'",
    )
    .bind(row.id)
    .bind(failure.next_at)
    .bind(&failure.error)
    .bind(&row.lease_owner)
    .bind(failure.parts)
    .bind(failure.parts_of)
    .execute(connection)
    .await?;
    Ok(())
}

/// A turn that did not come to a try: the row waits without an attempt counted, unless news came meanwhile.
pub async fn put_back(connection: &mut SqliteConnection, row: &Row, next_at: Millis) -> Result<(), Error> {
    sqlx::query(
        "UPDATE outbox SET attempts = attempts - 1, next_at = $2, lease_until = NULL,
             state = iif(incident != 0 AND EXISTS (
                         SELECT 1 FROM outbox n WHERE n.incident = outbox.incident AND n.channel = outbox.channel
                                                  AND n.revision > outbox.revision AND n.state = 'queued'),
                         'superseded', 'queued')
         WHERE id = $1 AND lease_owner = $3 AND state = 'leased'",
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
        "SELECT count(*) FROM outbox
         WHERE incident = $1 AND channel = $2 AND state = 'sent' AND id != $3 AND incident != 0",
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

/// Rows of critical incidents that the channel owes since `before`, that no channel has told, and that `next` does not
/// have. Rows that wait on purpose (for company) owe nothing yet.
pub async fn stranded(
    pool: &SqlitePool,
    channel: &str,
    next: &str,
    before: Millis,
    now: Millis,
) -> Result<Vec<Row>, Error> {
    Ok(sqlx::query_as(
        "SELECT o.* FROM outbox o JOIN incidents i ON i.id = o.incident
         WHERE o.channel = $1 AND o.state IN ('queued', 'leased') AND o.created_at <= $3
           AND (o.attempts > 0 OR o.next_at <= $4) AND i.severity = 'critical' AND i.state != 'merged'
           AND NOT EXISTS (SELECT 1 FROM outbox s WHERE s.incident = o.incident AND s.state = 'sent'
                                                    AND s.revision >= o.revision)
           AND NOT EXISTS (SELECT 1 FROM outbox n WHERE n.incident = o.incident AND n.revision = o.revision
                                                    AND n.channel = $2)
         ORDER BY o.id LIMIT 100",
    )
    .bind(channel)
    .bind(next)
    .bind(before)
    .bind(now)
    .fetch_all(pool)
    .await?)
}

/// Rows for channels that are not among `channels`: nobody would ever send them.
pub async fn orphans(pool: &SqlitePool, channels: &[&str], now: Millis) -> Result<Vec<Row>, Error> {
    Ok(sqlx::query_as(
        "SELECT * FROM outbox
         WHERE (state = 'queued' OR (state = 'leased' AND lease_until <= $2))
           AND channel NOT IN (SELECT value FROM json_each($1))
         ORDER BY id LIMIT 100",
    )
    .bind(serde_json::to_string(channels)?)
    .bind(now)
    .fetch_all(pool)
    .await?)
}

/// Gives up a row that nobody has leased.
pub async fn abandon(connection: &mut SqliteConnection, id: i64, why: &str, now: Millis) -> Result<(), Error> {
    sqlx::query(
        "UPDATE outbox SET state = 'dead', error = $2, lease_until = NULL
         WHERE id = $1 AND (state = 'queued' OR (state = 'leased' AND lease_until <= $3))",
    )
    .bind(id)
    .bind(why)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
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
    let mut revision = row.revision;
    if row.incident == DIGEST {
        // The other channel's digest of that minute may be out already; the one of this minute is not.
        revision = now / 60_000;
        sqlx::query(
            "INSERT OR IGNORE INTO digests (minute, channel, incident)
             SELECT $1, $2, incident FROM digests WHERE minute = $3 AND channel = $4",
        )
        .bind(revision)
        .bind(channel)
        .bind(row.revision)
        .bind(&row.channel)
        .execute(&mut *connection)
        .await?;
    }
    let next_at = if row.incident == DIGEST { (revision + 1) * 60_000 } else { now };
    sqlx::query(
        "INSERT INTO outbox (incident, revision, kind, channel, state, next_at, created_at)
         VALUES ($1, $2, $3, $4, 'queued', $5, $6) ON CONFLICT (incident, revision, channel) DO NOTHING",
    )
    .bind(row.incident)
    .bind(revision)
    .bind(&row.kind)
    .bind(channel)
    .bind(next_at)
    .bind(now)
    .execute(connection)
    .await?;
    Ok(())
}
