//! The one room: brief in, report out. Every path of the product goes through here.

use diagnose::collect::{Options, Prometheus, collect};
use diagnose::{Evidence, Gap, Report, Target};
use jiff::Timestamp;
use tracing::info;

pub mod cited;
mod claims;
pub mod meter;
pub mod prompt;
pub mod record;
pub mod task;
pub mod topics;
pub mod verify;
mod words;

pub use words::{Asking, Mind, Wishes};

use crate::alerts::Alert;
use crate::alerts::tell::{Diagnosed, diagnosed};
use crate::lookup;
use crate::prometheus::{Answers, Generator, generator};
use crate::store::alerts::Stored;
use crate::store::{self, Store, alerts, incidents};

/// What to look into.
#[derive(Debug, Clone)]
pub struct Brief {
    pub target: Target,
    /// the alert's own PromQL expression
    pub expression: Option<String>,
}

impl Brief {
    /// What alerts of one incident are about, and the Prometheus that their generator URL names.
    pub async fn of_alerts(cluster: &cluster::Cluster, alerts: &[Alert]) -> (Self, Option<Generator>) {
        let target = lookup::target(cluster, alerts).await;
        let generated = alerts.iter().find_map(|alert| generator(&alert.generator_url));
        let expression = generated.as_ref().map(|found| found.expression.clone());
        (Self { target, expression }, generated)
    }
}

/// Collects the evidence once and judges it. Always answers: what could not be read is among the report's gaps.
pub async fn investigate(
    cluster: &cluster::Cluster,
    prometheus: Option<&dyn Prometheus>,
    brief: &Brief,
    now: Timestamp,
) -> Report {
    let options = Options::for_target(&brief.target);
    let asked = diagnose::collect::Brief {
        target: brief.target.clone(),
        now,
        expression: brief.expression.clone(),
        prometheus,
    };
    let evidence = collect(&cluster.client, asked, &options).await;
    // Judging takes a processor for a while, and in a storm the runtime's threads have senders to answer.
    let judged = tokio::task::spawn_blocking(move || clean(Report::of(&evidence))).await;
    judged.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

fn clean(mut report: Report) -> Report {
    report.redact(|text| redact::text(text).into_owned());
    report
}

/// Works off `Job::Investigate`: one investigation for an incident, not for an alert.
pub struct Detective {
    pub store: Store,
    pub cluster: Option<cluster::Cluster>,
    pub prometheus: Option<Answers>,
    /// None where no model is configured
    pub wishes: Option<Wishes>,
}

impl Detective {
    /// Finds the cause of an incident, stores the report and queues its telling. Safe to repeat.
    pub async fn investigate(&self, incident: i64) -> Result<(), String> {
        let text = |error: store::Error| error.to_string();
        let found = incidents::get(self.store.read(), incident).await.map_err(text)?;
        if !found.is_some_and(|incident| incident.state == "open" && incident.kind == "alert") {
            return Ok(());
        }
        let mut alerts = alerts::of_incident(self.store.read(), incident, 20).await.map_err(text)?;
        // what an ended alert was about is well again and says nothing of what goes on
        let going_on = alerts.iter().take_while(|alert| !alert.state.starts_with("resolved")).count();
        if going_on > 0 {
            alerts.truncate(going_on);
        }
        let report = self.report(&alerts).await;
        info!(causes = report.causes.len(), gaps = report.gaps.len(), "diagnosed");
        let cause = report.causes.first().map(|cause| format!("{} {}", cause.class.name(), cause.object));
        let asked = |wishes: &Wishes| alerts.iter().any(|alert| wishes(&alert.labels).asks(&report));
        let wants_words = self.wishes.as_ref().is_some_and(asked);
        let report = serde_json::to_string(&report).map_err(|error| error.to_string())?;
        let news = Diagnosed { incident, report, cause, wants_words };
        self.store
            .write(move |connection| Box::pin(async move { diagnosed(connection, &news, store::now()).await }))
            .await
            .map_err(text)?;
        self.store.wake().outbox.notify_waiters();
        self.store.wake().words.notify_one();
        Ok(())
    }

    async fn report(&self, alerts: &[Stored]) -> Report {
        let Some(cluster) = &self.cluster else {
            let mut evidence = Evidence::new(Timestamp::now(), Target::Cluster);
            evidence.gaps.push(Gap {
                what: "the cluster".to_owned(),
                why: "no kubeconfig and no in-cluster account was found".to_owned(),
            });
            return Report::of(&evidence);
        };
        let about = alerts.iter().map(|stored| Alert {
            generator_url: stored.generator_url.clone(),
            ..Alert::of_labels(stored.labels.clone())
        });
        let (brief, generated) = Brief::of_alerts(cluster, &about.collect::<Vec<_>>()).await;
        let asked = self.prometheus.clone().or_else(|| Answers::guessed(&generated?.base).ok());
        investigate(cluster, asked.as_ref().map(|p| p as &dyn Prometheus), &brief, Timestamp::now()).await
    }
}
