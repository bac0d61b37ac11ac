//! The models that a conversation may ask, and where their runs are kept.

use agent::{Budget, NoRecord, Record};
use anyhow::Context as _;
use diagnose::Report;
use serde_json::json;

use super::answer::Spoken;
use super::clean;
use crate::config::Config;
use crate::investigate::record::Written;
use crate::store::runs::Kind;
use crate::store::{self, Store, runs};

/// Characters of a question as the title of its run.
const TITLE: usize = 120;

/// The models that may be asked, and when.
#[derive(Clone)]
pub struct Advisor {
    pub models: llm::Models,
    /// also where rules and tools suffice
    pub always: bool,
    pub budget: Budget,
    /// of its runs in the store
    pub kind: Kind,
    /// None: runs are not kept, and nothing can be proposed
    pub store: Option<Store>,
}

impl Advisor {
    /// The configured models. `wish`: one of them by its name, or `none`. None: rules and tools answer alone.
    pub fn of(config: &Config, wish: Option<&str>, kind: Kind) -> anyhow::Result<Option<Self>> {
        if wish == Some("none") {
            return Ok(None);
        }
        let models = config.models().context("opening the models")?;
        let named = |name: &str| {
            let known = models.names().join(", ");
            let known = if known.is_empty() { "none is configured (`models`)".to_owned() } else { known };
            models.with_first(name).with_context(|| format!("there is no model {name}; there are: {known}"))
        };
        let chosen = wish.map(named).transpose()?;
        let always = chosen.is_some();
        let models = chosen.unwrap_or_else(|| models.clone());
        let advisor = Self { models, always, budget: Budget::default(), kind, store: None };
        Ok(Some(advisor).filter(|advisor| !advisor.models.is_empty()))
    }

    pub fn name(&self) -> &str {
        self.models.names().first().copied().unwrap_or_default()
    }

    /// Begins a run: its steps are written down, where there is a store.
    pub(super) async fn begin(
        &self,
        run: &str,
        question: &str,
        report: Option<&Report>,
    ) -> Result<Box<dyn Record>, String> {
        let Some(store) = &self.store else { return Ok(Box::new(NoRecord)) };
        let (id, kind, title) = (run.to_owned(), self.kind, clean::line(&redact::text(question), TITLE));
        let report = report.map(serde_json::to_string).transpose().map_err(|error| error.to_string())?;
        let begun = store.write(move |connection| {
            Box::pin(async move {
                runs::begin(connection, &id, kind, &title, None, store::now()).await?;
                match report {
                    Some(report) => runs::rests_on(connection, &id, &report).await,
                    None => Ok(()),
                }
            })
        });
        begun.await.map_err(|error| error.to_string())?;
        Ok(Box::new(Written::new(store.clone())))
    }

    pub(super) async fn end(&self, spoken: &Spoken) {
        let Some(store) = &self.store else { return };
        let id = spoken.run.clone();
        let words = json!({"text": spoken.words, "unchecked": spoken.unchecked, "failure": spoken.failure});
        let written = store
            .write(move |connection| {
                Box::pin(async move { runs::end(connection, &id, &words.to_string(), store::now()).await })
            })
            .await;
        if let Err(error) = written {
            tracing::warn!(run = spoken.run, %error, "the end of a run could not be written down");
        }
    }
}
