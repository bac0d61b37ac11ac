//! `/metrics`: names and units by Prometheus' conventions.

use std::sync::OnceLock;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::store::{Error, Millis, Store};

pub type Handle = PrometheusHandle;

const SECONDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0];
/// Models take their time.
const MODEL_SECONDS: [f64; 10] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 180.0, 600.0];
const REQUESTS: [f64; 7] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0];

/// The process' recorder, installed once. None when the program has installed another.
pub fn install() -> Option<Handle> {
    static INSTALLED: OnceLock<Option<Handle>> = OnceLock::new();
    INSTALLED
        .get_or_init(|| {
            let builder = PrometheusBuilder::new()
                .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)
                .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_requests".to_owned()), &REQUESTS))
                .ok()?;
            let models = ["midwatch_model_seconds", "midwatch_model_first_token_seconds"];
            let builder = models.into_iter().try_fold(builder, |builder, name| {
                builder.set_buckets_for_metric(Matcher::Full(name.to_owned()), &MODEL_SECONDS).ok()
            })?;
            let handle = builder.install_recorder().ok()?;
            describe();
            // a counter that first appears with its first count has not grown, as Prometheus sees it
            for name in
                ["midwatch_intake_parked_total", "midwatch_intake_refused_total", "midwatch_store_failed_commits_total"]
            {
                counter!(name).increment(0);
            }
            Some(handle)
        })
        .clone()
}

fn describe() {
    describe_histogram!("midwatch_intake_duration_seconds", Unit::Seconds, "Time to answer a sender, by status.");
    describe_counter!("midwatch_intake_alerts_total", "Alerts stored, by source.");
    describe_counter!("midwatch_intake_parked_total", "Bodies and entries that could not be read and were kept.");
    describe_counter!("midwatch_intake_refused_total", "Requests without valid credentials.");
    describe_histogram!("midwatch_store_commit_duration_seconds", Unit::Seconds, "Time of a commit with its fsync.");
    describe_histogram!("midwatch_store_commit_requests", "Requests that shared a commit.");
    describe_counter!("midwatch_store_failed_commits_total", "Commits that failed; their senders heard 503.");
    describe_counter!("midwatch_jobs_total", "Jobs that ended, by kind and outcome.");
    describe_histogram!("midwatch_job_duration_seconds", Unit::Seconds, "Time of a job, by kind.");
    describe_counter!("midwatch_runs_total", "Runs with a model that ended, by what kept them from an answer.");
    describe_counter!("midwatch_model_answers_total", "Answers of models.");
    describe_counter!(
        "midwatch_model_requests_total",
        "Requests that the answers took, those to models before it too."
    );
    describe_counter!("midwatch_model_tokens_total", "Tokens as the provider counts them, in and out.");
    describe_counter!("midwatch_model_errors_total", "Questions to which a model gave no answer, by class of error.");
    describe_counter!(
        "midwatch_model_fallbacks_total",
        "Questions that went on to the next model, by the one that failed."
    );
    describe_histogram!("midwatch_model_seconds", Unit::Seconds, "Time of an answer.");
    describe_histogram!("midwatch_model_first_token_seconds", Unit::Seconds, "Time to an answer's first token.");
    describe_gauge!("midwatch_tool_server_up", "Whether a tool server was there for the last run that wanted it.");
    describe_gauge!("midwatch_tool_server_changed_tools", "Tools set aside because their descriptions changed.");
    describe_gauge!("midwatch_jobs", "Jobs by state.");
    describe_gauge!("midwatch_outbox_messages", "Messages to send, by state.");
    describe_gauge!("midwatch_outbox_oldest_age_seconds", Unit::Seconds, "Age of the oldest message that waits.");
    describe_gauge!("midwatch_incidents_open", "Open incidents.");
    describe_gauge!("midwatch_episodes_open", "Alerts that fire now.");
}

/// Gauges whose truth is in the store, read when they are asked for.
pub async fn refresh(store: &Store, now: Millis) -> Result<(), Error> {
    let counts: Vec<(String, String, i64)> = sqlx::query_as(
        "SELECT 'midwatch_jobs', state, count(*) FROM jobs WHERE state != 'done' GROUP BY state
         UNION ALL SELECT 'midwatch_outbox_messages', state, count(*) FROM outbox
                   WHERE state IN ('queued', 'leased', 'dead') GROUP BY state",
    )
    .fetch_all(store.read())
    .await?;
    for (name, states) in
        [("midwatch_jobs", ["queued", "leased", "failed"]), ("midwatch_outbox_messages", ["queued", "leased", "dead"])]
    {
        for state in states {
            let count = counts.iter().find(|(n, s, _)| n == name && s == state).map_or(0, |(_, _, count)| *count);
            gauge!(name, "state" => state).set(float(count));
        }
    }
    let (incidents, episodes, oldest): (i64, i64, Option<Millis>) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM incidents WHERE state = 'open'),
                (SELECT count(*) FROM episodes WHERE state = 'firing'),
                (SELECT min(created_at) FROM outbox WHERE state IN ('queued', 'leased'))",
    )
    .fetch_one(store.read())
    .await?;
    gauge!("midwatch_incidents_open").set(float(incidents));
    gauge!("midwatch_episodes_open").set(float(episodes));
    gauge!("midwatch_outbox_oldest_age_seconds").set(oldest.map_or(0.0, |at| float((now - at).max(0)) / 1_000.0));
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts and ages are far below 2^52")]
fn float(count: i64) -> f64 {
    count as f64
}
