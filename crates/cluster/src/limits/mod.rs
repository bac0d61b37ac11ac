//! How much a plan may touch at once: objects, replicas, budgets, writes per hour, and when nothing may change.

mod freeze;
mod lost;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::Request;
pub use freeze::{Freeze, Windows};

/// The part `limits` of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Objects that one plan may change: 1 to 10, all in one namespace.
    pub objects_per_plan: u32,
    /// Share of a target's ready replicas that may become unavailable at once. One may always, if its budget allows it.
    pub unavailable_replicas_pct: u32,
    pub writes_per_hour: Writes,
    /// Beginnings of image names that may be deployed, besides other tags of the repository that runs.
    pub registries: Vec<String>,
    pub replicas: Replicas,
    /// Seconds for which an object that somebody else changed is left alone.
    pub settle_seconds: u32,
    /// Times in which nothing is changed.
    pub freeze: Vec<Freeze>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Writes {
    pub user: u32,
    pub namespace: u32,
    pub cluster: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Replicas {
    pub floor: u32,
    pub ceiling: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            objects_per_plan: 1,
            unavailable_replicas_pct: 25,
            writes_per_hour: Writes::default(),
            registries: Vec::new(),
            replicas: Replicas::default(),
            settle_seconds: 60,
            freeze: Vec::new(),
        }
    }
}

impl Default for Writes {
    fn default() -> Self {
        Self { user: 10, namespace: 10, cluster: 30 }
    }
}

impl Default for Replicas {
    fn default() -> Self {
        Self { floor: 1, ceiling: 100 }
    }
}

/// One object of a plan.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    pub request: &'a Request,
    pub live: Option<&'a Value>,
    /// What the dry run made of it.
    pub after: Option<&'a Value>,
    /// For a pod: the workload that keeps it, with its number of ready replicas.
    pub owner: Option<&'a Value>,
}

/// Writes that were executed within the last hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub user: u32,
    pub namespace: u32,
    pub cluster: u32,
}

#[derive(Debug, Clone, Copy)]
pub struct Plan<'a> {
    pub targets: &'a [Target<'a>],
    /// The PodDisruptionBudgets of the namespace.
    pub budgets: &'a [Value],
    pub counts: Counts,
    pub now: Timestamp,
}

/// Why a plan goes too far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The limit, as it is named in the policy.
    pub limit: &'static str,
    pub text: String,
}

/// Every limit that the plan exceeds. Pure.
pub fn check(limits: &Limits, freeze: &Windows, plan: &Plan<'_>) -> Result<(), Vec<Reason>> {
    let mut reasons = Vec::new();
    let mut say = |limit, text: String| reasons.push(Reason { limit, text });
    objects(limits, plan, &mut say);
    counts(limits, plan.counts, &mut say);
    for target in plan.targets {
        replicas(limits, target, &mut say);
        settled(limits, target, plan.now, &mut say);
    }
    lost::check(limits, plan, &mut say);
    if let Some(why) = freeze.holds(plan.now) {
        say("freeze", format!("nothing is changed now: {why}"));
    }
    if reasons.is_empty() { Ok(()) } else { Err(reasons) }
}

type Say<'a> = &'a mut dyn FnMut(&'static str, String);

fn objects(limits: &Limits, plan: &Plan<'_>, say: Say<'_>) {
    let count = plan.targets.len();
    // Whatever a file says, ten is the most.
    let most = limits.objects_per_plan.min(10) as usize;
    if count > most {
        say("objects_per_plan", format!("it changes {count} objects; the limit is {most}"));
    }
    let mut namespaces: Vec<&str> =
        plan.targets.iter().map(|target| target.request.within().unwrap_or_default()).collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    if namespaces.len() > 1 {
        say("objects_per_plan", format!("it changes objects in {} namespaces; one is the limit", namespaces.len()));
    }
}

fn counts(limits: &Limits, done: Counts, say: Say<'_>) {
    let most = limits.writes_per_hour;
    for (what, done, most) in [
        ("by this user", done.user, most.user),
        ("in this namespace", done.namespace, most.namespace),
        ("in this cluster", done.cluster, most.cluster),
    ] {
        if done >= most {
            say("writes_per_hour", format!("{done} changes were made {what} within the hour; the limit is {most}"));
        }
    }
}

fn replicas(limits: &Limits, target: &Target<'_>, say: Say<'_>) {
    let count = |object: Option<&Value>| object.and_then(|object| object["spec"]["replicas"].as_u64());
    let asked = target.after.or(target.request.body.as_ref());
    let (Some(after), before) = (count(asked), count(target.live)) else {
        return;
    };
    let Replicas { floor, ceiling } = limits.replicas;
    let within = u64::from(floor) <= after && after <= u64::from(ceiling);
    if before != Some(after) && !within {
        say("replicas", format!("it sets {after} replicas; {floor} to {ceiling} are allowed"));
    }
}

/// Somebody who works on the object right now must not be crossed.
fn settled(limits: &Limits, target: &Target<'_>, now: Timestamp, say: Say<'_>) {
    let entries = target.live.and_then(|live| live["metadata"]["managedFields"].as_array());
    let own = target.request.field_manager.as_deref();
    for entry in entries.into_iter().flatten() {
        // Controllers report all the time; what they report is the status.
        if entry["subresource"] == "status" || entry["manager"].as_str() == own {
            continue;
        }
        let Some(time) = entry["time"].as_str().and_then(|time| time.parse::<Timestamp>().ok()) else { continue };
        let age = now.as_second() - time.as_second();
        if age < i64::from(limits.settle_seconds) {
            let manager = entry["manager"].as_str().unwrap_or("somebody");
            say("settle_seconds", format!("{manager} changed it {} s ago", age.max(0)));
            return;
        }
    }
}
