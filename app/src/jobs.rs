//! Work in the background: one list of all kinds, and the loop that runs them. Jobs are rows in the store, leased while
//! they run, so that a crash repeats them and never loses them.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use metrics::{counter, histogram};
use tokio::sync::watch;
use tokio::sync::{Notify, Semaphore};

use crate::failpoint::crash_at;
use crate::store::{self, Error, Millis, Store, jobs};

/// Everything that is done in the background.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Job {
    /// Find the cause of an incident.
    Investigate { incident: i64 },
    /// Ask a model about an incident that was diagnosed.
    Word { incident: i64 },
    /// Send a change that was approved, or find out what became of it.
    Execute { proposal: i64 },
    /// See whether an object is well after a change.
    Watch { proposal: i64 },
    /// Compare what is open here with what the sources' APIs say.
    Reconcile,
    /// Let time pass for alerts and heartbeats.
    Sweep,
    /// Forget what is past its time.
    Prune,
}

impl Job {
    pub fn kind(self) -> &'static str {
        match self {
            Self::Investigate { .. } => "investigate",
            Self::Word { .. } => "word",
            Self::Execute { .. } => "execute",
            Self::Watch { .. } => "watch",
            Self::Reconcile => "reconcile",
            Self::Sweep => "sweep",
            Self::Prune => "prune",
        }
    }

    fn key(self) -> String {
        match self {
            Self::Investigate { incident } | Self::Word { incident } => incident.to_string(),
            Self::Execute { proposal } | Self::Watch { proposal } => proposal.to_string(),
            Self::Reconcile | Self::Sweep | Self::Prune => String::new(),
        }
    }

    fn read(kind: &str, key: &str) -> Option<Self> {
        match kind {
            "investigate" => Some(Self::Investigate { incident: key.parse().ok()? }),
            "word" => Some(Self::Word { incident: key.parse().ok()? }),
            "execute" => Some(Self::Execute { proposal: key.parse().ok()? }),
            "watch" => Some(Self::Watch { proposal: key.parse().ok()? }),
            "reconcile" => Some(Self::Reconcile),
            "sweep" => Some(Self::Sweep),
            "prune" => Some(Self::Prune),
            _ => None,
        }
    }

    /// The row that asks for this job.
    pub fn queued(self, priority: i64, next_at: Millis) -> jobs::New {
        jobs::New { kind: self.kind(), key: self.key(), priority, next_at }
    }

    /// How often it is done without being asked for.
    fn every(self) -> Option<Duration> {
        match self {
            Self::Investigate { .. } | Self::Word { .. } | Self::Execute { .. } | Self::Watch { .. } => None,
            Self::Reconcile => Some(Duration::from_secs(60)),
            Self::Sweep => Some(Duration::from_secs(15)),
            Self::Prune => Some(Duration::from_secs(3_600)),
        }
    }
}

const RECURRING: [Job; 3] = [Job::Reconcile, Job::Sweep, Job::Prune];

/// What never waits for a model.
pub const WORK: &[&str] = &["investigate", "execute", "watch", "reconcile", "sweep", "prune"];
/// What waits for a model, which may take minutes.
pub const WORDS: &[&str] = &["word"];
/// What a process without alerts does: changes that its own tools proposed.
pub const CHANGES: &[&str] = &["execute", "watch"];

/// How jobs are run.
#[derive(Debug, Clone)]
pub struct Runner {
    /// Names this process in leases; differs from any process before it.
    pub owner: String,
    pub concurrency: usize,
    /// How long a job of a dead process stays untouched.
    pub lease: Duration,
    /// After this many attempts a job is given up, visibly.
    pub most_attempts: i64,
    /// Kinds of jobs that this process does; the others are left to a server. None: all.
    pub only: Option<&'static [&'static str]>,
    /// What tells this runner of new jobs.
    pub wake: fn(&store::Wake) -> &Notify,
}

impl Default for Runner {
    fn default() -> Self {
        Self {
            owner: uuid::Uuid::now_v7().to_string(),
            concurrency: 4,
            lease: Duration::from_secs(30),
            most_attempts: 8,
            only: None,
            wake: |wake| &wake.jobs,
        }
    }
}

impl Runner {
    fn does(&self, kind: &str) -> bool {
        self.only.is_none_or(|kinds| kinds.contains(&kind))
    }
}

const POLL: Duration = Duration::from_millis(1_000);

/// Runs jobs until `stop` turns true, then waits for those that run.
pub async fn run<H, F>(store: Store, runner: Runner, handler: H, mut stop: watch::Receiver<bool>)
where
    H: Fn(Job) -> F + Send + Sync + 'static,
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let handler = Arc::new(handler);
    let runner = Arc::new(runner);
    let slots = Arc::new(Semaphore::new(runner.concurrency));
    let recurring = RECURRING.iter().filter(|job| runner.does(job.kind()));
    let mut due: Vec<(Job, Instant)> = recurring.map(|job| (*job, Instant::now())).collect();
    while !*stop.borrow() {
        ask_for_recurring(&store, &mut due).await;
        let free = slots.available_permits();
        let claimed = if free == 0 { Ok(Vec::new()) } else { claim(&store, &runner, free).await };
        let claimed = claimed.unwrap_or_else(|error| {
            tracing::warn!(%error, "no jobs could be claimed");
            Vec::new()
        });
        for job in claimed {
            let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
            let (store, runner, handler) = (store.clone(), Arc::clone(&runner), Arc::clone(&handler));
            tokio::spawn(async move {
                attend(&store, &runner, &*handler, job).await;
                drop(slot);
                (runner.wake)(store.wake()).notify_one();
            });
        }
        tokio::select! {
            () = (runner.wake)(store.wake()).notified() => {}
            () = tokio::time::sleep(POLL) => {}
            _ = stop.changed() => {}
        }
    }
    let all = u32::try_from(runner.concurrency).unwrap_or(u32::MAX);
    let _ = slots.acquire_many(all).await;
}

