//! `midwatch eval`: every case scored, by the rules and with models, in a table beside the last time.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use replay::record::Progress as _;

use super::progress::Recorder;
use super::setup::StoreArgs;
use super::table::table;
use super::{LangArg, Output, say};
use crate::app::open_store;
use crate::config::Config;
use crate::eval::{Judge, Kept, Run, Score, Scored, Totals, cases, scores};
use crate::investigate::prompt;

#[derive(Debug, Args)]
pub struct Eval {
    /// Folder of cases
    #[arg(value_name = "DIR", default_value = "evals/cases")]
    dir: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
    /// Only cases whose name begins so
    #[arg(long, value_name = "PREFIX", default_value = "")]
    only: String,
    /// Score the words of this configured model, too; `all`: of each one
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Keep the models' runs in the store, for `midwatch runs`
    #[arg(long)]
    keep: bool,
    /// Language in which models are asked; default: that of the configuration
    #[arg(long, value_enum)]
    lang: Option<LangArg>,
    /// Cases under way at one time
    #[arg(long, value_name = "N", default_value_t = 2)]
    workers: usize,
    /// Where the figures are kept for the next time; default: eval.json in the data folder
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// How to write them
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
}

impl Eval {
    /// Exit code 1 when a case is not right.
    pub async fn run(self) -> anyhow::Result<u8> {
        let found = cases(&self.dir, &self.only).map_err(anyhow::Error::msg)?;
        ensure!(!found.is_empty(), "no case in {} begins with {:?}", self.dir.display(), self.only);
        let config = self.store.config()?;
        let file = self.save.clone().unwrap_or_else(|| config.data_dir.join("eval.json"));
        let mut kept = last(&file);
        let judges = self.judges(&config).await?;
        let progress = Recorder::new();
        progress.expect(found.len());
        let all = scores(&found, &judges, self.workers, |scored| progress.step(&scored.rules.case)).await;
        progress.finish();
        for store in judges.iter().filter_map(|judge| judge.store.as_ref()).take(1) {
            store.close().await;
        }
        let runs = runs(&judges, all);
        match self.output {
            Output::Json => say(&(serde_json::to_string_pretty(&runs)? + "\n"))?,
            Output::Text => say(&pages(&runs, &kept))?,
        }
        let wrong = runs.iter().any(|run| run.totals.perfect != run.totals.cases);
        // a part of the cases says nothing about all of them
        if self.only.is_empty() {
            kept.runs.extend(runs.into_iter().map(|run| (run.by.clone(), run)));
            if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
            }
            let text = serde_json::to_string_pretty(&kept)? + "\n";
            std::fs::write(&file, text).with_context(|| format!("writing {}", file.display()))?;
        }
        Ok(u8::from(wrong))
    }

    async fn judges(&self, config: &Config) -> anyhow::Result<Vec<Judge>> {
        let Some(wish) = &self.model else { return Ok(Vec::new()) };
        if self.store.config.config.is_none() && config.models.models.is_empty() {
            bail!("no model is configured (models:): give --config");
        }
        let models = config.models()?;
        let known = models.names().join(", ");
        let chosen: Vec<llm::Models> = models
            .names()
            .into_iter()
            .filter(|name| wish == "all" || wish == name)
            .filter_map(|name| models.only(name))
            .collect();
        ensure!(!chosen.is_empty(), "no model is named `{wish}`; there are: {known}");
        let lang = self.lang.map_or_else(|| config.lang.into(), Into::into);
        let instructions = prompt::instructions(config.prompt.as_deref(), lang).context("reading the prompt file")?;
        let store = if self.keep { Some(open_store(config).await?) } else { None };
        let judge = |models: llm::Models| Judge {
            name: models.names().concat(),
            models,
            instructions: instructions.clone(),
            lang,
            tools: config.mcp.server(lang),
            budget: agent::Budget::default(),
            store: store.clone(),
        };
        Ok(chosen.into_iter().map(judge).collect())
    }
}

/// The figures of the last time; none where there are none that can be read.
fn last(file: &Path) -> Kept {
    std::fs::read_to_string(file).ok().and_then(|text| Kept::read(&text)).unwrap_or_default()
}

