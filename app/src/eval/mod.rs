//! How good the verdicts are: every case of a folder through the product's own path, scored; by the rules alone, and with
//! the words of a model beside them.

mod case;
mod score;
mod totals;
mod truth;

pub use case::{Case, cases};
pub use score::Score;
pub use totals::{Kept, Run, Totals};
pub use truth::Truth;

use std::sync::Arc;
use std::time::Instant;

use agent::{Budget, NoRecord, Outcome, Record};
use cluster::{Cluster, Limits};
use diagnose::collect::Prometheus;
use diagnose::{Lang, Report, Target};
use futures::StreamExt;
use jiff::Timestamp;
use replay::{Recording, Replay};
use tools::OnlyReading;

use crate::alerts::Alert;
use crate::investigate::cited::Cited;
use crate::investigate::record::Written;
use crate::investigate::task::{kept, task};
use crate::investigate::verify::Words;
use crate::investigate::{Brief, investigate, prompt};
use crate::lookup;
use crate::prometheus::Answers;
use crate::store::runs::{self, Kind};
use crate::store::{self, Store};
use crate::toolbox::own;

/// A model whose words are scored, as an alert would ask it.
pub struct Judge {
    pub name: String,
    pub models: llm::Models,
    pub instructions: String,
    pub lang: Lang,
    pub tools: tools::Settings,
    pub budget: Budget,
    /// where its runs are kept; None: nowhere
    pub store: Option<Store>,
}

/// One case: by the rules, then by each judge.
pub struct Scored {
    pub rules: Score,
    pub judged: Vec<Score>,
}

/// Scores all cases, `at_once` side by side. `told` hears of each one that is done.
pub async fn scores(cases: &[Case], judges: &[Judge], at_once: usize, mut told: impl FnMut(&Scored)) -> Vec<Scored> {
    let mut scores = futures::stream::iter(cases).map(|case| scored(case, judges)).buffered(at_once.max(1));
    let mut all = Vec::with_capacity(cases.len());
    while let Some(score) = scores.next().await {
        told(&score);
        all.push(score);
    }
    all
}

async fn scored(case: &Case, judges: &[Judge]) -> Scored {
    let unread = |why: String| {
        let score = Score::unread(case, why);
        Scored { judged: vec![score.clone(); judges.len()], rules: score }
    };
    let place = match Place::of(case) {
        Ok(place) => place,
        Err(why) => return unread(why),
    };
    let began = Instant::now();
    let report = match place.report(case).await {
        Ok(report) => report,
        Err(why) => return unread(why),
    };
    let rules = Score::of(case, &report, millis(began));
    let mut judged = Vec::with_capacity(judges.len());
    for judge in judges {
        judged.push(match by_model(case, &place, &report, &rules, judge).await {
            Ok(score) => score,
            Err(why) => Score::unread(case, why),
        });
    }
    Scored { rules, judged }
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

async fn by_model(case: &Case, place: &Place, report: &Report, rules: &Score, judge: &Judge) -> Result<Score, String> {
    let truth = Truth::of(case, report)?;
    let began = Instant::now();
    let (outcome, words) = judge.words(case, place, report).await?;
    let score = rules.clone().after(&outcome, millis(began));
    Ok(score.with_words(case, report, &words, &truth))
}

/// A case's cluster as it was recorded.
pub struct Place {
    cluster: Cluster,
    now: Timestamp,
    answers: Option<Answers>,
}

impl Place {
    pub fn of(case: &Case) -> Result<Self, String> {
        let recording = Recording::load(&case.dir.join("cluster")).map_err(|error| error.to_string())?;
        let now = recording.time;
        let answers = Answers::recorded(recording.metrics());
        let limits = Limits { rate: 1_000, burst: 1_000, ..Limits::default() };
        let cluster = cluster::over(&case.name, Replay::new(recording).router(), &limits);
        Ok(Self { cluster, now, answers })
    }

    pub async fn report(&self, case: &Case) -> Result<Report, String> {
        let alerts: Vec<Alert> = case.labels()?.into_iter().map(Alert::of_labels).collect();
        let target = if alerts.is_empty() { Target::Cluster } else { lookup::target(&self.cluster, &alerts).await };
        let brief = Brief { target, expression: None };
        let answers = self.answers.as_ref().map(|answers| answers as &dyn Prometheus);
        Ok(investigate(&self.cluster, answers, &brief, self.now).await)
    }

    fn hands(&self) -> OnlyReading {
        OnlyReading {
            cluster: Ok(self.cluster.clone()),
            contexts: Vec::new(),
            prometheus: self.answers.clone().map(|answers| Arc::new(answers) as Arc<dyn Prometheus>),
            time: Some(self.now),
        }
    }
}

impl Judge {
    /// What an alert's run does with this report, and what is kept of it.
    pub async fn words(&self, case: &Case, place: &Place, report: &Report) -> Result<(Outcome, Words), String> {
        let hands = Cited::new(own(place.hands(), self.tools.clone()).await?, 0);
        let id = format!("eval-{}", uuid::Uuid::now_v7().simple());
        let record = self.begin(&id, case, report).await?;
        let task = task(&id, prompt::messages(self.instructions.clone(), report, self.lang), self.lang);
        let outcome = agent::run(&self.models, &hands, task, self.budget, &*record, Vec::new(), &mut |_| {}).await;
        let words = kept(&outcome, report);
        self.end(&id, &words).await?;
        Ok((outcome, words))
    }

    async fn begin(&self, id: &str, case: &Case, report: &Report) -> Result<Box<dyn Record>, String> {
        let Some(store) = &self.store else { return Ok(Box::new(NoRecord)) };
        let (id, title) = (id.to_owned(), format!("{} by {}", case.name, self.name));
        let report = serde_json::to_string(report).map_err(|error| error.to_string())?;
        let written = store.write(move |connection| {
            Box::pin(async move {
                runs::begin(connection, &id, Kind::Eval, &title, None, store::now()).await?;
                runs::rests_on(connection, &id, &report).await
            })
        });
        written.await.map_err(|error| error.to_string())?;
        Ok(Box::new(Written::new(store.clone())))
    }

    async fn end(&self, id: &str, words: &Words) -> Result<(), String> {
        let Some(store) = &self.store else { return Ok(()) };
        let id = id.to_owned();
        let words = serde_json::to_string(words).map_err(|error| error.to_string())?;
        let written = store
            .write(move |connection| Box::pin(async move { runs::end(connection, &id, &words, store::now()).await }));
        written.await.map_err(|error| error.to_string())
    }
}
