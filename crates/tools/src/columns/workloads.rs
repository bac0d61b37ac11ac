//! Deployments and their like, jobs, autoscalers.

use diagnose::Object;
use diagnose::object::text;
use jiff::Timestamp;
use serde_json::Value;

use super::{Cells, several, word};
use crate::age::age;
use crate::pods::Rank;

pub fn replicated(object: &Object, _: Timestamp) -> Cells {
    let wanted = object.int("/spec/replicas").unwrap_or(1);
    let updated = match object.kind() {
        "ReplicaSet" | "ReplicationController" => "-".to_owned(),
        _ => object.int("/status/updatedReplicas").unwrap_or(0).to_string(),
    };
    scaled(object, wanted, object.int("/status/readyReplicas").unwrap_or(0), updated)
}

pub fn daemon_set(object: &Object, _: Timestamp) -> Cells {
    let number = |pointer: &str| object.int(pointer).unwrap_or(0);
    let updated = number("/status/updatedNumberScheduled").to_string();
    scaled(object, number("/status/desiredNumberScheduled"), number("/status/numberReady"), updated)
}

fn scaled(object: &Object, wanted: i64, ready: i64, updated: String) -> Cells {
    let images = object.list("/spec/template/spec/containers").iter().map(|c| text(c, "image"));
    let cells = vec![format!("{ready}/{wanted}"), updated, several(images)];
    let stuck = object
        .conditions()
        .find(|c| matches!((c.kind, c.status), ("Progressing" | "Available", "False") | ("ReplicaFailure", "True")));
    let why = stuck.map(|c| format!("{} {}", c.reason, c.message)).unwrap_or_default();
    let rank = match () {
        () if wanted > 0 && ready == 0 => Rank::Failing,
        () if ready < wanted => Rank::NotReady,
        () if stuck.is_some() || object.bool("/spec/paused") == Some(true) => Rank::Noted,
        () => Rank::Well,
    };
    (cells, rank, if rank == Rank::Noted && why.is_empty() { "paused".to_owned() } else { why })
}

pub fn job(object: &Object, _: Timestamp) -> Cells {
    let number = |pointer: &str| object.int(pointer).unwrap_or(0);
    let wanted = object.int("/spec/completions").unwrap_or(1);
    let failed = object.condition("Failed").filter(|c| c.is_true());
    let cells = vec![
        format!("{}/{wanted}", number("/status/succeeded")),
        number("/status/active").to_string(),
        number("/status/failed").to_string(),
    ];
    match failed {
        Some(c) => (cells, Rank::Failing, format!("{} {}", c.reason, c.message)),
        None if number("/status/failed") > 0 && number("/status/succeeded") < wanted => {
            (cells, Rank::NotReady, "pods of it failed".to_owned())
        }
        None => (cells, Rank::Well, String::new()),
    }
}

pub fn cron_job(object: &Object, now: Timestamp) -> Cells {
    let suspended = object.bool("/spec/suspend") == Some(true);
    let cells = vec![
        word(object.str("/spec/schedule")),
        suspended.to_string(),
        object.list("/status/active").len().to_string(),
        age(object.time("/status/lastScheduleTime"), now),
    ];
    (cells, if suspended { Rank::Noted } else { Rank::Well }, String::new())
}

pub fn autoscaler(object: &Object, _: Timestamp) -> Cells {
    let number = |pointer: &str| object.int(pointer).map_or_else(|| "-".to_owned(), |n| n.to_string());
    let target = format!("{}/{}", object.str("/spec/scaleTargetRef/kind"), object.str("/spec/scaleTargetRef/name"));
    let cells = vec![
        word(&target),
        object.at("/spec/minReplicas").as_i64().unwrap_or(1).to_string(),
        number("/spec/maxReplicas"),
        format!("{}/{}", number("/status/currentReplicas"), number("/status/desiredReplicas")),
    ];
    let condition = |kind: &str, status: &str| object.conditions().find(|c| c.kind == kind && c.status == status);
    let stuck = condition("AbleToScale", "False").or_else(|| condition("ScalingActive", "False"));
    match (stuck, condition("ScalingLimited", "True")) {
        (Some(c), _) => (cells, Rank::NotReady, c.message.to_owned()),
        (None, Some(c)) => (cells, Rank::Noted, c.message.to_owned()),
        (None, None) => (cells, Rank::Well, String::new()),
    }
}

/// The images of a pod template, by container.
pub fn images(template: &Value) -> Vec<(String, String)> {
    let containers =
        ["initContainers", "containers"].into_iter().filter_map(|group| template["spec"][group].as_array());
    containers.flatten().map(|c| (text(c, "name").to_owned(), text(c, "image").to_owned())).collect()
}
