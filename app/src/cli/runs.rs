//! `midwatch runs`: what models were asked, what they did and what was kept of it; a run taken out, and run again.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail};
use clap::{Args, Subcommand};
use jiff::{Span, Timestamp};
use serde_json::json;
use tools::OnlyReading;

use super::progress::with_line;
use super::setup::StoreArgs;
use super::table::{age, table};
use super::{LangArg, Output, say};
use crate::runs::clean::{line, shown};
use crate::runs::{Figures, Length, Transcript, Wish, page, replay, side_by_side};
use crate::store::runs::{self, Filter, Kind};
use crate::store::{self, Store};
use crate::toolbox::own;

#[derive(Debug, Subcommand)]
pub enum Runs {
    /// Runs of models, the newest first
    List(List),
    /// One run step by step: what was asked, called, read and answered; what was kept of it and what not
    Show(Show),
    /// One run with its evidence as a JSON document
    Export(Export),
    /// Take an exported run into this store
    Import(Import),
    /// Run a recorded run again, with another model or prompt, against what was recorded; no cluster is touched
    Replay(Replay),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    store: StoreArgs,
    /// Only those of this kind
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// Only those about this incident
    #[arg(long, value_name = "N")]
    incident: Option<i64>,
    /// Only those begun since: 30m, 12h, 3d, or a time such as 2026-11-24T03:00:00Z
    #[arg(long, value_name = "TIME", value_parser = since)]
    since: Option<Timestamp>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    store: StoreArgs,
    /// Id as `midwatch runs list` prints it, or the file of an export
    #[arg(value_name = "ID|FILE")]
    run: String,
    /// Long texts in full
    #[arg(long)]
    full: bool,
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Debug, Args)]
pub struct Export {
    #[command(flatten)]
    store: StoreArgs,
    /// Id as `midwatch runs list` prints it
    id: String,
    /// Where to write it; default: standard output
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Import {
    #[command(flatten)]
    store: StoreArgs,
    /// File of an export
    file: PathBuf,
}

#[derive(Debug, Args)]
pub struct Replay {
    #[command(flatten)]
    store: StoreArgs,
    /// Id as `midwatch runs list` prints it, or the file of an export
    #[arg(value_name = "ID|FILE")]
    run: String,
    /// Name of a configured model; default: the first
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Other instructions for the model than the recorded ones
    #[arg(long, value_name = "FILE")]
    prompt: Option<PathBuf>,
    /// Language of the evidence under other instructions; default: that of the configuration
    #[arg(long, value_enum)]
    lang: Option<LangArg>,
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
}

impl Runs {
    pub async fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::List(command) => command.run().await,
            Self::Show(command) => command.run().await,
            Self::Export(command) => command.run().await,
            Self::Import(command) => command.run().await,
            Self::Replay(command) => command.run().await,
        }
    }
}

/// A time, or how long ago.
fn since(text: &str) -> Result<Timestamp, String> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Ok(time);
    }
    let ago =
        text.parse::<Span>().map_err(|_| "give a time such as 2026-11-24T03:00:00Z, or 30m, 12h, 3d".to_owned())?;
    // there are no days in a time without a zone
    let ago = ago.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|error| error.to_string())?;
    Timestamp::now().checked_sub(ago).map_err(|error| error.to_string())
}

/// The run of this id; near ones are offered where there is none.
async fn find(store: &Store, id: &str) -> anyhow::Result<Transcript> {
    if let Some(run) = Transcript::of(store, id).await? {
        return Ok(run);
    }
    let near = Transcript::near(store, id).await?;
    if near.is_empty() {
        bail!(
            "there is no run {id}: this store holds none. A model is asked where the rules are unsure, or `model: always`"
        );
    }
    bail!("there is no run {id}; there are: {} (`midwatch runs list`)", near.join(", "))
}

/// A file where there is one of this name, else a run of the store.
async fn open(args: &StoreArgs, run: &str) -> anyhow::Result<Transcript> {
    let file = Path::new(run);
    if file.is_file() {
        return Transcript::read(file).map_err(anyhow::Error::msg);
    }
    let (_, store) = args.open().await?;
    let found = find(&store, run).await;
    store.close().await;
    found
}

