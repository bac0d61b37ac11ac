//! Forgetting what is past its time, in portions, so that intake never waits long behind it.

use super::{Error, Millis, Settings, Store};

const PORTION: i64 = 500;
const HOUR: Millis = 3_600_000;

/// Rows that may go: a statement that removes at most `$2` of them that are older than `$1`.
const BY_RETENTION: [&str; 8] = [
    "DELETE FROM outbox WHERE id IN
       (SELECT id FROM outbox WHERE created_at < $1 AND state IN ('sent', 'dead', 'superseded') LIMIT $2)",
    "DELETE FROM digests WHERE rowid IN (SELECT rowid FROM digests WHERE minute * 60000 < $1 LIMIT $2)",
    "DELETE FROM jobs WHERE id IN
       (SELECT id FROM jobs WHERE updated_at < $1 AND state IN ('done', 'failed') LIMIT $2)",
    "DELETE FROM runs WHERE id IN
       (SELECT id FROM runs WHERE updated_at < $1 AND kind NOT IN ('chat', 'ask') LIMIT $2)",
    "DELETE FROM reports WHERE rowid IN (SELECT r.rowid FROM reports r JOIN incidents i ON i.id = r.incident
       WHERE i.state != 'open' AND i.updated_at < $1 LIMIT $2)",
    "DELETE FROM episodes WHERE id IN (SELECT e.id FROM episodes e JOIN incidents i ON i.id = e.incident
       WHERE e.state IN ('resolved', 'resolved_only', 'stale') AND e.last_seen < $1 AND i.state != 'open' LIMIT $2)",
    "DELETE FROM alerts WHERE id IN (SELECT id FROM alerts a WHERE last_at < $1
       AND NOT EXISTS (SELECT 1 FROM episodes e WHERE e.alert = a.id) LIMIT $2)",
    "DELETE FROM incidents WHERE id IN (SELECT id FROM incidents i WHERE state != 'open' AND updated_at < $1
       AND NOT EXISTS (SELECT 1 FROM episodes e WHERE e.incident = i.id) LIMIT $2)",
];

const OF_CHATS: [&str; 2] = [
    "DELETE FROM chats WHERE id IN (SELECT id FROM chats WHERE updated_at < $1 LIMIT $2)",
    "DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE updated_at < $1 AND kind IN ('chat', 'ask') LIMIT $2)",
];

const RAW: [&str; 2] = [
    "DELETE FROM receipts WHERE sha256 IN (SELECT sha256 FROM receipts WHERE last_at < $1 LIMIT $2)",
    // Jobs that ran well are of no interest after a day.
    "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs WHERE updated_at < $1 AND state = 'done' LIMIT $2)",
];

impl Store {
    /// Removes what the settings let go; gives the number of rows.
    pub async fn prune(&self, settings: &Settings, now: Millis) -> Result<u64, Error> {
        let kept = now - Millis::from(settings.retention_days) * 24 * HOUR;
        let raw = now - Millis::from(settings.raw_retention_hours) * HOUR;
        let mut removed = 0;
        for statement in BY_RETENTION {
            removed += self.prune_with(statement, kept).await?;
        }
        removed += self
            .prune_with(
                "DELETE FROM quarantine WHERE id IN (SELECT id FROM quarantine WHERE last_at < $1 LIMIT $2)",
                kept,
            )
            .await?;
        for statement in RAW {
            removed += self.prune_with(statement, raw).await?;
        }
        Ok(removed + self.prune_chats(settings, now).await?)
    }

    /// Conversations alone, for a program that is no server.
    pub async fn prune_chats(&self, settings: &Settings, now: Millis) -> Result<u64, Error> {
        let kept = now - Millis::from(settings.chat_retention_days) * 24 * HOUR;
        let mut removed = 0;
        for statement in OF_CHATS {
            removed += self.prune_with(statement, kept).await?;
        }
        Ok(removed)
    }

    async fn prune_with(&self, statement: &'static str, before: Millis) -> Result<u64, Error> {
        let mut removed = 0;
        loop {
            let rows = self
                .write(move |connection| {
                    Box::pin(async move {
                        let done = sqlx::query(statement).bind(before).bind(PORTION).execute(connection).await?;
                        Ok(done.rows_affected())
                    })
                })
                .await?;
            removed += rows;
            if rows < PORTION.unsigned_abs() {
                return Ok(removed);
            }
        }
    }
}
