//! Descriptions of other people's tools, pinned when they were first seen or trusted.

use agent::{Pin, Pins};
use sqlx::{Row, SqliteConnection, SqlitePool};

use super::{Error, Millis};

pub async fn all(pool: &SqlitePool) -> Result<Pins, Error> {
    let mut pins = Pins::default();
    for row in sqlx::query("SELECT server, tool, digest, text FROM tool_pins").fetch_all(pool).await? {
        let pin = Pin { digest: row.try_get("digest")?, text: row.try_get("text")? };
        pins.0.entry(row.try_get("server")?).or_default().insert(row.try_get("tool")?, pin);
    }
    Ok(pins)
}

/// Keeps what was never seen before. What was pinned stands.
pub async fn see(connection: &mut SqliteConnection, pins: &Pins, now: Millis) -> Result<(), Error> {
    for (server, tools) in &pins.0 {
        for (tool, pin) in tools {
            sqlx::query(
                "INSERT INTO tool_pins (server, tool, digest, text, pinned_at) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (server, tool) DO NOTHING",
            )
            .bind(server)
            .bind(tool)
            .bind(&pin.digest)
            .bind(&pin.text)
            .bind(now)
            .execute(&mut *connection)
            .await?;
        }
    }
    Ok(())
}

/// Puts a new description in the place of the pinned one.
pub async fn trust(
    connection: &mut SqliteConnection,
    server: &str,
    tool: &str,
    pin: &Pin,
    now: Millis,
) -> Result<(), Error> {
    sqlx::query("UPDATE tool_pins SET digest = $3, text = $4, pinned_at = $5 WHERE server = $1 AND tool = $2")
        .bind(server)
        .bind(tool)
        .bind(&pin.digest)
        .bind(&pin.text)
        .bind(now)
        .execute(connection)
        .await?;
    Ok(())
}