impl List {
    async fn run(self) -> anyhow::Result<u8> {
        let (_, store) = self.store.open().await?;
        let since = self.since.map(Timestamp::as_millisecond);
        let filter = Filter { kind: self.kind, incident: self.incident, since };
        let now = store::now();
        let (mut rows, mut values) = (Vec::new(), Vec::new());
        for run in runs::list(store.read(), filter, self.limit).await? {
            let created = run.created_at;
            let run = Transcript::with(&store, run).await?;
            let figures = Figures::of(&run.known());
            let counts = run.verdict().map(|verdict| verdict.counts());
            let failed = figures.ended.as_deref().filter(|ended| *ended != "answered");
            rows.push(vec![
                run.id.clone(),
                run.kind.clone(),
                age(created, now),
                line(&figures.models.join(", "), 24),
                figures.rounds.to_string(),
                (figures.tokens_in + figures.tokens_out).to_string(),
                counts.map_or_else(|| "-".to_owned(), |(kept, dropped)| format!("{kept}/{dropped}")),
                line(failed.unwrap_or(&run.state), 32),
                line(&run.title, 60),
            ]);
            values.push(json!({
                "id": run.id, "kind": run.kind, "title": run.title, "incident": run.incident, "revision": run.revision,
                "state": run.state, "created_at": run.created_at, "updated_at": run.updated_at, "figures": figures,
                "kept": counts.map(|(kept, _)| kept), "dropped": counts.map(|(_, dropped)| dropped),
            }));
        }
        store.close().await;
        match self.output {
            Output::Json => say(&(serde_json::to_string_pretty(&values)? + "\n"))?,
            Output::Text if rows.is_empty() => say("no runs\n")?,
            Output::Text => {
                let head = ["ID", "KIND", "AGE", "MODEL", "ROUNDS", "TOKENS", "KEPT/DROPPED", "STATE", "ABOUT"];
                say(&shown(&table(&head, &rows)))?;
            }
        }
        Ok(0)
    }
}

impl Show {
    async fn run(self) -> anyhow::Result<u8> {
        let run = open(&self.store, &self.run).await?;
        let length = if self.full { Length::Full } else { Length::Short };
        match self.output {
            Output::Json => {
                let mut value = serde_json::to_value(&run)?;
                value["figures"] = serde_json::to_value(Figures::of(&run.known()))?;
                say(&(serde_json::to_string_pretty(&value)? + "\n"))?;
            }
            Output::Text => say(&shown(&page(&run, length)))?,
        }
        Ok(0)
    }
}

impl Export {
    async fn run(self) -> anyhow::Result<u8> {
        let (_, store) = self.store.open().await?;
        let run = find(&store, &self.id).await;
        store.close().await;
        let text = serde_json::to_string_pretty(&run?)? + "\n";
        match self.to {
            Some(file) => std::fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?,
            None => say(&text)?,
        }
        Ok(0)
    }
}

impl Import {
    async fn run(self) -> anyhow::Result<u8> {
        let run = Transcript::read(&self.file).map_err(anyhow::Error::msg)?;
        let (_, store) = self.store.make().await?;
        let known = run.id.clone();
        let id = run.import(&store).await;
        store.close().await;
        match id? {
            Some(id) => say(&format!("imported as {id}\n"))?,
            None => bail!("{known} was imported already"),
        }
        Ok(0)
    }
}

impl Replay {
    async fn run(self) -> anyhow::Result<u8> {
        let run = open(&self.store, &self.run).await?;
        let config = self.store.config()?;
        let models = config.models()?;
        let names = models.names().join(", ");
        let models = match &self.model {
            None if models.is_empty() => bail!("no model is configured (models:): there is none to run it with"),
            None => models,
            Some(name) => models.only(name).ok_or_else(|| anyhow!("no model is named `{name}`; there are: {names}"))?,
        };
        let read = |file: &PathBuf| {
            std::fs::read_to_string(file).with_context(|| format!("the prompt file {}", file.display()))
        };
        let instructions = self.prompt.as_ref().map(read).transpose()?;
        let lang = self.lang.map_or_else(|| config.lang.into(), Into::into);
        let nowhere = OnlyReading {
            cluster: Err("a recording is played".to_owned()),
            contexts: Vec::new(),
            prometheus: None,
            time: None,
        };
        // asked for its list only: calls are answered from the recording
        let toolbox = own(nowhere, config.mcp.server(lang)).await.map_err(anyhow::Error::msg)?;
        let tools = agent::Hands::tools(&toolbox);
        let wish = Wish { models: &models, instructions, lang, budget: agent::Budget::default(), tools: &tools };
        let again =
            with_line(replay(&run, wish), || format!("{} runs again", run.id)).await.map_err(anyhow::Error::msg)?;
        match self.output {
            Output::Json => {
                let before = json!({"figures": Figures::of(&run.known()), "words": run.words});
                let after = json!({"figures": again.figures, "missing": again.missing, "words": again.verdict});
                let value = json!({"schema": 1, "id": run.id, "recorded": before, "again": after});
                say(&(serde_json::to_string_pretty(&value)? + "\n"))?;
            }
            Output::Text => say(&shown(&side_by_side(&run, &again, table)))?,
        }
        Ok(u8::from(again.figures.models.is_empty()))
    }
}
