//! `wait_for`: waits until an object is as wished, with a limit.

use std::time::Duration;

use diagnose::Object;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::{number, required, text};
use crate::columns::layout;
use crate::context::Context;
use crate::kind::{Kind, resolve};
use crate::page::short;
use crate::read::Reader;
use crate::shape;
use crate::target::split;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "wait_for",
    title: "Wait",
    description: "Wait until an object is ready, deleted, complete, or a condition/phase holds (e.g. Available, phase=Bound).",
    class: Class::R,
    set: Set::Ours,
    cluster_aware: true,
    input,
    output: shape::object,
    old_spellings: &[("condition", "until"), ("timeout", "seconds")],
    call,
};

const LOOK_AGAIN: Duration = Duration::from_secs(1);

fn input() -> Value {
    let seconds = json!({"type": "integer", "minimum": 1, "maximum": 300, "default": 60});
    shape::input(
        &["object"],
        &[
            ("object", shape::said("kind/name")),
            ("namespace", shape::text()),
            ("until", json!({"type": "string", "default": "ready"})),
            ("seconds", seconds),
        ],
    )
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let (kind, name) = split("object", required(&arguments, "object")?)?;
        let kind = resolve(context, None, &kind).await?;
        let namespace = reader.namespace_for(&kind, text(&arguments, "namespace"))?;
        let until = text(&arguments, "until").unwrap_or("ready");
        let seconds = number(&arguments, "seconds").unwrap_or(60).clamp(1, 300);
        let started = Instant::now();
        let limit = Duration::from_secs(seconds);
        let mut known = false;
        loop {
            let state = match reader.object(&kind, namespace, &name).await {
                Ok(object) => {
                    known = true;
                    look(context, &kind, &object, until)
                }
                Err(Trouble::NotFound { .. }) if until == "deleted" => {
                    State { holds: true, words: "it is gone".to_owned() }
                }
                // one that is to come may come late, but a name that never was is more likely a slip
                Err(trouble @ Trouble::NotFound { .. }) if !known && started.elapsed() > limit / 2 => {
                    return Err(trouble);
                }
                Err(Trouble::NotFound { .. }) => State { holds: false, words: "it does not exist".to_owned() },
                Err(trouble) => return Err(trouble),
            };
            let waited = started.elapsed().as_secs();
            if state.holds || started.elapsed() + LOOK_AGAIN > limit {
                return Ok(told(&kind, &name, until, &state, seconds));
            }
            context.progress.report(waited as f64, Some(seconds as f64), state.words);
            tokio::select! {
                () = context.cancel.cancelled() => return Err(Trouble::Cancelled),
                () = sleep(LOOK_AGAIN) => {}
            }
        }
    }
    .boxed()
}

struct State {
    holds: bool,
    words: String,
}

/// The time that passed is left out, so that the same end gives the same answer.
fn told(kind: &Kind, name: &str, until: &str, state: &State, seconds: u64) -> Answer {
    let text = if state.holds {
        format!("{} {name} is {until}: {}\n", kind.name, state.words)
    } else {
        format!("{} {name} is not {until} after {seconds} s: {}. Ask diagnose why.\n", kind.name, state.words)
    };
    Answer::new(text, json!({"holds": state.holds, "state": state.words}))
}

fn look(context: &Context, kind: &Kind, object: &Object, until: &str) -> State {
    let words = match layout(kind) {
        Some(layout) => {
            let row = layout.row(object, context.now);
            let cells =
                layout.header.iter().zip(&row.cells).filter(|(name, _)| !matches!(**name, "IP" | "NODE" | "IMAGES"));
            let cells: Vec<String> = cells.map(|(name, cell)| format!("{} {cell}", name.to_lowercase())).collect();
            let why = if row.why.is_empty() { String::new() } else { format!(" ({})", short(&row.why, 200)) };
            format!("{}{why}", cells.join(", "))
        }
        None => object.conditions().map(|c| format!("{}={}", c.kind, c.status)).collect::<Vec<_>>().join(", "),
    };
    State { holds: holds(object, until), words }
}

fn holds(object: &Object, until: &str) -> bool {
    if let Some((key, wanted)) = until.split_once('=') {
        let condition = object.condition(key).is_some_and(|c| c.status.eq_ignore_ascii_case(wanted));
        return condition || key == "phase" && object.str("/status/phase").eq_ignore_ascii_case(wanted);
    }
    match until.to_lowercase().as_str() {
        "deleted" => false,
        "ready" => ready(object),
        "complete" => {
            object.condition("Complete").is_some_and(|c| c.is_true()) || object.str("/status/phase") == "Succeeded"
        }
        _ => object.conditions().any(|c| c.kind.eq_ignore_ascii_case(until) && c.is_true()),
    }
}

/// What ready means for each kind.
fn ready(object: &Object) -> bool {
    let number = |pointer: &str| object.int(pointer).unwrap_or(0);
    let seen = number("/status/observedGeneration") >= number("/metadata/generation");
    match object.kind() {
        "Deployment" | "StatefulSet" | "ReplicaSet" => {
            let wanted = object.int("/spec/replicas").unwrap_or(1);
            let updated = object.kind() == "ReplicaSet" || number("/status/updatedReplicas") >= wanted;
            seen && updated && number("/status/readyReplicas") >= wanted
        }
        "DaemonSet" => {
            let wanted = number("/status/desiredNumberScheduled");
            seen && number("/status/updatedNumberScheduled") >= wanted && number("/status/numberReady") >= wanted
        }
        "PersistentVolumeClaim" => object.str("/status/phase") == "Bound",
        "Namespace" => object.str("/status/phase") == "Active",
        "Job" => object.condition("Complete").is_some_and(|c| c.is_true()),
        _ => object.condition("Ready").or(object.condition("Available")).is_some_and(|c| c.is_true()),
    }
}
