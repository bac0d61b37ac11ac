//! `diagnose`: the rules' verdict: cause, chain, evidence, fix.

use diagnose::collect::{Brief, Options, collect};
use diagnose::report::{EvidenceItem, ReportCause};
use diagnose::{Lang, Report, Target};
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::context::Context;
use crate::page::{ends, short};
use crate::shape;
use crate::target::target;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "diagnose",
    title: "Diagnose",
    description: "Start here when something is wrong: names the root cause with evidence and fix. \
                  Give an object, an alert's labels, a namespace, or nothing for the cluster.",
    class: Class::R,
    set: Set::Ours,
    cluster_aware: true,
    input,
    output: shape::object,
    old_spellings: &[],
    call,
};

/// Causes and symptoms that are told; the rest is counted.
const CAUSES: usize = 8;
const SYMPTOMS: usize = 5;

fn input() -> Value {
    shape::input(
        &[],
        &[
            ("object", shape::said("kind/name, e.g. pod/web-0")),
            ("namespace", shape::text()),
            ("alert", json!({"type": "object", "description": "labels"})),
        ],
    )
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let report = report(context, target(context, &arguments).await?).await?;
        Ok(Answer::new(words(&report, context.lang), report.json(context.lang)))
    }
    .boxed()
}

/// Collects and judges, as an alert would.
pub async fn report(context: &Context, target: Target) -> Result<Report, Trouble> {
    let options = Options::for_target(&target);
    let brief =
        Brief { target, now: context.now, expression: None, prometheus: context.prometheus.as_deref().map(|p| p as _) };
    let mut evidence = collect(&context.cluster()?.client, brief, &options).await;
    evidence.now = context.now;
    Ok(Report::of(&evidence))
}

fn words(report: &Report, lang: Lang) -> String {
    let mut lines = Vec::new();
    if report.healthy {
        lines.push("healthy: no rule found a fault".to_owned());
    }
    for cause in report.causes.iter().take(CAUSES) {
        tell(cause, &report.evidence, lang, &mut lines);
    }
    if report.causes.len() > CAUSES {
        lines.push(format!("... {} more causes: ask for one namespace or object", report.causes.len() - CAUSES));
    }
    // with a cause at hand, what it explains stands in its chain
    if report.causes.is_empty() && !report.symptoms.is_empty() {
        lines.push("no cause found; symptoms:".to_owned());
        let symptoms = report.symptoms.iter().take(SYMPTOMS);
        lines.extend(symptoms.map(|s| format!("- {}: {}", s.object, s.statement.get(lang))));
    }
    if let Some(gap) = report.gaps.first() {
        lines.push(format!(
            "{} things could not be read, e.g. {}: {}",
            report.gaps.len(),
            gap.what,
            short(&gap.why, 120)
        ));
    }
    lines.join("\n") + "\n"
}

fn tell(cause: &ReportCause, evidence: &[EvidenceItem], lang: Lang, lines: &mut Vec<String>) {
    let sure = match cause.confidence {
        diagnose::Confidence::Certain => "certain",
        diagnose::Confidence::Likely => "likely",
        diagnose::Confidence::Possible => "possible",
    };
    lines.push(format!(
        "{}. {} {} ({sure}): {}",
        cause.rank,
        cause.class.name(),
        cause.object,
        cause.statement.get(lang)
    ));
    // the chain ends with the cause itself, which was just said
    for (object, finding) in cause.chain.iter().filter(|(object, _)| *object != cause.object) {
        lines.push(format!("   causes {object}: {}", short(finding.get(lang), 160)));
    }
    if !cause.seen_on.is_empty() {
        lines.push(format!("   seen on {} objects", cause.seen_on.len() + 1));
    }
    for id in &cause.evidence {
        let Some(item) = evidence.iter().find(|item| item.id == *id) else { continue };
        lines.push(format!("   {id} {}: {}", item.source, ends(&item.text, 240)));
    }
    for fix in cause.fixes.iter().take(2) {
        let command = fix.command.as_deref().map(|command| format!(": {command}")).unwrap_or_default();
        lines.push(format!("   fix: {}{command}", fix.text.get(lang)));
    }
}
