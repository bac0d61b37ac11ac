//! Asks a model about an incident after the rules have spoken, keeps what the evidence backs, and tells it as a revision
//! of the same message. What goes wrong here changes nothing of what was told before.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use agent::{Budget, Outcome, Step};
use diagnose::{Confidence, Lang, Report};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tracing::info;

use super::cited::{Cited, results};
use super::meter::count;
use super::prompt;
use super::record::Written;
use super::task::{kept, task};
use crate::alerts::tell::worded;
use crate::failpoint::crash_at;
use crate::store::runs::{self, Kind};
use crate::store::{self, Store, incidents, reports};
use crate::toolbox::{self, Servers};

/// When a model is asked about an alert.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Asking {
    /// where the rules are not certain of the cause, or could not read everything
    #[default]
    WhenUnsure,
    Always,
    Never,
}

impl Asking {
    /// Whether a model is asked about this report.
    pub fn asks(self, report: &Report) -> bool {
        let certain = report.causes.first().is_some_and(|cause| cause.confidence == Confidence::Certain);
        match self {
            Self::Never => false,
            Self::Always => true,
            Self::WhenUnsure => !(report.healthy || certain && report.gaps.is_empty()),
        }
    }
}

/// Says for the labels of an alert when a model is asked.
pub type Wishes = Arc<dyn Fn(&BTreeMap<String, String>) -> Asking + Send + Sync>;

pub struct Mind {
    pub store: Store,
    pub models: llm::Models,
    pub prompt: Option<PathBuf>,
    pub lang: Lang,
    /// the tools that read, as a server in this process
    pub tools: tools::Server,
    pub servers: Servers,
    pub budget: Budget,
}

impl Mind {
    /// Works off `Job::Word`. Safe to repeat: a run that ended is not told again, one that was cut off goes on.
    pub async fn word(&self, incident: i64) -> Result<(), String> {
        let text = |error: store::Error| error.to_string();
        let found = incidents::get(self.store.read(), incident).await.map_err(text)?;
        let Some(found) = found.filter(|incident| incident.state == "open") else {
            return self.supersede(incident, i64::MAX).await.map_err(text);
        };
        let Some((revision, report)) = reports::newest(self.store.read(), incident).await.map_err(text)? else {
            return Ok(());
        };
        let report: Report = serde_json::from_str(&report).map_err(|error| error.to_string())?;
        let id = format!("incident-{incident}-{revision}");
        if runs::get(self.store.read(), &id).await.map_err(text)?.is_some_and(|run| run.state == "ended") {
            return Ok(());
        }
        let begun = id.clone();
        self.store
            .write(move |connection| {
                Box::pin(async move {
                    let about = Some((incident, revision));
                    runs::supersede(connection, incident, revision, store::now()).await?;
                    runs::begin(connection, &begun, Kind::Alert, &found.title, about, store::now()).await
                })
            })
            .await
            .map_err(text)?;
        crash_at("run-begun");
        let outcome = self.run(&id, &report).await?;
        count(&outcome);
        let words = kept(&outcome, &report);
        info!(run = id, claims = words.claims.len(), dropped = words.dropped.len(), "worded");
        crash_at("before-words");
        let tells = words.tells();
        let words = serde_json::to_string(&words).map_err(|error| error.to_string())?;
        self.store
            .write(move |connection| {
                Box::pin(async move {
                    runs::end(connection, &id, &words, store::now()).await?;
                    crash_at("within-words");
                    if tells { worded(connection, incident, store::now()).await } else { Ok(()) }
                })
            })
            .await
            .map_err(text)?;
        crash_at("after-words");
        self.store.wake().outbox.notify_waiters();
        Ok(())
    }

    async fn supersede(&self, incident: i64, newest: i64) -> Result<(), store::Error> {
        self.store
            .write(move |connection| {
                Box::pin(async move { runs::supersede(connection, incident, newest, store::now()).await })
            })
            .await
    }

    async fn run(&self, id: &str, report: &Report) -> Result<Outcome, String> {
        let instructions = prompt::instructions(self.prompt.as_deref(), self.lang)
            .map_err(|error| format!("the prompt file cannot be read: {error}"))?;
        let toolbox = self.servers.toolbox(self.tools.clone(), toolbox::reads).await?;
        let past = runs::steps(self.store.read(), id).await.map_err(|error| error.to_string())?;
        let past: Vec<Step> = past.iter().filter_map(|step| serde_json::from_str(step).ok()).collect();
        let hands = Cited::new(toolbox, results(&past).len());
        let task = task(id, prompt::messages(instructions, report, self.lang), self.lang);
        let written = Written::new(self.store.clone());
        Ok(agent::run(&self.models, &hands, task, self.budget, &written, past, &mut |_| {}).await)
    }
}
