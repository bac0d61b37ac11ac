//! The one room: brief in, report out. Every path of the product goes through here.

use diagnose::collect::{Options, Prometheus, collect};
use diagnose::{Report, Target};
use jiff::Timestamp;

/// What to look into.
#[derive(Debug, Clone)]
pub struct Brief {
    pub target: Target,
    /// the alert's own PromQL expression
    pub expression: Option<String>,
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
    let mut report = Report::of(&evidence);
    report.redact(|text| redact::text(text).into_owned());
    report
}
