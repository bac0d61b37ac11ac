//! A pod in a line: how `kubectl get pods` calls its status, and why it is not well.

use diagnose::Object;
use diagnose::object::text;
use diagnose::pod::{Container, Role, containers};
use jiff::Timestamp;

/// How urgent a line is; the worst come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    Failing,
    NotReady,
    /// Well now, but not for long or not always.
    Noted,
    Well,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub status: String,
    pub ready: usize,
    pub containers: usize,
    pub restarts: i64,
    pub rank: Rank,
    /// In one sentence; empty where there is nothing to say.
    pub why: String,
}

/// A restart longer ago than this is no news.
const RECENT: i64 = 3600;

pub fn condition(pod: &Object, now: Timestamp) -> Condition {
    let all: Vec<Container<'_>> = containers(pod).collect();
    let counted = |c: &&Container<'_>| !matches!(c.role, Role::Init);
    let ready = all.iter().filter(counted).filter(|c| c.ready()).count();
    let total = all.iter().filter(counted).count();
    let restarts = all.iter().filter(counted).map(Container::restarts).sum();
    let status = status(pod, &all);
    let done = pod.str("/status/phase") == "Succeeded";
    let running = status == "Running";
    let rank = match () {
        () if done => Rank::Well,
        () if status == "Terminating" => Rank::NotReady,
        () if running && ready == total => {
            if restarted_lately(&all, now) {
                Rank::Noted
            } else {
                Rank::Well
            }
        }
        () if running => Rank::NotReady,
        () => Rank::Failing,
    };
    let why = if rank == Rank::Well { String::new() } else { why(pod, &all) };
    Condition { status, ready, containers: total, restarts, rank, why }
}

