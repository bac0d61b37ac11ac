//! What `kubectl get` prints of workloads and of what bounds them.

use serde_json::{Value, json};

use super::super::{Fill, age, at, pod};
use crate::kinds::Resource;

use super::{AGE, Row, computed, count, each, field, joined, labels, of, or, or_none, text};

const CONTAINERS: Row = ("Containers", 1, Fill::Computed(|it| template(it, "name")));
const IMAGES: Row = ("Images", 1, Fill::Computed(|it| template(it, "image")));
const SELECTOR: Row = ("Selector", 1, Fill::Computed(|it| labels(at(it, "spec.selector.matchLabels"))));

pub(super) fn columns(resource: &Resource) -> Option<Vec<Row>> {
    controllers(resource).or_else(|| jobs_and_limits(resource))
}

fn controllers(resource: &Resource) -> Option<Vec<Row>> {
    Some(match resource.kind.as_ref() {
        "Pod" if resource.group.is_empty() => vec![
            computed("Ready", pod::ready),
            computed("Status", pod::status),
            computed("Restarts", pod::restarts),
            AGE,
            ("IP", 1, Fill::Computed(|pod| or_none(at(pod, "status.podIP")))),
            ("Node", 1, Fill::Computed(|pod| or_none(at(pod, "spec.nodeName")))),
            ("Nominated Node", 1, Fill::Computed(|pod| or_none(at(pod, "status.nominatedNodeName")))),
            ("Readiness Gates", 1, Fill::Computed(pod::gates)),
        ],
        "Deployment" => vec![
            computed("Ready", |it| of(at(it, "status.readyReplicas"), at(it, "spec.replicas"))),
            computed("Up-to-date", |it| count(at(it, "status.updatedReplicas"))),
            computed("Available", |it| count(at(it, "status.availableReplicas"))),
            AGE,
            CONTAINERS,
            IMAGES,
            SELECTOR,
        ],
        "ReplicaSet" => vec![
            computed("Desired", |it| count(at(it, "spec.replicas"))),
            computed("Current", |it| count(at(it, "status.replicas"))),
            computed("Ready", |it| count(at(it, "status.readyReplicas"))),
            AGE,
            CONTAINERS,
            IMAGES,
            SELECTOR,
        ],
        "StatefulSet" => vec![
            computed("Ready", |it| of(at(it, "status.readyReplicas"), at(it, "spec.replicas"))),
            AGE,
            CONTAINERS,
            IMAGES,
        ],
        "DaemonSet" => vec![
            computed("Desired", |it| count(at(it, "status.desiredNumberScheduled"))),
            computed("Current", |it| count(at(it, "status.currentNumberScheduled"))),
            computed("Ready", |it| count(at(it, "status.numberReady"))),
            computed("Up-to-date", |it| count(at(it, "status.updatedNumberScheduled"))),
            computed("Available", |it| count(at(it, "status.numberAvailable"))),
            computed("Node Selector", |it| labels(at(it, "spec.template.spec.nodeSelector"))),
            AGE,
            CONTAINERS,
            IMAGES,
            SELECTOR,
        ],
        _ => return None,
    })
}

fn jobs_and_limits(resource: &Resource) -> Option<Vec<Row>> {
    Some(match resource.kind.as_ref() {
        "Job" => vec![
            computed("Status", job_status),
            computed("Completions", |it| of(at(it, "status.succeeded"), at(it, "spec.completions"))),
            computed("Duration", |it| {
                json!(age::between(at(it, "status.startTime"), at(it, "status.completionTime")).unwrap_or_default())
            }),
            AGE,
        ],
        "CronJob" => vec![
            field("Schedule", "spec.schedule"),
            computed("Suspend", |it| json!(if at(it, "spec.suspend") == true { "True" } else { "False" })),
            computed("Active", |it| json!(at(it, "status.active").as_array().map_or(0, Vec::len))),
            ("Last Schedule", 0, Fill::Age(&["status.lastScheduleTime"])),
            AGE,
        ],
        "HorizontalPodAutoscaler" => vec![
            computed("Reference", |it| {
                json!(format!(
                    "{}/{}",
                    text(at(it, "spec.scaleTargetRef.kind")),
                    text(at(it, "spec.scaleTargetRef.name"))
                ))
            }),
            computed("Targets", targets),
            field("MinPods", "spec.minReplicas"),
            field("MaxPods", "spec.maxReplicas"),
            computed("Replicas", |it| count(at(it, "status.currentReplicas"))),
            AGE,
        ],
        "PodDisruptionBudget" => vec![
            computed("Min Available", |it| or(at(it, "spec.minAvailable"), "N/A")),
            computed("Max Unavailable", |it| or(at(it, "spec.maxUnavailable"), "N/A")),
            computed("Allowed Disruptions", |it| count(at(it, "status.disruptionsAllowed"))),
            AGE,
        ],
        _ => return None,
    })
}

/// What an autoscaler measures against what it aims at; other metrics than resources by their type alone.
fn targets(autoscaler: &Value) -> Value {
    let percent = |value: &Value| value.as_u64().map_or_else(|| "<unknown>".to_owned(), |number| format!("{number}%"));
    joined(&each(autoscaler, "spec.metrics"), |metric| {
        let name = at(metric, "resource.name");
        if !name.is_string() {
            return vec![text(&metric["type"])];
        }
        let current =
            each(autoscaler, "status.currentMetrics").into_iter().find(|one| at(one, "resource.name") == name);
        let now = current.map_or(&Value::Null, |one| at(one, "resource.current.averageUtilization"));
        let target = at(metric, "resource.target");
        let aim = match target["averageUtilization"].as_u64() {
            Some(number) => format!("{number}%"),
            None => text(&target["averageValue"]),
        };
        vec![format!("{}: {}/{aim}", text(name), percent(now))]
    })
}

fn template(object: &Value, field: &str) -> Value {
    joined(&each(object, "spec.template.spec.containers"), |container| vec![text(&container[field])])
}

fn job_status(job: &Value) -> Value {
    let holds =
        |kind: &str| each(job, "status.conditions").iter().any(|one| one["type"] == kind && one["status"] == "True");
    let names = [
        ("Complete", "Complete"),
        ("Failed", "Failed"),
        ("Suspended", "Suspended"),
        ("FailureTarget", "FailureTarget"),
    ];
    json!(names.iter().find(|(kind, _)| holds(kind)).map_or("Running", |(_, word)| word))
}
