//! What one run may use up, and what it has used.

use std::time::Duration;

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    /// questions to the model, the last order to sum up not counted
    pub rounds: u32,
    /// calls of tools
    pub calls: u32,
    /// tokens in and out, all rounds together
    pub tokens: u64,
    /// from the beginning to the answer, the summing up included
    pub time: Duration,
    /// in the currency of the configured prices; no limit without it
    pub money: Option<f64>,
}

impl Default for Budget {
    fn default() -> Self {
        Self { rounds: 8, calls: 32, tokens: 200_000, time: Duration::from_secs(120), money: None }
    }
}

/// What of a budget was used up first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    Rounds,
    Calls,
    Tokens,
    Time,
    Money,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    pub rounds: u32,
    pub calls: u32,
    pub tokens: u64,
    pub money: f64,
}

impl Budget {
    /// The first limit that was reached, if one was. Time is the caller's to watch: it also cuts into a round.
    pub fn reached(&self, spent: &Spent) -> Option<Limit> {
        let limits = [
            (spent.rounds >= self.rounds, Limit::Rounds),
            (spent.calls >= self.calls, Limit::Calls),
            (spent.tokens >= self.tokens, Limit::Tokens),
            (self.money.is_some_and(|most| spent.money >= most), Limit::Money),
        ];
        limits.iter().find(|(reached, _)| *reached).map(|(_, limit)| *limit)
    }

    /// What is kept back of the time for summing up: a quarter, at most twenty seconds.
    pub fn kept_back(&self) -> Duration {
        (self.time / 4).min(Duration::from_secs(20))
    }
}