fn restarted_lately(all: &[Container<'_>], now: Timestamp) -> bool {
    all.iter().any(|c| {
        let ended = c.status.and_then(|s| s.pointer("/lastState/terminated/finishedAt")?.as_str()?.parse().ok());
        ended.is_some_and(|ended: Timestamp| now.as_second() - ended.as_second() < RECENT)
    })
}

fn status(pod: &Object, all: &[Container<'_>]) -> String {
    if pod.deleting_since().is_some() {
        return if pod.str("/status/reason") == "NodeLost" { "Unknown" } else { "Terminating" }.to_owned();
    }
    if let Some(init) = init_status(all) {
        return init;
    }
    let reason = pod.str("/status/reason");
    let mut status = if reason.is_empty() { pod.str("/status/phase") } else { reason }.to_owned();
    let mut running = false;
    for container in all.iter().rev().filter(|c| c.role == Role::Main) {
        match state(container) {
            Some(State::Waiting(reason)) => reason.clone_into(&mut status),
            Some(State::Terminated(reason, code)) => {
                status = if reason.is_empty() { format!("ExitCode:{code}") } else { reason.to_owned() };
            }
            Some(State::Running) => running = running || container.ready(),
            None => {}
        }
    }
    if status == "Completed" && running {
        let ready = pod.condition("Ready").is_some_and(|c| c.is_true());
        return if ready { "Running" } else { "NotReady" }.to_owned();
    }
    if status.is_empty() { "Unknown".to_owned() } else { status }
}

enum State<'a> {
    Waiting(&'a str),
    Terminated(&'a str, i64),
    Running,
}

fn state<'a>(container: &Container<'a>) -> Option<State<'a>> {
    let state = container.status?.get("state")?;
    if let Some(waiting) = state.get("waiting") {
        let reason = text(waiting, "reason");
        return (!reason.is_empty()).then_some(State::Waiting(reason));
    }
    if let Some(ended) = state.get("terminated") {
        return Some(State::Terminated(text(ended, "reason"), ended["exitCode"].as_i64().unwrap_or_default()));
    }
    state.get("running").map(|_| State::Running)
}

/// `Init:1/3` and the like while init containers are not through.
fn init_status(all: &[Container<'_>]) -> Option<String> {
    let inits: Vec<&Container<'_>> = all.iter().filter(|c| c.role != Role::Main).collect();
    for (done, container) in inits.iter().enumerate() {
        let started = container.status.is_some_and(|s| s["started"] == true);
        match state(container) {
            Some(State::Terminated(_, 0)) => {}
            Some(State::Running) if container.role == Role::Sidecar && started => {}
            Some(State::Terminated("", code)) => return Some(format!("Init:ExitCode:{code}")),
            Some(State::Terminated(reason, _)) => return Some(format!("Init:{reason}")),
            Some(State::Waiting(reason)) if reason != "PodInitializing" => return Some(format!("Init:{reason}")),
            // an init container without any status belongs to a pod that has not started
            None if container.status.is_none() => return None,
            Some(State::Waiting(_) | State::Running) | None => return Some(format!("Init:{done}/{}", inits.len())),
        }
    }
    None
}

fn why(pod: &Object, all: &[Container<'_>]) -> String {
    if let Some(scheduled) = pod.condition("PodScheduled").filter(|c| !c.is_true()) {
        return scheduled.message.to_owned();
    }
    let said = pod.str("/status/message");
    if !said.is_empty() {
        return said.to_owned();
    }
    for container in all {
        let Some(status) = container.status else { continue };
        let waiting = &status["state"]["waiting"];
        let ended =
            [&status["state"]["terminated"], &status["lastState"]["terminated"]].into_iter().find(|e| e.is_object());
        let last = ended.map(exit).unwrap_or_default();
        let message = text(waiting, "message");
        let back_off = text(waiting, "reason") == "CrashLoopBackOff";
        match (message.is_empty() || back_off, last.is_empty()) {
            (false, _) => return format!("{}: {message}", container.name),
            (true, false) if !container.ready() => return format!("{}: {last}", container.name),
            (true, _) => {}
        }
    }
    let unready = ["Ready", "ContainersReady"].iter().filter_map(|kind| pod.condition(kind)).find(|c| !c.is_true());
    unready.map(|c| c.message.to_owned()).unwrap_or_default()
}

/// How a container ended: `exit 137 OOMKilled`.
fn exit(ended: &serde_json::Value) -> String {
    let code = ended["exitCode"].as_i64().unwrap_or_default();
    let (reason, message) = (text(ended, "reason"), text(ended, "message"));
    if code == 0 && message.is_empty() {
        return String::new();
    }
    let words = [format!("last exit {code}"), reason.to_owned(), message.to_owned()];
    words.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(" ")
}

/// What the names of its sisters begin with, and its own rest; None for a pod without a controller that numbers its pods.
pub fn sister_name(pod: &Object) -> Option<(String, String)> {
    let owner = pod.owner()?;
    let rest = pod.name().strip_prefix(&owner.name)?.strip_prefix('-')?;
    (!rest.is_empty()).then(|| (owner.name.clone(), rest.to_owned()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(status: Value) -> Object {
        Object::new(json!({"kind": "Pod", "metadata": {"name": "web-1", "namespace": "shop"},
            "spec": {"containers": [{"name": "main"}], "initContainers": [{"name": "prepare"}]}, "status": status}))
        .unwrap()
    }

    fn now() -> Timestamp {
        "2026-01-01T00:00:00Z".parse().unwrap()
    }

    #[test]
    fn the_status_is_what_kubectl_calls_it() {
        let main = |state: Value, ready: bool| {
            json!({"phase": "Running", "containerStatuses": [{"name": "main", "ready": ready, "restartCount": 2, "state": state}],
                "initContainerStatuses": [{"name": "prepare", "state": {"terminated": {"exitCode": 0}}}]})
        };
        let init =
            |state: Value| json!({"phase": "Pending", "initContainerStatuses": [{"name": "prepare", "state": state}]});
        let cases = [
            (main(json!({"running": {}}), true), "Running", Rank::Well),
            (main(json!({"running": {}}), false), "Running", Rank::NotReady),
            (main(json!({"waiting": {"reason": "CrashLoopBackOff"}}), false), "CrashLoopBackOff", Rank::Failing),
            (main(json!({"terminated": {"exitCode": 3}}), false), "ExitCode:3", Rank::Failing),
            (init(json!({"waiting": {"reason": "ImagePullBackOff"}})), "Init:ImagePullBackOff", Rank::Failing),
            (init(json!({"running": {}})), "Init:0/1", Rank::Failing),
            (json!({"phase": "Pending"}), "Pending", Rank::Failing),
            (json!({"phase": "Failed", "reason": "Evicted", "message": "low on disk"}), "Evicted", Rank::Failing),
            (json!({"phase": "Succeeded"}), "Succeeded", Rank::Well),
        ];
        for (status, name, rank) in cases {
            let found = condition(&pod(status.clone()), now());
            assert_eq!((found.status.as_str(), found.rank), (name, rank), "{status}");
        }
    }

    #[test]
    fn the_reason_is_the_most_telling_one() {
        let unscheduled = pod(json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}]}));
        assert_eq!(condition(&unscheduled, now()).why, "0/3 nodes are available");
        let killed =
            pod(json!({"phase": "Running", "containerStatuses": [{"name": "main", "ready": false, "restartCount": 4,
            "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}},
            "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}}]}));
        assert_eq!(condition(&killed, now()).why, "main: last exit 137 OOMKilled");
    }
}
