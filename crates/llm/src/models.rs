//! The configured models, asked in their order until one answers.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::error::{Error, Tried};
use crate::memory::Memory;
use crate::provider::Quirks;
use crate::reply::{Event, Reply};
use crate::request::Request;
use crate::settings::{Model, Settings, SettingsError};
use crate::transport::Transport;
use crate::turn::Turn;

/// Requests of a turn beside its first one, over all models.
pub const MOST_EXTRA: u32 = 4;

/// The models of the configuration. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Models {
    entries: Vec<Arc<Entry>>,
    memory: Arc<Memory>,
}

#[derive(Debug)]
pub(crate) struct Entry {
    pub model: Model,
    pub transport: Transport,
}

/// What a model answered, and at which expense.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Answer {
    pub reply: Reply,
    /// the name of the model in the configuration
    pub model: String,
    /// what was switched off or changed for this answer, in words
    pub steps: Vec<String>,
    /// requests that were sent, those of models that gave no answer too
    pub requests: u32,
    pub first_token: Option<Duration>,
    pub took: Duration,
    /// in the currency of the configured prices
    pub cost: Option<f64>,
    /// models that were asked before this one and gave no answer
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<Tried>,
}

impl Models {
    /// Opens the models; `memory_file` keeps what was learnt about them over a restart.
    pub fn new(settings: &Settings, memory_file: Option<PathBuf>) -> Result<Self, SettingsError> {
        if let Some((i, what)) = settings.problems().into_iter().next() {
            let model = settings.models.get(i).map(|model| model.name.clone()).unwrap_or_default();
            return Err(SettingsError { model, what });
        }
        let open = |model: &Model| Ok(Arc::new(Entry { model: model.clone(), transport: Transport::new(model)? }));
        let entries = settings.models.iter().map(open).collect::<Result<_, SettingsError>>()?;
        Ok(Self { entries, memory: Arc::new(Memory::open(memory_file)) })
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The models' names in the order in which they are asked.
    pub fn names(&self) -> Vec<&str> {
        self.entries.iter().map(|entry| entry.model.name.as_str()).collect()
    }

    /// The models as they are configured, in the order in which they are asked.
    pub fn settings(&self) -> impl Iterator<Item = &Model> {
        self.entries.iter().map(|entry| &entry.model)
    }

    /// The same models, one of them first; `None` if there is none with this name.
    pub fn with_first(&self, name: &str) -> Option<Self> {
        let at = self.entries.iter().position(|entry| entry.model.name == name)?;
        let mut entries = self.entries.clone();
        let first = entries.remove(at);
        entries.insert(0, first);
        Some(Self { entries, memory: self.memory.clone() })
    }

    /// One model alone; `None` if there is none with this name.
    pub fn only(&self, name: &str) -> Option<Self> {
        let mut first = self.with_first(name)?;
        first.entries.truncate(1);
        Some(first)
    }

    /// How the first model is asked now, and what was learnt about it, in words.
    pub fn known(&self) -> Option<(Quirks, Vec<String>)> {
        let entry = self.entries.first()?;
        let learnt = self.memory.learnt(&entry.model);
        let mut quirks = Quirks::of(&entry.model);
        learnt.iter().for_each(|step| step.apply(&mut quirks));
        Some((quirks, learnt.iter().map(ToString::to_string).collect()))
    }

    /// Forgets what was learnt about the first model.
    pub fn forget(&self) {
        if let Some(entry) = self.entries.first() {
            self.memory.forget(&entry.model);
        }
    }

    /// Asks the first model, and the next one where it gives no answer. Dropping the future closes the connection.
    pub async fn ask(
        &self,
        request: &Request,
        deadline: Instant,
        on: &mut (dyn FnMut(Event) + Send),
    ) -> Result<Answer, Error> {
        let began = Instant::now();
        let mut requests = 0;
        let mut tried = Vec::new();
        for (i, entry) in self.entries.iter().enumerate() {
            let own = (Instant::now() + Duration::from_secs(entry.model.deadline_s.into())).min(deadline);
            // each model behind this one keeps one request
            let behind = u32::try_from(self.entries.len() - i - 1).unwrap_or(MOST_EXTRA);
            let allowed = (MOST_EXTRA + 1).saturating_sub(requests + behind).max(1);
            let mut turn = Turn::new(entry, &self.memory, request, own, allowed);
            let ended = turn.run(on).await;
            requests += turn.requests;
            let why = match ended {
                Ok(reply) => {
                    let cost = cost(&entry.model, &reply);
                    return Ok(Answer {
                        reply,
                        model: entry.model.name.clone(),
                        steps: turn.steps,
                        requests,
                        first_token: turn.first_token.map(|at| at.duration_since(began)),
                        took: began.elapsed(),
                        cost,
                        tried,
                    });
                }
                Err(refusal) => refusal,
            };
            let model = entry.model.name.clone();
            tracing::warn!(model, class = why.class.name(), why = why.text, "a model gave no answer");
            tried.push(Tried { model, class: why.class, why: why.text.clone(), requests: turn.requests });
            if Instant::now() >= deadline || requests > MOST_EXTRA {
                break;
            }
            if let Some(next) = self.entries.get(i + 1) {
                on(Event::Restart { model: next.model.name.clone(), why: why.text });
            }
        }
        Err(Error::of(tried))
    }
}

fn cost(model: &Model, reply: &Reply) -> Option<f64> {
    let price = |tokens: u64, price: Option<f64>| {
        #[expect(clippy::cast_precision_loss, reason = "no answer has 2^52 tokens")]
        let tokens = tokens as f64;
        price.map(|price| tokens * price / 1e6)
    };
    let parts = [price(reply.usage.input, model.price_in), price(reply.usage.output, model.price_out)];
    parts.into_iter().flatten().reduce(|sum, part| sum + part)
}
