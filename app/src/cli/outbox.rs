//! `midwatch outbox`: what waits to be said, what was said, and what was given up.

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};

use super::say;
use super::setup::StoreArgs;
use super::table::{age, table};
use crate::store::{self, outbox, sending};

#[derive(Debug, Subcommand)]
pub enum Outbox {
    /// Messages in one state, the oldest first
    List(List),
    /// Queue messages again that were given up; a running server sends them within seconds
    Retry(Retry),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    store: StoreArgs,
    /// Which messages
    #[arg(long, value_enum, default_value = "dead")]
    state: State,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum State {
    /// given up
    Dead,
    /// waiting
    Queued,
    /// being sent
    Leased,
    /// taken by the channel
    Sent,
    /// overtaken by newer news of the same incident
    Superseded,
}

#[derive(Debug, Args)]
pub struct Retry {
    #[command(flatten)]
    store: StoreArgs,
    /// Number of the message, as `midwatch outbox list` prints it
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    id: Option<i64>,
    /// All that were given up
    #[arg(long)]
    all: bool,
}

impl Outbox {
    pub async fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::List(command) => command.run().await,
            Self::Retry(command) => command.run().await,
        }
    }
}

impl List {
    async fn run(self) -> anyhow::Result<u8> {
        let (_, store) = self.store.open().await?;
        let state = match self.state {
            State::Dead => "dead",
            State::Queued => "queued",
            State::Leased => "leased",
            State::Sent => "sent",
            State::Superseded => "superseded",
        };
        let found = outbox::list(store.read(), state, i64::from(self.limit)).await?;
        store.close().await;
        if self.json {
            say(&(serde_json::to_string_pretty(&found)? + "\n"))?;
            return Ok(0);
        }
        if found.is_empty() {
            say(&format!("no {state} messages\n"))?;
            return Ok(0);
        }
        let now = store::now();
        let row = |row: &outbox::Row| {
            vec![
                row.id.to_string(),
                row.incident.to_string(),
                row.kind.clone(),
                row.channel.clone(),
                age(row.created_at, now),
                row.attempts.to_string(),
                row.error.clone().unwrap_or_else(|| "-".to_owned()),
            ]
        };
        let rows: Vec<Vec<String>> = found.iter().map(row).collect();
        say(&table(&["ID", "INCIDENT", "KIND", "CHANNEL", "AGE", "TRIES", "ERROR"], &rows))?;
        Ok(0)
    }
}

impl Retry {
    async fn run(self) -> anyhow::Result<u8> {
        let (_, store) = self.store.open().await?;
        let id = self.id;
        let queued = store
            .write(move |connection| Box::pin(async move { sending::retry_dead(connection, id, store::now()).await }))
            .await;
        store.close().await;
        match (queued?, id) {
            (0, Some(id)) => bail!("message {id} was not given up: `midwatch outbox list` shows those that were"),
            (count, _) => {
                say(&format!("{count} queued again\n"))?;
                Ok(0)
            }
        }
    }
}
