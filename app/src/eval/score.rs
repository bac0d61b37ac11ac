//! What a verdict is worth.

use std::collections::BTreeSet;

use agent::Outcome;
use diagnose::{Lang, Report};
use serde::{Deserialize, Serialize};

use super::case::{Case, Named};
use super::truth::{Truth, names};
use crate::investigate::verify::Words;
use crate::runs::Figures;

/// One case by one judge.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Score {
    pub case: String,
    /// causes that it has, and of those how many were named with the right object and class
    pub causes: usize,
    pub right: usize,
    /// causes that were named and are none, and statements that are not so
    pub wrong: usize,
    pub mentions: usize,
    pub mentioned: usize,
    /// nothing is wrong in it; whether that was said
    pub healthy: Option<bool>,
    /// from the alert to the rules' verdict
    pub millis: u64,
    /// of a model, nothing for the rules alone: from the question to the checked answer
    pub model_millis: u64,
    /// statements of its answer that were kept
    pub kept: usize,
    pub dropped: usize,
    /// causes told as guesses of the model that nothing confirms
    pub guesses: usize,
    pub tokens: u64,
    pub rounds: u64,
    pub cost: f64,
    /// no model answered
    pub silent: bool,
    /// why it could not be run
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

impl Score {
    /// By the rules alone.
    pub fn of(case: &Case, report: &Report, millis: u64) -> Self {
        let wanted: BTreeSet<Named> = case.causes().into_iter().collect();
        let got = named(report);
        Self {
            right: wanted.intersection(&got).count(),
            wrong: got.difference(&wanted).count(),
            mentioned: mentioned(case, &told(report)),
            healthy: case.healthy().then_some(report.healthy),
            millis,
            ..Self::blank(case)
        }
    }

    /// By the rules and a model's words, as a reader gets both.
    pub fn with_words(self, case: &Case, report: &Report, words: &Words, truth: &Truth) -> Self {
        let got = named(report);
        let guess = words.cause.as_ref();
        let missing = case.causes().into_iter().filter(|cause| !got.contains(cause));
        let found = guess.is_some_and(|guess| missing.clone().any(|cause| names(&guess.text, &cause)));
        let false_guess = guess.is_some_and(|guess| !found && !guess.confirmed_by.is_empty());
        let said = words.statements().collect::<Vec<_>>().join("\n");
        Self {
            right: self.right + usize::from(found),
            wrong: self.wrong + usize::from(false_guess) + truth.lies(words),
            mentioned: mentioned(case, &(told(report) + &said)),
            healthy: self.healthy.map(|healthy| healthy && guess.is_none()),
            kept: words.kept(),
            dropped: words.dropped.len(),
            guesses: usize::from(guess.is_some_and(|guess| !found && guess.confirmed_by.is_empty())),
            ..self
        }
    }

    /// What the run took.
    pub fn after(self, outcome: &Outcome, model_millis: u64) -> Self {
        let figures = Figures::of(&outcome.steps);
        Self {
            model_millis,
            tokens: figures.tokens_in + figures.tokens_out,
            rounds: figures.rounds.into(),
            cost: figures.cost.unwrap_or_default(),
            silent: figures.models.is_empty(),
            ..self
        }
    }

    pub fn unread(case: &Case, why: String) -> Self {
        Self { healthy: case.healthy().then_some(false), unread: Some(why), ..Self::blank(case) }
    }

    fn blank(case: &Case) -> Self {
        let (causes, mentions) = (case.causes().len(), case.mentions().len());
        Self { case: case.name.clone(), causes, mentions, ..Self::default() }
    }

    /// Every cause, nothing else, every fact, in one word.
    pub fn perfect(&self) -> bool {
        self.unread.is_none()
            && self.right == self.causes
            && self.wrong == 0
            && self.mentioned == self.mentions
            && self.healthy != Some(false)
    }
}

/// The causes that a report names.
fn named(report: &Report) -> BTreeSet<Named> {
    let causes = report.causes.iter().map(|cause| (&cause.object, cause.class.name().to_owned()));
    causes.map(|(o, class)| (o.kind.clone(), o.namespace.clone(), o.name.clone(), class)).collect()
}

fn told(report: &Report) -> String {
    report.json(Lang::En).to_string() + &report.json(Lang::Zh).to_string()
}

fn mentioned(case: &Case, text: &str) -> usize {
    let said = |spellings: &&Vec<String>| spellings.iter().any(|word| text.contains(word.as_str()));
    case.mentions().iter().filter(said).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_false_claim_or_a_missing_fact_is_not_perfect() {
        let good = Score { causes: 1, right: 1, mentions: 2, mentioned: 2, ..Score::default() };
        assert!(good.perfect());
        assert!(!Score { wrong: 1, ..good.clone() }.perfect());
        assert!(!Score { right: 0, ..good.clone() }.perfect());
        assert!(!Score { mentioned: 1, ..good.clone() }.perfect());
        assert!(!Score { healthy: Some(false), ..good }.perfect());
    }
}