async fn ask_for_recurring(store: &Store, due: &mut [(Job, Instant)]) {
    let now = Instant::now();
    let mut wanted = Vec::new();
    for (job, at) in due.iter_mut().filter(|(_, at)| *at <= now) {
        if let Some(every) = job.every() {
            *at = now + every;
            wanted.push(job.queued(5, store::now()));
        }
    }
    if wanted.is_empty() {
        return;
    }
    let asked = store
        .write(move |connection| Box::pin(async move { jobs::enqueue(connection, &wanted, store::now()).await }))
        .await;
    if let Err(error) = asked {
        tracing::warn!(%error, "recurring jobs were not queued, and will be at their next time");
    }
}

async fn claim(store: &Store, runner: &Runner, free: usize) -> Result<Vec<jobs::Claimed>, Error> {
    // Reading first: an idle loop must not write once a second.
    let now = store::now();
    let ready: bool = sqlx::query_scalar(
        "SELECT EXISTS (SELECT 1 FROM jobs WHERE (state = 'queued' AND next_at <= $1)
                                             OR (state = 'leased' AND lease_until <= $1))",
    )
    .bind(now)
    .fetch_one(store.read())
    .await?;
    if !ready {
        return Ok(Vec::new());
    }
    let owner = runner.owner.clone();
    let only = runner.only;
    let lease = Millis::try_from(runner.lease.as_millis()).unwrap_or(Millis::MAX);
    let free = i64::try_from(free).unwrap_or(i64::MAX);
    store
        .write(move |connection| {
            Box::pin(async move { jobs::claim(connection, &owner, lease, only, free, store::now()).await })
        })
        .await
}

async fn attend<H, F>(store: &Store, runner: &Runner, handler: &H, claimed: jobs::Claimed)
where
    H: Fn(Job) -> F,
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    crash_at("after-claim");
    let started = Instant::now();
    let outcome = match Job::read(&claimed.kind, &claimed.key) {
        None => Err(format!("unknown kind of job: {}", claimed.kind)),
        Some(job) => keep_lease(store, runner, claimed.id, handler(job)).await,
    };
    let kind = claimed.kind.clone();
    histogram!("midwatch_job_duration_seconds", "kind" => kind.clone()).record(started.elapsed().as_secs_f64());
    let verdict = if outcome.is_ok() { "done" } else { "failed" };
    counter!("midwatch_jobs_total", "kind" => kind, "outcome" => verdict).increment(1);
    if let Err(error) = &outcome {
        tracing::warn!(kind = claimed.kind, key = claimed.key, attempt = claimed.attempts, error, "a job failed");
    }
    settle(store, runner, claimed, outcome).await;
}

/// Runs the job on a task of its own, so that its panic is a failure of the job only, and renews the lease meanwhile.
async fn keep_lease<F>(store: &Store, runner: &Runner, id: i64, work: F) -> Result<(), String>
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let mut work = tokio::spawn(work);
    let mut renew = tokio::time::interval(runner.lease / 3);
    renew.tick().await;
    loop {
        tokio::select! {
            outcome = &mut work => return outcome.unwrap_or_else(|error| Err(error.to_string())),
            _ = renew.tick() => {
                let owner = runner.owner.clone();
                let until = store::now() + Millis::try_from(runner.lease.as_millis()).unwrap_or(Millis::MAX);
                let kept = store
                    .write(move |connection| Box::pin(async move { jobs::extend(connection, id, &owner, until).await }))
                    .await;
                if matches!(kept, Ok(false)) {
                    work.abort();
                    return Err("the lease was lost to another worker".to_owned());
                }
            }
        }
    }
}

/// Writes the outcome. Should that fail, the lease runs out and the job is done once more.
async fn settle(store: &Store, runner: &Runner, claimed: jobs::Claimed, outcome: Result<(), String>) {
    let owner = runner.owner.clone();
    let now = store::now();
    let again = (claimed.attempts < runner.most_attempts).then(|| now + backoff(claimed.attempts));
    let written = store
        .write(move |connection| {
            Box::pin(async move {
                match outcome {
                    Ok(()) => jobs::finish(connection, claimed.id, &owner, now).await,
                    Err(error) => jobs::fail(connection, claimed.id, &owner, &error, again, now).await,
                }
            })
        })
        .await;
    if let Err(error) = written {
        tracing::warn!(%error, "the outcome of a job was not written");
    }
}

/// One second, doubled with each attempt, at most five minutes.
fn backoff(attempts: i64) -> Millis {
    (1_000 << attempts.clamp(1, 10).saturating_sub(1)).min(300_000)
}
