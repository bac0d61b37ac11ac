//! How many ready pods a plan takes away at once, against the share and the disruption budgets that are allowed.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Limits, Plan, Say, Target};
use crate::canonical::Verb;

pub fn check(limits: &Limits, plan: &Plan<'_>, say: Say<'_>) {
    let mut targets: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    for (index, target) in plan.targets.iter().enumerate() {
        let (key, ready, lost) = lost(index, target);
        let entry = targets.entry(key).or_insert((ready, 0));
        entry.1 += lost;
    }
    for (ready, lost) in targets.into_values() {
        // A single replica could never be mended otherwise.
        let most = (ready * u64::from(limits.unavailable_replicas_pct) / 100).max(1);
        if lost > most {
            let text = format!("it takes away {lost} of {ready} ready replicas at once; {most} are allowed");
            say("unavailable_replicas_pct", text);
        }
    }
    for budget in plan.budgets {
        let evicted = plan.targets.iter().filter(|target| takes_pod(target) && selects(budget, target)).count();
        let allowed = budget["status"]["disruptionsAllowed"].as_u64().unwrap_or(0);
        if evicted as u64 > allowed {
            let name = budget["metadata"]["name"].as_str().unwrap_or_default();
            let text = format!("the PodDisruptionBudget {name} allows {allowed} disruptions now, it makes {evicted}");
            say("unavailable_replicas_pct", text);
        }
    }
}

/// What the pods belong to, how many of them are ready, and how many of those go.
fn lost(index: usize, target: &Target<'_>) -> (String, u64, u64) {
    if takes_pod(target) {
        let owner = target.owner.unwrap_or(&Value::Null);
        let key = owner["metadata"]["uid"].as_str().map_or_else(|| format!("#{index}"), str::to_owned);
        return (key, ready(owner).max(1), u64::from(is_ready(target.live)));
    }
    let live = target.live.unwrap_or(&Value::Null);
    let key = live["metadata"]["uid"].as_str().map_or_else(|| format!("#{index}"), str::to_owned);
    let ready = ready(live);
    if target.request.verb == Verb::Delete {
        return (key, ready, ready);
    }
    let asked = target.after.or(target.request.body.as_ref()).unwrap_or(&Value::Null);
    let scaled = match (asked["spec"]["replicas"].as_u64(), live["spec"]["replicas"].as_u64()) {
        (Some(after), Some(before)) if after < before => ready.saturating_sub(after),
        _ => 0,
    };
    let template = asked["spec"].get("template");
    let rolls = template.is_some_and(|template| *template != live["spec"]["template"]);
    (key, ready, scaled.max(if rolls { rolled(asked, live, ready) } else { 0 }))
}

fn ready(object: &Value) -> u64 {
    let status = &object["status"];
    status["readyReplicas"].as_u64().or_else(|| status["numberReady"].as_u64()).unwrap_or(0)
}

/// How many pods a roll-out replaces at a time.
fn rolled(asked: &Value, live: &Value, ready: u64) -> u64 {
    let strategy = |object: &Value| {
        let spec = &object["spec"];
        spec.get("strategy").or_else(|| spec.get("updateStrategy")).cloned()
    };
    let strategy = strategy(asked).or_else(|| strategy(live)).unwrap_or(Value::Null);
    match strategy["type"].as_str() {
        Some("Recreate") => ready,
        Some("OnDelete") => 0,
        _ => match &strategy["rollingUpdate"]["maxUnavailable"] {
            Value::Number(count) => count.as_u64().unwrap_or(ready).min(ready),
            Value::String(share) => {
                let share: u64 = share.trim_end_matches('%').parse().unwrap_or(100);
                (ready * share / 100).min(ready)
            }
            // Deployments leave a quarter, the others one pod at a time.
            _ => (ready / 4).max(1).min(ready),
        },
    }
}

fn takes_pod(target: &Target<'_>) -> bool {
    let request = target.request;
    let pods = request.group.is_empty() && request.resource == "pods";
    let evicts = request.subresource.as_deref() == Some("eviction");
    pods && (evicts || (request.verb == Verb::Delete && request.subresource.is_none()))
}

fn is_ready(pod: Option<&Value>) -> bool {
    let conditions = pod.and_then(|pod| pod["status"]["conditions"].as_array());
    conditions.into_iter().flatten().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Whether a budget counts the pod of a target. One that is not ready does not make it smaller.
fn selects(budget: &Value, target: &Target<'_>) -> bool {
    let Some(pod) = target.live.filter(|pod| is_ready(Some(pod))) else {
        return false;
    };
    let labels = &pod["metadata"]["labels"];
    let Some(selector) = budget["spec"]["selector"].as_object() else {
        return false;
    };
    let equal = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let expressions = selector.get("matchExpressions").and_then(Value::as_array).into_iter().flatten();
    equal.into_iter().all(|(key, value)| labels.get(key) == Some(value))
        && expressions.into_iter().all(|expression| fits(expression, labels))
}

fn fits(expression: &Value, labels: &Value) -> bool {
    let value = expression["key"].as_str().and_then(|key| labels.get(key));
    let listed = || {
        let values = expression["values"].as_array().into_iter().flatten();
        values.into_iter().any(|one| Some(one) == value)
    };
    match expression["operator"].as_str() {
        Some("In") => listed(),
        Some("NotIn") => !listed(),
        Some("Exists") => value.is_some(),
        Some("DoesNotExist") => value.is_none(),
        // A budget that is not understood counts.
        _ => true,
    }
}
