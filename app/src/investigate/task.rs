//! What a run of an investigation is given, and what of its answer stands: the same for an alert, a replay and a score.

use agent::{Outcome, Policy, Task};
use diagnose::{Lang, Report};
use llm::Message;
use tokio_util::sync::CancellationToken;

use super::cited::results;
use super::claims::{self, Claims};
use super::prompt;
use super::verify::{Dropped, Known, Words, verify};

/// A run that only reads, and answers in the form of [`claims`].
pub fn task(id: &str, messages: Vec<Message>, lang: Lang) -> Task {
    Task {
        id: id.to_owned(),
        messages,
        schema: Some(claims::schema()),
        wrap_up: prompt::wrap_up(lang).to_owned(),
        closing: String::new(),
        policy: Policy::ReadOnly,
        thinking: llm::Thinking::Low,
        max_tokens: None,
        cancel: CancellationToken::new(),
    }
}

/// What the evidence backs of the answer, secrets hidden.
pub fn kept(outcome: &Outcome, report: &Report) -> Words {
    let said = outcome.structured.as_ref().and_then(Claims::read);
    let mut words = match said {
        Some(said) => verify(said, &Known::new(report, &results(&outcome.steps))),
        None => {
            let why = format!("no answer in the form that was asked for ({:?})", outcome.why_ended);
            Words { dropped: vec![Dropped { text: outcome.text.clone(), why }], ..Words::default() }
        }
    };
    words.each(|text| *text = redact::text(text).into_owned());
    words
}

impl Words {
    /// Whether there is something that a reader does not know from the rules.
    pub fn tells(&self) -> bool {
        self.overview.is_some() || self.cause.is_some() || !self.claims.is_empty() || !self.suggestions.is_empty()
    }

    /// Everything that is told of it.
    pub fn statements(&self) -> impl Iterator<Item = &str> {
        let single = self.overview.as_deref().into_iter().chain(self.cause.as_ref().map(|cause| cause.text.as_str()));
        let claims = self.claims.iter().map(|claim| claim.text.as_str());
        single.chain(claims).chain(self.suggestions.iter().map(|advice| advice.text.as_str()))
    }

    pub fn kept(&self) -> usize {
        self.statements().count()
    }

    fn each(&mut self, mut change: impl FnMut(&mut String)) {
        self.overview.iter_mut().for_each(&mut change);
        self.cause.iter_mut().for_each(|cause| change(&mut cause.text));
        self.claims.iter_mut().for_each(|claim| change(&mut claim.text));
        for advice in &mut self.suggestions {
            change(&mut advice.text);
            advice.command.iter_mut().for_each(&mut change);
        }
        self.dropped.iter_mut().for_each(|dropped| change(&mut dropped.text));
    }
}
