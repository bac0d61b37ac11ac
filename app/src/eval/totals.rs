//! All cases together, and the figures that are kept for the next time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::score::Score;

/// The file of figures: for each judge its last time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    pub schema: u32,
    /// `rules`, or a model's name
    pub runs: BTreeMap<String, Run>,
}

impl Default for Kept {
    fn default() -> Self {
        Self { schema: 2, runs: BTreeMap::new() }
    }
}

impl Kept {
    /// Reads a file of this version, or of the first, which had the rules' figures only. None: it is neither.
    pub fn read(text: &str) -> Option<Self> {
        let kept: Option<Self> = serde_json::from_str(text).ok();
        kept.or_else(|| {
            let run: Run = serde_json::from_str(text).ok()?;
            Some(Self { runs: BTreeMap::from([(run.by.clone(), run)]), ..Self::default() })
        })
    }
}

/// All cases by one judge.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub by: String,
    pub version: String,
    pub time: String,
    pub totals: Totals,
    pub scores: Vec<Score>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
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
    pub guesses: usize,
    pub kept: usize,
    pub dropped: usize,
    /// cases in which no model answered
    pub silent: usize,
    pub p50_ms: u64,
    pub p95_ms: u64,
    pub model_p50_ms: u64,
    pub model_p95_ms: u64,
    pub tokens: u64,
    pub rounds: u64,
    pub cost: f64,
}

impl Totals {
    pub fn of(scores: &[Score]) -> Self {
        let sum = |of: fn(&Score) -> usize| scores.iter().map(of).sum();
        let (p50_ms, p95_ms) = percentiles(scores.iter().map(|score| score.millis));
        let (model_p50_ms, model_p95_ms) = percentiles(scores.iter().map(|score| score.model_millis));
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
            guesses: sum(|score| score.guesses),
            kept: sum(|score| score.kept),
            dropped: sum(|score| score.dropped),
            silent: sum(|score| usize::from(score.silent)),
            p50_ms,
            p95_ms,
            model_p50_ms,
            model_p95_ms,
            tokens: scores.iter().map(|score| score.tokens).sum(),
            rounds: scores.iter().map(|score| score.rounds).sum(),
            cost: scores.iter().map(|score| score.cost).sum(),
        }
    }

    /// What is lower here than there, of the figures that say how good the answers are.
    pub fn worse_than(&self, other: &Self) -> Vec<&'static str> {
        let rows = [
            ("all right", self.perfect < other.perfect),
            ("object and class", self.right < other.right),
            ("false claims", self.wrong > other.wrong),
            ("facts mentioned", self.mentioned < other.mentioned),
            ("healthy said so", self.healthy_right < other.healthy_right),
        ];
        rows.into_iter().filter(|(_, worse)| *worse).map(|(name, _)| name).collect()
    }
}

fn percentiles(times: impl Iterator<Item = u64>) -> (u64, u64) {
    let mut times: Vec<u64> = times.collect();
    times.sort_unstable();
    let at = |share: usize| times.get((times.len() * share / 100).min(times.len().saturating_sub(1))).copied();
    (at(50).unwrap_or_default(), at(95).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_add_up() {
        let one = |n: u64| Score {
            causes: 1,
            right: usize::from(n != 7),
            wrong: usize::from(n == 7),
            mentions: 2,
            mentioned: 2,
            millis: n,
            ..Score::default()
        };
        let totals = Totals::of(&(1..=100).map(one).collect::<Vec<_>>());
        assert_eq!((totals.cases, totals.perfect, totals.causes, totals.right, totals.wrong), (100, 99, 100, 99, 1));
        assert_eq!((totals.p50_ms, totals.p95_ms), (51, 96));
        assert_eq!(Totals::of(&[]), Totals::default());
        let ideal = Totals { perfect: 100, right: 100, wrong: 0, ..totals.clone() };
        assert_eq!(totals.worse_than(&ideal), ["all right", "object and class", "false claims"]);
        assert_eq!(ideal.worse_than(&totals), Vec::<&str>::new());
    }

    #[test]
    fn the_figures_of_the_first_version_are_still_read() {
        let first = r#"{"schema":1,"by":"rules","version":"0.1.0","time":"t","totals":{"cases":3,"perfect":3,"causes":1,
            "right":1,"wrong":0,"mentions":1,"mentioned":1,"healthy":2,"healthy_right":2,"p50_ms":1,"p95_ms":2,"tokens":0,
            "rounds":0,"cost":0.0},"scores":[{"case":"a","causes":1,"right":1,"wrong":0,"mentions":1,"mentioned":1,
            "healthy":null,"millis":1}]}"#;
        let kept = Kept::read(first).unwrap();
        assert_eq!(kept.runs["rules"].totals.cases, 3);
        assert_eq!(Kept::read(&serde_json::to_string(&kept).unwrap()), Some(kept));
        assert_eq!(Kept::read("{}"), None);
    }
}
