//! What runs programs: channels into workloads and nodes, tokens, pods made on purpose, pods that reach their node.

use serde_json::Value;

use super::change::Change;
use super::{Case, Class, Verdict};
use crate::canonical::Verb;

/// Below an object, and no channel.
const KNOWN: [&str; 9] =
    ["status", "scale", "log", "resize", "eviction", "binding", "finalize", "approval", "rollback"];

pub fn judge(case: &Case<'_>, verdict: &mut Verdict) {
    let below = match case.below {
        None => None,
        Some("exec") => Some("runs a program in a container (exec)"),
        Some("attach") => Some("talks to a program in a container (attach)"),
        Some("portforward") => Some("opens a port of a pod (portforward)"),
        Some("proxy") => Some("goes through a proxy to a pod, a service or a node, where programs can be run"),
        Some("ephemeralcontainers") => Some("starts a container in a pod that runs"),
        Some("token") => Some("issues a token of a service account"),
        Some(known) if KNOWN.contains(&known) => None,
        Some(_) => Some("the subresource is not known and may be a channel"),
    };
    if let Some(why) = below {
        verdict.add(Class::X, why);
    }
    verdict.add_if(case.kind.group == "subresources.kubevirt.io", Class::X, "opens a channel into a virtual machine");
    verdict.add_if(case.verb() == Verb::Connect, Class::X, "opens a channel into a workload or a node");
    let makes = match case.verb() {
        Verb::Create => true,
        // Both make the object where there is none.
        Verb::Apply | Verb::Update => case.seen.live.is_none(),
        Verb::Get | Verb::List | Verb::Watch | Verb::Patch | Verb::Delete | Verb::DeleteCollection | Verb::Connect => {
            false
        }
    };
    verdict.add_if(
        makes && case.below.is_none() && case.kind.runs(),
        Class::X,
        "makes a Pod, Job or CronJob, which runs whatever program it names",
    );
    let body = case.request.body.as_ref().filter(|_| makes);
    let new = case.changes.list.iter().filter_map(Change::reach);
    if let Some(why) = body.and_then(|body| reach("", body)).or_else(|| new.into_iter().next()) {
        verdict.add(Class::X, why);
    }
}

impl Change {
    fn reach(&self) -> Option<&'static str> {
        let last = self.path.last().map(String::as_str).unwrap_or_default();
        let parent = self.path.iter().rev().nth(1).map(String::as_str).unwrap_or_default();
        let after = self.after.as_ref()?;
        if parent == "capabilities" && last == "add" {
            return reach("capabilities", &serde_json::json!({"add": after}));
        }
        // A path of a host changes as a leaf.
        if self.path.iter().any(|step| step == "hostPath") {
            return Some(HOST_PATH);
        }
        reach(last, after)
    }
}

const HOST_PATH: &str = "mounts a folder of the node into a container";

/// A field that takes a container out of its box.
fn reach(key: &str, value: &Value) -> Option<&'static str> {
    let here = match (key, value) {
        ("privileged", Value::Bool(true)) => Some("runs a privileged container"),
        ("hostProcess", Value::Bool(true)) => Some("runs a process on the node itself"),
        ("hostNetwork" | "hostPID" | "hostIPC", Value::Bool(true)) => Some("shares the node's network or processes"),
        ("hostPath", Value::Object(_)) => Some(HOST_PATH),
        ("procMount", Value::String(kind)) if kind == "Unmasked" => Some("unmasks the node's /proc"),
        ("capabilities", Value::Object(map))
            if map.get("add").and_then(Value::as_array).is_some_and(|added| !added.is_empty()) =>
        {
            Some("adds capabilities to a container")
        }
        _ => None,
    };
    here.or_else(|| match value {
        Value::Object(map) => map.iter().find_map(|(key, value)| reach(key, value)),
        Value::Array(items) => items.iter().find_map(|item| reach(key, item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    })
}
