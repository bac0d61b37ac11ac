//! `midwatch audit ...`: what was decided and done; whether the log is whole.

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};

use super::say;
use super::setup::StoreArgs;
use super::table::table;
use crate::audit::{Action, Checkpoint, Numbered, verify};
use crate::store::{Store, audit as rows};

/// Rows that are read at once.
const PAGE: i64 = 5_000;

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// The newest rows
    List(List),
    /// Prove that no row was changed, taken out or put in: exit code 1 if one was
    Verify(Verify),
    /// All rows and checkpoints as lines of JSON
    Export(Export),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    store: StoreArgs,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// Only what this person did
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only this kind of row
    #[arg(long, value_enum)]
    action: Option<Action>,
    /// Only what belongs to this proposal
    #[arg(long, value_name = "ID")]
    proposal: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Verify {
    #[command(flatten)]
    store: StoreArgs,
    /// Also check against checkpoints that were kept elsewhere (`audit.checkpoint_file`)
    #[arg(long, value_name = "FILE")]
    checkpoints: Option<PathBuf>,
    /// Only accept checkpoints signed by this key (base64), as an earlier `verify` printed it
    #[arg(long)]
    key: Option<String>,
}

#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    store: StoreArgs,
}

impl Audit {
    pub async fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::List(command) => command.run().await,
            Self::Verify(command) => command.run().await,
            Self::Export(command) => command.run().await,
        }
    }
}

impl List {
    fn wants(&self, row: &Numbered) -> bool {
        let entry = &row.entry;
        self.actor.as_ref().is_none_or(|actor| entry.actor == *actor || entry.on_behalf_of.as_ref() == Some(actor))
            && self.action.is_none_or(|action| entry.action == action)
            && (self.proposal.is_none() || entry.proposal == self.proposal)
    }

    async fn run(self) -> anyhow::Result<u8> {
        let (_, store) = self.store.open().await?;
        let mut found: Vec<Numbered> = Vec::new();
        for row in rows::newest(store.read(), i64::MAX).await? {
            let row = serde_json::from_str(&row.text).with_context(|| format!("row {}", row.seq))?;
            if self.wants(&row) {
                found.push(row);
            }
            if found.len() == self.limit as usize {
                break;
            }
        }
        store.close().await;
        if self.json {
            say(&(serde_json::to_string_pretty(&found)? + "\n"))?;
            return Ok(0);
        }
        let rows: Vec<Vec<String>> = found.iter().map(line).collect();
        say(&table(&["SEQ", "TIME", "WHO", "ACTION", "DECISION", "WHAT"], &rows))?;
        Ok(0)
    }
}

fn line(row: &Numbered) -> Vec<String> {
    let entry = &row.entry;
    let time = jiff::Timestamp::from_millisecond(row.at).map(|at| at.to_string()).unwrap_or_default();
    let who = match &entry.on_behalf_of {
        Some(person) => format!("{} for {person}", entry.actor),
        None => entry.actor.clone(),
    };
    let action = serde_json::to_value(entry.action).ok().and_then(|v| v.as_str().map(str::to_owned));
    let decision = [&entry.class, &entry.decision, &entry.rule].into_iter().flatten().cloned().collect::<Vec<_>>();
    let code = entry.code.map(|code| code.to_string());
    let request = entry.request.as_ref().map(ToString::to_string);
    let parts = [&entry.tool, &entry.proposal, &code, &entry.note, &request];
    let what = parts.into_iter().flatten().cloned().collect::<Vec<_>>().join(" · ");
    let what = what.chars().take(160).collect();
    vec![row.seq.to_string(), time, who, action.unwrap_or_default(), decision.join(" "), what]
}

impl Verify {
    async fn run(self) -> anyhow::Result<u8> {
        let (_, store) = self.store.open().await?;
        let mut checkpoints: Vec<Checkpoint> =
            rows::checkpoints(store.read()).await?.into_iter().map(Checkpoint::from).collect();
        if let Some(path) = &self.checkpoints {
            checkpoints.extend(kept(path)?);
        }
        let rows = everything(&store).await?;
        store.close().await;
        match verify(&rows, &checkpoints, self.key.as_deref()) {
            Ok(verdict) => {
                let key = checkpoints.last().map_or("none yet", |one| one.key.as_str());
                say(&format!(
                    "{} rows are whole; {} checkpoints fit; signed by {key}\n",
                    verdict.rows, verdict.checkpoints
                ))?;
                Ok(0)
            }
            Err(broken) => {
                say(&format!("the log is broken: {broken}\n"))?;
                Ok(1)
            }
        }
    }
}

fn kept(path: &Path) -> anyhow::Result<Vec<Checkpoint>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let read = |(at, line)| serde_json::from_str(line).with_context(|| format!("{}:{}", path.display(), at + 1));
    lines.map(read).collect()
}

async fn everything(store: &Store) -> anyhow::Result<Vec<rows::Row>> {
    let mut all: Vec<rows::Row> = Vec::new();
    loop {
        let page = rows::after(store.read(), all.last().map_or(i64::MIN, |row| row.seq), PAGE).await?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

impl Export {
    async fn run(self) -> anyhow::Result<u8> {
        let (_, store) = self.store.open().await?;
        for row in everything(&store).await? {
            let hash: String = row.hash.iter().map(|byte| format!("{byte:02x}")).collect();
            say(&format!("{{\"row\":{},\"hash\":\"{hash}\"}}\n", row.text))?;
        }
        for one in rows::checkpoints(store.read()).await? {
            say(&format!("{{\"checkpoint\":{}}}\n", serde_json::to_string(&Checkpoint::from(one))?))?;
        }
        store.close().await;
        Ok(0)
    }
}
