//! What a verdict is worth, and what all of them together are.

use std::collections::BTreeSet;

use diagnose::{Lang, Report};
use serde::{Deserialize, Serialize};

use super::case::{Case, Named};

/// One case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    pub case: String,
    /// causes that it has, and of those how many were named with the right object and class
    pub causes: usize,
    pub right: usize,
    /// causes that were named and are none
    pub wrong: usize,
    pub mentions: usize,
    pub mentioned: usize,
    /// nothing is wrong in it; whether that was said
    pub healthy: Option<bool>,
    pub millis: u64,
    /// of a model: nothing for the rules alone
    #[serde(default)]
    pub tokens: u64,
    #[serde(default)]
    pub rounds: u64,
    #[serde(default)]
    pub cost: f64,
    /// why it could not be run
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

impl Score {
    pub fn of(case: &Case, report: &Report, millis: u64) -> Self {
        let wanted: BTreeSet<Named> = case.causes().into_iter().collect();
        let named = report.causes.iter().map(|cause| {
            let object = &cause.object;
            let class = cause.class.name().to_owned();
            (object.kind.clone(), object.namespace.clone(), object.name.clone(), class)
        });
        let got: BTreeSet<Named> = named.collect();
        let text = report.json(Lang::En).to_string() + &report.json(Lang::Zh).to_string();
        let mentions = case.mentions();
        let said = |spellings: &&Vec<String>| spellings.iter().any(|word| text.contains(word.as_str()));
        Self {
            case: case.name.clone(),
            causes: wanted.len(),
            right: wanted.intersection(&got).count(),
            wrong: got.difference(&wanted).count(),
            mentioned: mentions.iter().filter(said).count(),
            mentions: mentions.len(),
            healthy: case.healthy().then_some(report.healthy),
            millis,
            tokens: 0,
            rounds: 0,
            cost: 0.0,
            unread: None,
        }
    }

    pub fn unread(case: &Case, why: String) -> Self {
        Self {
            case: case.name.clone(),
            causes: case.causes().len(),
            right: 0,
            wrong: 0,
            mentions: case.mentions().len(),
            mentioned: 0,
            healthy: case.healthy().then_some(false),
            millis: 0,
            tokens: 0,
            rounds: 0,
            cost: 0.0,
            unread: Some(why),
        }
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

/// All cases by one judge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub schema: u32,
    /// `rules`, or the model's name
    pub by: String,
    pub version: String,
    pub time: String,
    pub totals: Totals,
    pub scores: Vec<Score>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Totals {
    pub cases: usize,
    pub perfect: usize,
    pub causes: usize,
    pub right: usize,
    pub wrong: usize,
    pub mentions: usize,
    pub mentioned: usize,
    pub healthy: usize,
    pub healthy_right: usize,
    pub p50_ms: u64,
    pub p95_ms: u64,
    pub tokens: u64,
    pub rounds: u64,
    pub cost: f64,
}

impl Totals {
    pub fn of(scores: &[Score]) -> Self {
        let sum = |of: fn(&Score) -> usize| scores.iter().map(of).sum();
        let mut times: Vec<u64> = scores.iter().map(|score| score.millis).collect();
        times.sort_unstable();
        let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1))).copied();
        Self {
            cases: scores.len(),
            perfect: scores.iter().filter(|score| score.perfect()).count(),
            causes: sum(|score| score.causes),
            right: sum(|score| score.right),
            wrong: sum(|score| score.wrong),
            mentions: sum(|score| score.mentions),
            mentioned: sum(|score| score.mentioned),
            healthy: scores.iter().filter(|score| score.healthy.is_some()).count(),
            healthy_right: scores.iter().filter(|score| score.healthy == Some(true)).count(),
            p50_ms: at(50).unwrap_or_default(),
            p95_ms: at(95).unwrap_or_default(),
            tokens: scores.iter().map(|score| score.tokens).sum(),
            rounds: scores.iter().map(|score| score.rounds).sum(),
            cost: scores.iter().map(|score| score.cost).sum(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(right: usize, wrong: usize, mentioned: usize, millis: u64) -> Score {
        Score {
            case: "one".to_owned(),
            causes: 1,
            right,
            wrong,
            mentions: 2,
            mentioned,
            healthy: None,
            millis,
            tokens: 0,
            rounds: 0,
            cost: 0.0,
            unread: None,
        }
    }

    #[test]
    fn a_false_claim_or_a_missing_fact_is_not_perfect() {
        assert!(score(1, 0, 2, 1).perfect());
        assert!(!score(1, 1, 2, 1).perfect() && !score(0, 0, 2, 1).perfect() && !score(1, 0, 1, 1).perfect());
    }

    #[test]
    fn totals_add_up() {
        let scores: Vec<Score> = (1..=100).map(|n| score(usize::from(n != 7), usize::from(n == 7), 2, n)).collect();
        let totals = Totals::of(&scores);
        assert_eq!((totals.cases, totals.perfect, totals.causes, totals.right, totals.wrong), (100, 99, 100, 99, 1));
        assert_eq!((totals.p50_ms, totals.p95_ms), (51, 96));
        assert_eq!(Totals::of(&[]), Totals::default());
    }
}
