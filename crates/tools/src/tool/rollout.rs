//! `rollout`: how a workload's release goes, its revisions; undo, restart, pause and resume as proposals.

use diagnose::Object;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::age::age;
use crate::answer::Answer;
use crate::arguments::{number, required};
use crate::columns::layout;
use crate::context::Context;
use crate::diff::diff;
use crate::hands::Change;
use crate::kind::Kind;
use crate::proposing::{change, propose};
use crate::read::Reader;
use crate::revisions::{self, Revision};
use crate::shape;
use crate::target::object;
use crate::trouble::Trouble;
use cluster::{Class, Verb};

pub const TOOL: Tool = Tool {
    name: "rollout",
    title: "Rollout",
    description: "Release of a workload: status, history; propose undo, restart, pause, resume.",
    class: Class::W,
    set: Set::Ours,
    cluster_aware: true,
    input,
    output: shape::object,
    old_spellings: &[],
    call,
};

fn input() -> Value {
    let action = json!({"type": "string", "enum": ["status", "history", "undo", "restart", "pause", "resume"]});
    shape::input(
        &["action", "object"],
        &[
            ("action", action),
            ("object", shape::said("kind/name")),
            ("namespace", shape::text()),
            ("revision", shape::whole()),
        ],
    )
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let (kind, workload) = object(context, &arguments).await?;
        let reader = Reader::new(context)?;
        let mut patch = change(context, Verb::Patch, &kind, workload.namespace(), workload.name());
        match required(&arguments, "action")? {
            "status" => Ok(status(context, &kind, &workload)),
            "history" => Ok(history(context, &workload, &revisions::of(&reader, &workload).await?)),
            "undo" => {
                let revisions = revisions::of(&reader, &workload).await?;
                let to = chosen(&workload, &revisions, number(&arguments, "revision"))?;
                propose(context, undo(patch, &workload, to)).await
            }
            "restart" => {
                let at = json!({"kubectl.kubernetes.io/restartedAt": context.now.to_string()});
                patch.body = Some(json!({"spec": {"template": {"metadata": {"annotations": at}}}}));
                propose(context, patch).await
            }
            action @ ("pause" | "resume") => {
                if workload.kind() != "Deployment" {
                    return Err(Trouble::unreadable("object", "only a Deployment can be paused"));
                }
                patch.body = Some(json!({"spec": {"paused": action == "pause"}}));
                propose(context, patch).await
            }
            other => Err(Trouble::unreadable("action", format!("there is no {other}"))),
        }
    }
    .boxed()
}

fn status(context: &Context, kind: &Kind, workload: &Object) -> Answer {
    let number = |pointer: &str| workload.int(pointer).unwrap_or(0);
    let wanted = workload.int("/spec/replicas").unwrap_or_else(|| number("/status/desiredNumberScheduled"));
    let updated = number("/status/updatedReplicas").max(number("/status/updatedNumberScheduled"));
    let ready = number("/status/readyReplicas").max(number("/status/numberReady"));
    let seen = number("/status/observedGeneration") >= number("/metadata/generation");
    let paused = workload.bool("/spec/paused") == Some(true);
    let failed = workload.condition("Progressing").filter(|c| c.status == "False");
    let why = layout(kind).map(|layout| layout.row(workload, context.now).why).unwrap_or_default();
    let state = match () {
        () if paused => "paused",
        () if !seen => "not started: the controller has not seen the change yet",
        () if failed.is_some() => "stuck",
        () if updated < wanted => "under way",
        () if ready < wanted => "waiting for pods to become ready",
        () => "complete",
    };
    let why = if why.is_empty() || state == "complete" { String::new() } else { format!("\n{why}") };
    let text = format!("{}: {state}; {updated} of {wanted} updated, {ready} ready{why}\n", workload.re);
    Answer::new(text, json!({"state": state, "wanted": wanted, "updated": updated, "ready": ready}))
}

fn history(context: &Context, workload: &Object, revisions: &[Revision]) -> Answer {
    let mut lines = vec![format!("{}: {} revisions, the newest first", workload.re, revisions.len())];
    for (at, revision) in revisions.iter().enumerate().rev() {
        let current = if revision.current { " (current)" } else { "" };
        let cause = if revision.cause.is_empty() { String::new() } else { format!(", {}", revision.cause) };
        let created = age(revision.created, context.now);
        lines.push(format!("{}{current} {created} ago {}{cause}", revision.number, revision.images()));
        if let Some(before) = at.checked_sub(1).and_then(|before| revisions.get(before)) {
            let changed = diff(&before.template, &revision.template);
            lines.extend(changed.iter().take(5).map(|difference| format!("  {}", difference.line())));
        }
    }
    let items: Vec<Value> = revisions.iter().rev().map(revisions::item).collect();
    Answer::new(lines.join("\n") + "\n", json!({"revisions": items}))
}

/// The revision that was asked for, else the one before the current.
fn chosen<'a>(workload: &Object, revisions: &'a [Revision], asked: Option<u64>) -> Result<&'a Revision, Trouble> {
    let current = revisions.iter().position(|revision| revision.current);
    let found = match asked {
        Some(asked) => revisions.iter().find(|revision| u64::try_from(revision.number) == Ok(asked)),
        None => current.and_then(|at| at.checked_sub(1)).and_then(|before| revisions.get(before)),
    };
    found.ok_or_else(|| {
        let near = revisions.iter().map(|revision| revision.number.to_string()).collect();
        let what = match asked {
            Some(asked) => format!("revision {asked} of {}", workload.re),
            None => format!("an earlier revision of {}", workload.re),
        };
        Trouble::NotFound { what, near }
    })
}

/// The whole template is put back; a merge would leave behind what the newer one added.
fn undo(mut patch: Change, workload: &Object, to: &Revision) -> Change {
    patch.body = Some(json!([
        {"op": "test", "path": "/metadata/uid", "value": workload.uid()},
        {"op": "replace", "path": "/spec/template", "value": to.template},
    ]));
    patch.reason = Some(format!("back to revision {}: {}", to.number, to.images()));
    patch
}
