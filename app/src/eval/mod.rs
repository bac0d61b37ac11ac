//! How good the verdicts are: every case of a folder through the product's own path, scored.

mod case;
mod score;

pub use case::{Case, cases};
pub use score::{Run, Score, Totals};

use std::time::Instant;

use cluster::Limits;
use diagnose::collect::Prometheus;
use diagnose::{Report, Target};
use futures::StreamExt;
use replay::{Recording, Replay};

use crate::alerts::Alert;
use crate::investigate::{Brief, investigate};
use crate::lookup;
use crate::prometheus::Answers;

/// Cases under way at one time: their times should be those of one.
const AT_ONCE: usize = 2;

/// Scores all cases by the rules alone. `told` hears of each one that is done.
pub async fn by_rules(cases: &[Case], mut told: impl FnMut(&Score)) -> Vec<Score> {
    let mut scores = futures::stream::iter(cases).map(judged).buffered(AT_ONCE);
    let mut all = Vec::with_capacity(cases.len());
    while let Some(score) = scores.next().await {
        told(&score);
        all.push(score);
    }
    all
}

async fn judged(case: &Case) -> Score {
    match report(case).await {
        Ok((report, millis)) => Score::of(case, &report, millis),
        Err(why) => Score::unread(case, why),
    }
}

/// The report of a case, and how long it took from the alert on.
async fn report(case: &Case) -> Result<(Report, u64), String> {
    let recording = Recording::load(&case.dir.join("cluster")).map_err(|error| error.to_string())?;
    let now = recording.time;
    let answers = Answers::recorded(recording.metrics());
    let limits = Limits { rate: 1_000, burst: 1_000, ..Limits::default() };
    let cluster = cluster::over(&case.name, Replay::new(recording).router(), &limits);
    let began = Instant::now();
    let alerts: Vec<Alert> = case.labels()?.into_iter().map(Alert::of_labels).collect();
    let target = if alerts.is_empty() { Target::Cluster } else { lookup::target(&cluster, &alerts).await };
    let brief = Brief { target, expression: None };
    let report = investigate(&cluster, answers.as_ref().map(|a| a as &dyn Prometheus), &brief, now).await;
    Ok((report, u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)))
}
