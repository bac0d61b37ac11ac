//! What a run took: rounds, calls, tokens, time, money.

use agent::{Step, WhyEnded};
use serde::Serialize;

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Figures {
    /// those that answered, by their names in the configuration
    pub models: Vec<String>,
    /// those that were asked and gave no answer, and why
    pub tried: Vec<String>,
    /// what was switched off or changed so that a provider took the request
    pub ladder: Vec<String>,
    pub rounds: u32,
    pub calls: u32,
    pub requests: u32,
    pub tokens_in: u64,
    pub tokens_cached: u64,
    pub tokens_out: u64,
    /// None where no price is configured
    pub cost: Option<f64>,
    /// of the models alone
    pub model_ms: u64,
    /// of the first answer
    pub first_token_ms: Option<u64>,
    /// why it ended, in words; None: it did not end
    pub ended: Option<String>,
}

impl Figures {
    pub fn of(steps: &[Step]) -> Self {
        let mut sum = Self::default();
        for step in steps {
            match step {
                Step::Asked { .. } => sum.rounds += 1,
                Step::Replied { answer, .. } => sum.answered(answer),
                Step::Called { .. } => sum.calls += 1,
                Step::Ended { why, .. } => sum.ended = Some(reason(why)),
                Step::Calling { .. } | Step::Nudged { .. } | Step::Cut { .. } | Step::WrappedUp { .. } => {}
            }
        }
        sum
    }

    fn answered(&mut self, answer: &llm::Answer) {
        add(&mut self.models, answer.model.clone());
        for tried in &answer.tried {
            add(&mut self.tried, format!("{}: {}", tried.model, tried.why));
        }
        answer.steps.iter().for_each(|step| add(&mut self.ladder, step.clone()));
        self.requests += answer.requests;
        self.tokens_in += answer.reply.usage.input;
        self.tokens_cached += answer.reply.usage.cached;
        self.tokens_out += answer.reply.usage.output;
        self.cost = answer.cost.map(|cost| cost + self.cost.unwrap_or_default()).or(self.cost);
        self.model_ms += u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX);
        if self.first_token_ms.is_none() {
            self.first_token_ms = answer.first_token.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        }
    }
}

fn add(list: &mut Vec<String>, new: String) {
    if !list.contains(&new) {
        list.push(new);
    }
}

/// Why a run ended, in words.
pub fn reason(why: &WhyEnded) -> String {
    match why {
        WhyEnded::Answered => "answered".to_owned(),
        WhyEnded::Budget { limit } => format!("out of {}", format!("{limit:?}").to_lowercase()),
        WhyEnded::Repeating { name } => format!("the same call of {name} for the third time"),
        WhyEnded::UnknownTools => "called tools that do not exist".to_owned(),
        WhyEnded::NothingButAnnouncements => "announced calls and made none".to_owned(),
        WhyEnded::Cancelled => "cancelled".to_owned(),
        WhyEnded::Model { message, .. } => format!("no model answered: {message}"),
        WhyEnded::Record { message } => format!("a step could not be written down: {message}"),
    }
}
