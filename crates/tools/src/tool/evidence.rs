//! `evidence`: one item of a diagnosis in full.

use diagnose::Report;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::diagnose::report;
use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::{required, text};
use crate::context::Context;
use crate::hands::Document;
use crate::shape;
use crate::target::target;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "evidence",
    title: "Evidence",
    description: "One evidence item (E1...) of a diagnosis in full. Same arguments as diagnose, or an incident.",
    class: Class::R,
    set: Set::Ours,
    cluster_aware: true,
    input,
    output: shape::object,
    old_spellings: &[],
    call,
};

fn input() -> Value {
    shape::input(
        &["id"],
        &[
            ("id", shape::text()),
            ("incident", shape::text()),
            ("object", shape::text()),
            ("namespace", shape::text()),
            ("alert", json!({"type": "object"})),
        ],
    )
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let id = required(&arguments, "id")?;
        let report = match text(&arguments, "incident") {
            Some(incident) => stored(context, incident).await?,
            None => report(context, target(context, &arguments).await?).await?,
        };
        let Some(item) = report.evidence.iter().find(|item| item.id.eq_ignore_ascii_case(id)) else {
            let near = report.evidence.iter().take(40).map(|item| item.id.clone()).collect();
            return Err(Trouble::NotFound { what: format!("evidence {id}"), near });
        };
        let time = item.time.map(|time| format!(" at {time}")).unwrap_or_default();
        let text = format!("{} {} {}{time}:\n{}\n", item.id, item.object, item.source, item.text);
        Ok(Answer::new(text, json!({"item": item})))
    }
    .boxed()
}

async fn stored(context: &Context, incident: &str) -> Result<Report, Trouble> {
    let missing = || Trouble::NotFound { what: format!("a report of incident {incident}"), near: Vec::new() };
    let document = context.hands.document(&context.caller, Document::Report(incident.to_owned())).await?;
    serde_json::from_value(document.ok_or_else(missing)?).map_err(|_| missing())
}
