//! A pod's containers, spec and status side by side: what nearly every rule about pods starts from.

use serde_json::Value;

use crate::evidence::Evidence;
use crate::finding::{Cite, Source};
use crate::object::{Object, text};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Init,
    /// an init container with `restartPolicy: Always`
    Sidecar,
    Main,
}

#[derive(Debug, Clone, Copy)]
pub struct Container<'a> {
    pub pod: &'a Object,
    pub role: Role,
    pub index: usize,
    pub name: &'a str,
    pub spec: &'a Value,
    pub status: Option<&'a Value>,
}

static NULL: Value = Value::Null;

/// All containers of a pod, init containers first.
pub fn containers(pod: &Object) -> impl Iterator<Item = Container<'_>> {
    let init = pod.list("/spec/initContainers").iter().enumerate().map(move |(index, spec)| {
        let role = if text(spec, "restartPolicy") == "Always" { Role::Sidecar } else { Role::Init };
        container(pod, role, index, spec, "/status/initContainerStatuses")
    });
    let main = pod.list("/spec/containers").iter().enumerate();
    init.chain(main.map(move |(index, spec)| container(pod, Role::Main, index, spec, "/status/containerStatuses")))
}

fn container<'a>(pod: &'a Object, role: Role, index: usize, spec: &'a Value, statuses: &str) -> Container<'a> {
    let name = text(spec, "name");
    let status = pod.list(statuses).iter().find(|s| text(s, "name") == name);
    Container { pod, role, index, name, spec, status }
}

/// A container's last end: `state.terminated` if it is down now, else `lastState.terminated`.
#[derive(Debug, Clone, Copy)]
pub struct Exit<'a> {
    pub value: &'a Value,
    /// pointer below the container's status
    pub field: &'static str,
    pub code: i64,
    pub reason: &'a str,
    pub message: &'a str,
}

impl<'a> Container<'a> {
    pub fn image(&self) -> &'a str {
        text(self.spec, "image")
    }

    pub fn restarts(&self) -> i64 {
        self.status.and_then(|s| s["restartCount"].as_i64()).unwrap_or(0)
    }

    pub fn ready(&self) -> bool {
        self.status.is_some_and(|s| s["ready"] == true)
    }

    pub fn running(&self) -> bool {
        self.status.is_some_and(|s| s["state"]["running"].is_object())
    }

    /// `state.waiting`: reason and message; empty when not waiting.
    pub fn waiting(&self) -> (&'a str, &'a str) {
        let waiting = self.status.map_or(&NULL, |s| &s["state"]["waiting"]);
        (text(waiting, "reason"), text(waiting, "message"))
    }

    pub fn exit(&self) -> Option<Exit<'a>> {
        let status = self.status?;
        [
            ("state.terminated", &status["state"]["terminated"]),
            ("lastState.terminated", &status["lastState"]["terminated"]),
        ]
        .into_iter()
        .find(|(_, value)| value.is_object())
        .map(|(field, value)| Exit {
            value,
            field,
            code: value["exitCode"].as_i64().unwrap_or(0),
            reason: text(value, "reason"),
            message: text(value, "message"),
        })
    }

    /// Path of this container in the pod's spec, dotted, for a citation.
    pub fn spec_path(&self) -> String {
        let list = if self.role == Role::Main { "containers" } else { "initContainers" };
        format!("spec.{list}[{}]", self.index)
    }

    /// Path of this container in the pod's status.
    pub fn status_path(&self) -> String {
        let list = if self.role == Role::Main { "containerStatuses" } else { "initContainerStatuses" };
        format!("status.{list}[name={}]", self.name)
    }

    /// A citation of a field below this container's spec.
    pub fn cite_spec(&self, field: &str, text: impl Into<String>) -> Cite {
        let source = Source::Field(format!("{}.{field}", self.spec_path()));
        Cite { object: self.pod.re.clone(), source, time: None, text: text.into() }
    }

    /// A citation of a field below this container's status.
    pub fn cite_status(&self, field: &str, text: impl Into<String>) -> Cite {
        let source = Source::Field(format!("{}.{field}", self.status_path()));
        Cite { object: self.pod.re.clone(), source, time: None, text: text.into() }
    }

    /// The log that speaks of the last end: the previous one after a restart, else the current one.
    pub fn last_log<'e>(&self, evidence: &'e Evidence) -> Option<&'e crate::evidence::Log> {
        let current = || evidence.log(&self.pod.re, self.name, false);
        if self.restarts() == 0 {
            return current();
        }
        evidence.log(&self.pod.re, self.name, true).or_else(current)
    }
}

/// A pod that has done its work or is being removed is no fault.
pub fn is_over(pod: &Object) -> bool {
    pod.str("/status/phase") == "Succeeded"
}

/// A static pod: the kubelet of a node makes it from a file, as it does the control plane.
pub fn is_static(pod: &Object) -> bool {
    pod.owner().is_some_and(|owner| owner.kind == "Node")
}

/// `Ready=True`.
pub fn is_ready(pod: &Object) -> bool {
    pod.condition("Ready").is_some_and(|c| c.is_true())
}

/// Not ready, or a container that ended badly a short while ago. A pod that is done or on its way out is not in trouble.
pub fn in_trouble(pod: &Object, now: jiff::Timestamp) -> bool {
    if is_over(pod) || pod.deleting_since().is_some() {
        return false;
    }
    let ended_lately = |c: Container<'_>| {
        c.exit().filter(|e| e.code != 0).is_some_and(|exit| {
            text(exit.value, "finishedAt")
                .parse()
                .is_ok_and(|at: jiff::Timestamp| now.duration_since(at).as_secs() < 900)
        })
    };
    !is_ready(pod) || containers(pod).any(ended_lately)
}

/// Whether any container of it ever ran: what its program says or needs can only matter then.
pub fn has_started(pod: &Object) -> bool {
    containers(pod).any(|c| c.running() || c.exit().is_some())
}
