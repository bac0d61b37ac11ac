//! A run as one document: what it began with, each step, what was kept of the answer. `docs/runs.md` describes the format.

use std::path::Path;

use agent::Step;
use diagnose::Report;
use jiff::Timestamp;
use llm::Message;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::investigate::verify::{Dropped, Words};
use crate::store::runs::{self, Run};
use crate::store::{Error, Millis, Store, reports};

const SCHEMA: u32 = 1;
/// Ids that are offered where none is right.
const OFFERED: u32 = 5;
/// What an imported run's id begins with: a server takes none of them for its own.
const IMPORTED: &str = "imported-";

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Transcript {
    pub schema: u32,
    pub id: String,
    pub kind: String,
    /// what it was about, in one line
    pub title: String,
    pub incident: Option<i64>,
    pub revision: Option<i64>,
    pub state: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// the evidence and the rules' verdict that it began with
    pub report: Option<Report>,
    /// what was kept and dropped of the answer
    pub words: Option<Value>,
    pub steps: Vec<Stamped>,
}

/// A step as it was written down; one of a later version is kept as it is.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stamped {
    pub at: Timestamp,
    pub step: Value,
}

/// What was kept of an answer, by the kind of run.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub enum Verdict {
    /// claims, each held against the evidence
    Checked(Words),
    /// prose, with what nothing backs listed beside it
    Spoken {
        text: String,
        #[serde(rename = "unchecked")]
        unbacked: Vec<Dropped>,
        failure: Option<String>,
    },
}

impl Verdict {
    pub fn read(words: &Value) -> Option<Self> {
        if words.get("claims").is_some() {
            return serde_json::from_value(words.clone()).ok().map(Self::Checked);
        }
        let text = |value: &Value, member: &str| value.get(member).and_then(Value::as_str).map(str::to_owned);
        let unbacked = words.get("unchecked").and_then(Value::as_array).into_iter().flatten();
        let unbacked = unbacked.filter_map(|one| Some(Dropped { text: text(one, "text")?, why: text(one, "why")? }));
        Some(Self::Spoken { text: text(words, "text")?, unbacked: unbacked.collect(), failure: text(words, "failure") })
    }

    /// How many statements were kept, and how many were not, or were marked.
    pub fn counts(&self) -> (usize, usize) {
        match self {
            Self::Checked(words) => (words.kept(), words.dropped.len()),
            Self::Spoken { text, unbacked, failure } => {
                (usize::from(failure.is_none() && !text.is_empty()), unbacked.len())
            }
        }
    }
}

impl Transcript {
    /// The run of this id, or of the only id that begins so. None where there is none.
    pub async fn of(store: &Store, id: &str) -> Result<Option<Self>, Error> {
        let run = match runs::get(store.read(), id).await? {
            Some(run) => Some(run),
            None => match &runs::like(store.read(), id, OFFERED).await?[..] {
                [only] if only.starts_with(id) => runs::get(store.read(), only).await?,
                _ => None,
            },
        };
        let Some(run) = run else { return Ok(None) };
        Ok(Some(Self::with(store, run).await?))
    }

    /// Everything that belongs to this run.
    pub async fn with(store: &Store, run: Run) -> Result<Self, Error> {
        let report = match (run.report, run.incident.zip(run.revision)) {
            (Some(report), _) => Some(report),
            (None, Some((incident, revision))) => reports::of(store.read(), incident, revision).await?,
            (None, None) => None,
        };
        let steps = runs::timed_steps(store.read(), &run.id).await?.into_iter();
        let stamped = |(at, step): (Millis, String)| {
            let step = serde_json::from_str(&step).unwrap_or(Value::String(step));
            Stamped { at: time(at), step }
        };
        Ok(Self {
            schema: SCHEMA,
            id: run.id,
            kind: run.kind,
            title: run.title,
            incident: run.incident,
            revision: run.revision,
            state: run.state,
            created_at: time(run.created_at),
            updated_at: time(run.updated_at),
            report: report.map(|report| serde_json::from_str(&report)).transpose()?,
            words: run.words.map(|words| serde_json::from_str(&words)).transpose()?,
            steps: steps.map(stamped).collect(),
        })
    }

    /// Reads an exported document.
    pub fn read(file: &Path) -> Result<Self, String> {
        let named = |what: String| format!("{}: {what}", file.display());
        let text = std::fs::read_to_string(file).map_err(|error| named(error.to_string()))?;
        let value: Value = serde_json::from_str(&text).map_err(|error| named(format!("no JSON: {error}")))?;
        match value.get("schema").and_then(Value::as_u64) {
            Some(1) => {}
            Some(other) => return Err(named(format!("its schema is {other}, this Midwatch reads 1: use a newer one"))),
            None => return Err(named("no exported run (it has no `schema`): see `midwatch runs export`".to_owned())),
        }
        serde_json::from_value(value).map_err(|error| named(format!("no exported run: {error}")))
    }

    /// Ids that somebody may have meant: those that hold the text, or one of its parts, else the newest.
    pub async fn near(store: &Store, id: &str) -> Result<Vec<String>, Error> {
        let mut parts = vec![id];
        parts.extend(id.split('-').filter(|part| part.len() > 1 || part.parse::<u32>().is_ok()).rev());
        for part in parts {
            let found = runs::like(store.read(), part, OFFERED).await?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        runs::like(store.read(), "", OFFERED).await
    }

    /// Puts the document into a store, under an id that no server gives. The id, or None where it is there already.
    pub async fn import(self, store: &Store) -> Result<Option<String>, Error> {
        let id = format!("{IMPORTED}{}", self.id.trim_start_matches(IMPORTED));
        if runs::get(store.read(), &id).await?.is_some() {
            return Ok(None);
        }
        let report = self.report.as_ref().map(serde_json::to_string).transpose()?;
        let new = id.clone();
        let write = store.write(move |connection| {
            Box::pin(async move {
                let kind = runs::Kind::named(&self.kind).unwrap_or(runs::Kind::Eval);
                let (began, ended) = (self.created_at.as_millisecond(), self.updated_at.as_millisecond());
                runs::begin(connection, &new, kind, &self.title, None, began).await?;
                if let Some(report) = report {
                    runs::rests_on(connection, &new, &report).await?;
                }
                for Stamped { at, step } in &self.steps {
                    runs::step(connection, &new, &step.to_string(), at.as_millisecond()).await?;
                }
                match &self.words {
                    Some(words) => runs::end(connection, &new, &words.to_string(), ended).await,
                    None => Ok(()),
                }
            })
        });
        write.await?;
        Ok(Some(id))
    }

    /// The steps that this version knows.
    pub fn known(&self) -> Vec<Step> {
        self.steps.iter().filter_map(|stamped| serde_json::from_value(stamped.step.clone()).ok()).collect()
    }

    /// The messages that it began with, and the tools that were offered.
    pub fn first(&self) -> Option<(Vec<Message>, Vec<String>)> {
        self.known().into_iter().find_map(|step| match step {
            Step::Asked { new, tools, .. } => Some((new, tools)),
            Step::Replied { .. }
            | Step::Calling { .. }
            | Step::Called { .. }
            | Step::Nudged { .. }
            | Step::Cut { .. }
            | Step::WrappedUp { .. }
            | Step::Ended { .. } => None,
        })
    }

    pub fn verdict(&self) -> Option<Verdict> {
        self.words.as_ref().and_then(Verdict::read)
    }
}

fn time(millis: Millis) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}
