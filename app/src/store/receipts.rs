//! Request bodies as they came but for secrets, each once, with a count of how often.

use sqlx::SqliteConnection;

use super::{Error, Millis};

/// An identical body within this time says nothing new.
const IDENTICAL: Millis = 300_000;

/// Remembers a body. False when it is the repetition of one that was handled just now.
pub async fn record(
    connection: &mut SqliteConnection,
    sha256: &str,
    source: &str,
    body: &[u8],
    size: i64,
    now: Millis,
) -> Result<bool, Error> {
    let last: Option<Millis> = sqlx::query_scalar("SELECT last_at FROM receipts WHERE sha256 = $1")
        .bind(sha256)
        .fetch_optional(&mut *connection)
        .await?;
    let Some(last) = last else {
        sqlx::query(
            "INSERT INTO receipts (sha256, source, body, size, first_at, last_at) VALUES ($1, $2, $3, $4, $5, $5)",
        )
        .bind(sha256)
        .bind(source)
        .bind(body)
        .bind(size)
        .bind(now)
        .execute(connection)
        .await?;
        return Ok(true);
    };
    let repeated = (now - last).abs() < IDENTICAL;
    // The window counts from the last time that the body was handled, so that endless repetition is still heard.
    sqlx::query("UPDATE receipts SET count = count + 1, last_at = iif($2, last_at, $3) WHERE sha256 = $1")
        .bind(sha256)
        .bind(repeated)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(!repeated)
}
