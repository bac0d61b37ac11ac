//! `midwatch eval`: every case scored, in a table beside the last one.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use clap::Args;

use super::progress::Recorder;
use super::setup::StoreArgs;
use super::table::table;
use super::{Output, say};
use crate::eval::{Run, Score, Totals, by_rules, cases};
use replay::record::Progress as _;

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
        let file = match &self.save {
            Some(file) => file.clone(),
            None => self.store.config()?.data_dir.join("eval.json"),
        };
        let last = last(&file);
        let progress = Recorder::new();
        progress.expect(found.len());
        let scores = by_rules(&found, |score| progress.step(&score.case)).await;
        progress.finish();
        let run = Run {
            schema: 1,
            by: "rules".to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            time: jiff::Timestamp::now().to_string(),
            totals: Totals::of(&scores),
            scores,
        };
        let text = serde_json::to_string_pretty(&run)? + "\n";
        // a part of the cases says nothing about all of them
        if self.only.is_empty() {
            if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
            }
            std::fs::write(&file, &text).with_context(|| format!("writing {}", file.display()))?;
        }
        match self.output {
            Output::Json => say(&text)?,
            Output::Text => say(&page(&run, last.as_ref()))?,
        }
        Ok(u8::from(run.totals.perfect != run.totals.cases))
    }
}

/// The figures of the last time. None where there are none that can be read.
fn last(file: &Path) -> Option<Run> {
    serde_json::from_str(&std::fs::read_to_string(file).ok()?).ok()
}

fn page(run: &Run, last: Option<&Run>) -> String {
    let of = |part: usize, all: usize| match all {
        0 => "-".to_owned(),
        all => format!("{part}/{all} ({:.1} %)", part as f64 * 100.0 / all as f64),
    };
    let column = |t: &Totals| {
        vec![
            t.cases.to_string(),
            of(t.perfect, t.cases),
            of(t.right, t.causes),
            t.wrong.to_string(),
            of(t.mentioned, t.mentions),
            of(t.healthy_right, t.healthy),
            format!("{} / {} ms", t.p50_ms, t.p95_ms),
            t.tokens.to_string(),
            t.rounds.to_string(),
            format!("{:.4}", t.cost),
        ]
    };
    let names = [
        "cases",
        "all right",
        "object and class",
        "false claims",
        "facts mentioned",
        "healthy said so",
        "time p50 / p95",
        "tokens",
        "rounds",
        "cost",
    ];
    let (now, before) = (column(&run.totals), last.map(|last| column(&last.totals)));
    let rows: Vec<Vec<String>> = names
        .iter()
        .enumerate()
        .map(|(at, name)| {
            let before = before.as_ref().map_or_else(|| "-".to_owned(), |column| column[at].clone());
            vec![(*name).to_owned(), now[at].clone(), before]
        })
        .collect();
    let head = last.map_or_else(|| "LAST (none)".to_owned(), |last| format!("LAST ({}, {})", last.by, last.time));
    let mut text = table(&["", &run.by.to_uppercase(), &head], &rows);
    let failed: Vec<&Score> = run.scores.iter().filter(|score| !score.perfect()).collect();
    if !failed.is_empty() {
        text.push_str("\nnot right:\n");
    }
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
