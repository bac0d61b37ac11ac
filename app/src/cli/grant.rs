//! `midwatch grant ...`: for a time, let somebody ask for changes that are otherwise off.

use clap::{Args, Subcommand};

use super::approvals::Desk;
use super::say;
use super::setup::StoreArgs;
use super::table::table;
use crate::approvals::{self, Scope};

#[derive(Debug, Subcommand)]
pub enum Grant {
    /// Let a user propose changes of class D; each still needs its own approval
    Add(Add),
    /// All grants, the newest first
    List(List),
    /// Take one back
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub struct Add {
    #[command(flatten)]
    store: StoreArgs,
    /// Who may propose
    subject: String,
    /// Namespaces, with * for any text; several times for several
    #[arg(long = "namespace", required = true)]
    namespaces: Vec<String>,
    /// Kinds, such as Deployment
    #[arg(long = "kind", required = true)]
    kinds: Vec<String>,
    /// Names of objects
    #[arg(long = "name", default_value = "*")]
    names: Vec<String>,
    /// How many changes
    #[arg(long, default_value_t = 1)]
    uses: i64,
    /// How long, at most 8
    #[arg(long, default_value_t = 1.0)]
    hours: f64,
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Args)]
pub struct Revoke {
    #[command(flatten)]
    store: StoreArgs,
    id: i64,
}

impl Grant {
    pub async fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::Add(command) => command.run().await,
            Self::List(command) => command.run().await,
            Self::Revoke(command) => command.run().await,
        }
    }
}

impl Add {
    async fn run(self) -> anyhow::Result<u8> {
        let desk = Desk::open(&self.store, false).await?;
        let scope = Scope {
            classes: vec![cluster::Class::D],
            namespaces: self.namespaces,
            kinds: self.kinds,
            names: self.names,
        };
        let grant = approvals::Grant {
            subject: self.subject,
            scope,
            max_uses: self.uses,
            hours: self.hours,
            reason: self.reason,
        };
        let done = desk.hub.grant(&desk.person, grant).await;
        desk.close().await;
        say(&format!("grant {}\n", done?))?;
        Ok(0)
    }
}

impl List {
    async fn run(self) -> anyhow::Result<u8> {
        let desk = Desk::open(&self.store, false).await?;
        let rows = desk.hub.grants().await;
        desk.close().await;
        let time = |at: i64| jiff::Timestamp::from_millisecond(at).unwrap_or_default().to_string();
        let cells: Vec<Vec<String>> = rows?
            .into_iter()
            .map(|row| {
                let end = row.revoked_at.map_or_else(|| time(row.expires_at), |at| format!("revoked {}", time(at)));
                let uses = format!("{}/{}", row.used, row.max_uses);
                vec![row.id.to_string(), row.subject, uses, end, row.granter, row.scope, row.reason]
            })
            .collect();
        say(&table(&["ID", "SUBJECT", "USED", "ENDS", "BY", "SCOPE", "REASON"], &cells))?;
        Ok(0)
    }
}

impl Revoke {
    async fn run(self) -> anyhow::Result<u8> {
        let desk = Desk::open(&self.store, false).await?;
        let done = desk.hub.revoke(&desk.person, self.id).await;
        desk.close().await;
        done?;
        say("taken back\n")?;
        Ok(0)
    }
}