/// One for the rules, then one for each judge.
fn runs(judges: &[Judge], all: Vec<Scored>) -> Vec<Run> {
    let time = jiff::Timestamp::now().to_string();
    let run = |by: &str, scores: Vec<Score>| Run {
        by: by.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        time: time.clone(),
        totals: Totals::of(&scores),
        scores,
    };
    let mut columns: Vec<Vec<Score>> = judges.iter().map(|_| Vec::with_capacity(all.len())).collect();
    let mut rules = Vec::with_capacity(all.len());
    for scored in all {
        rules.push(scored.rules);
        columns.iter_mut().zip(scored.judged).for_each(|(column, score)| column.push(score));
    }
    let by_models = judges.iter().zip(columns).map(|(judge, column)| run(&judge.name, column));
    std::iter::once(run("rules", rules)).chain(by_models).collect()
}

/// A table for each model beside the rules and its last time; without models the rules beside theirs.
fn pages(runs: &[Run], kept: &Kept) -> String {
    let Some((rules, judged)) = runs.split_first() else { return String::new() };
    let last = |run: &Run| kept.runs.get(&run.by);
    if judged.is_empty() {
        return page(&[rules], last(rules)) + &wrong(rules);
    }
    let mut text = String::new();
    for run in judged {
        text.push_str(&page(&[rules, run], last(run)));
        let worse = run.totals.worse_than(&rules.totals);
        match worse.is_empty() {
            true => text.push_str(&format!("{} lowers no figure of the rules\n", run.by)),
            false => text.push_str(&format!("{} lowers: {}\n", run.by, worse.join(", "))),
        }
        text.push_str(&wrong(run));
        text.push('\n');
    }
    text
}

fn page(columns: &[&Run], last: Option<&Run>) -> String {
    const NAMES: [&str; 15] = [
        "cases",
        "all right",
        "object and class",
        "false claims",
        "facts mentioned",
        "healthy said so",
        "guesses marked so",
        "claims kept",
        "claims dropped",
        "no answer",
        "rules' time p50 / p95",
        "model's time p50 / p95",
        "tokens",
        "rounds",
        "cost",
    ];
    let cells: Vec<[String; 15]> = columns.iter().map(|run| column(run)).collect();
    let before = last.map(column);
    let rows = NAMES.iter().enumerate().map(|(at, name)| {
        let cell = |column: &[String; 15]| column.get(at).cloned().unwrap_or_default();
        let mut row = vec![(*name).to_owned()];
        row.extend(cells.iter().map(cell));
        row.push(before.as_ref().map_or_else(|| "-".to_owned(), cell));
        row
    });
    let mut head = vec![String::new()];
    head.extend(columns.iter().map(|run| run.by.to_uppercase()));
    head.push(last.map_or_else(|| "LAST (none)".to_owned(), |last| format!("LAST ({}, {})", last.by, last.time)));
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    table(&head, &rows.collect::<Vec<_>>())
}

fn column(run: &Run) -> [String; 15] {
    let t = &run.totals;
    let of = |part: usize, all: usize| match all {
        0 => "-".to_owned(),
        all => format!("{part}/{all} ({:.1} %)", part as f64 * 100.0 / all as f64),
    };
    let model = |text: String| if run.by == "rules" { "-".to_owned() } else { text };
    [
        t.cases.to_string(),
        of(t.perfect, t.cases),
        of(t.right, t.causes),
        t.wrong.to_string(),
        of(t.mentioned, t.mentions),
        of(t.healthy_right, t.healthy),
        model(t.guesses.to_string()),
        model(t.kept.to_string()),
        model(t.dropped.to_string()),
        model(t.silent.to_string()),
        format!("{} / {} ms", t.p50_ms, t.p95_ms),
        model(format!("{} / {} ms", t.model_p50_ms, t.model_p95_ms)),
        t.tokens.to_string(),
        t.rounds.to_string(),
        format!("{:.4}", t.cost),
    ]
}

/// The cases that are not right, and why.
fn wrong(run: &Run) -> String {
    let failed: Vec<&Score> = run.scores.iter().filter(|score| !score.perfect()).collect();
    let mut text = if failed.is_empty() { String::new() } else { format!("\nnot right by {}:\n", run.by) };
    for score in failed {
        let why = score.unread.clone().unwrap_or_else(|| {
            format!(
                "{}/{} causes, {} false, {}/{} facts",
                score.right, score.causes, score.wrong, score.mentioned, score.mentions
            )
        });
        text.push_str(&format!("  {}: {why}\n", score.case));
    }
    text
}
