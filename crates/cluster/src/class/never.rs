//! What is not done through us, whoever asks and whatever a policy says.

use serde_json::Value;

use super::change::Change;
use super::kind::Kind;
use super::{Case, Class, Scope, Verdict, metadata};
use crate::canonical::{Request, Verb};

/// Tools that keep objects as a repository says; what is forced over them comes back, or breaks their roll-out.
const GITOPS: [&str; 9] =
    ["argocd", "argo-cd", "kustomize-controller", "helm-controller", "flux", "fleet", "configsync", "kapp", "werf"];

const FINALIZERS: &str = "takes away a finalizer, which skips the cleaning up that it stands for";

/// Why a request is never sent, as far as the request alone shows.
pub fn never(request: &Request) -> Option<&'static str> {
    let kind = Kind::of(request);
    let token = (request.subresource.as_deref() == Some("token")).then_some("issues a token of a service account");
    let channel = (request.verb == Verb::Connect).then_some("opens a channel into a workload or a node");
    let kind = by_kind(request, kind).filter(|_| !request.verb.reads());
    by_verb(request.verb).or(kind).or(token).or(channel)
}

pub fn judge(case: &Case<'_>, verdict: &mut Verdict) {
    let request = case.request;
    let found = [
        by_verb(request.verb),
        by_kind(request, case.kind),
        own(case),
        forced(case),
        finalizers(case),
        delete(case),
        escalation(case),
    ];
    for why in found.into_iter().flatten() {
        verdict.add(Class::N, why);
    }
}

fn by_verb(verb: Verb) -> Option<&'static str> {
    (verb == Verb::DeleteCollection).then_some("deletes a whole collection at once")
}

fn by_kind(request: &Request, kind: Kind<'_>) -> Option<&'static str> {
    let below = request.subresource.as_deref();
    match (kind.group, kind.resource) {
        (_, _) if below == Some("finalize") => Some(FINALIZERS),
        ("admissionregistration.k8s.io", _) => {
            Some("changes what the API server admits (webhooks, admission policies)")
        }
        ("kyverno.io" | "templates.gatekeeper.sh" | "constraints.gatekeeper.sh" | "policies.kubewarden.io", _) => {
            Some("changes an admission policy")
        }
        ("apiregistration.k8s.io", _) => Some("changes which server answers for an API (APIService)"),
        ("certificates.k8s.io", "certificatesigningrequests") if below.is_some() => {
            Some("approves, denies or signs a certificate request")
        }
        ("", "nodes") if request.verb == Verb::Delete => Some("deletes a node"),
        _ => None,
    }
}

/// Our own namespace, rights and policies: nothing that we do may change what we may do.
fn own(case: &Case<'_>) -> Option<&'static str> {
    const SELF: &str = "changes Midwatch itself, its rights or its policy";
    let request = case.request;
    let inside = request.within().is_some_and(|namespace| case.scope.owns_namespace(namespace));
    let named = request.name.as_deref().or_else(|| request.body.as_ref()?["metadata"]["name"].as_str());
    let ours = named.is_some_and(|name| name == "midwatch" || name.starts_with("midwatch-"))
        && (case.kind.rbac() || case.kind.cluster_scoped());
    let objects = [case.seen.live, case.seen.after, request.body.as_ref()];
    let marked = objects.into_iter().flatten().any(|object| part_of_us(object) || binds_us(case.scope, object));
    let keys = case.changes.list.iter().any(touches_our_key);
    let key_in_body = case.verb() == Verb::Create && request.body.as_ref().is_some_and(has_our_key);
    (inside || ours || marked || keys || key_in_body).then_some(SELF)
}

fn part_of_us(object: &Value) -> bool {
    let labels = &object["metadata"]["labels"];
    ["app.kubernetes.io/name", "app.kubernetes.io/part-of"].iter().any(|key| labels[*key] == "midwatch")
}

/// A binding whose subject is a service account of ours.
fn binds_us(scope: &Scope, object: &Value) -> bool {
    let subjects = object["subjects"].as_array().into_iter().flatten();
    subjects.filter_map(|subject| subject["namespace"].as_str()).any(|namespace| scope.owns_namespace(namespace))
}

fn touches_our_key(change: &Change) -> bool {
    match change.path().as_slice() {
        ["metadata", "labels" | "annotations", key, ..] => metadata::ours(key),
        ["metadata", "labels" | "annotations"] => [&change.before, &change.after]
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .any(|map| map.keys().any(|key| metadata::ours(key))),
        _ => false,
    }
}

fn has_our_key(body: &Value) -> bool {
    let maps = ["labels", "annotations"].map(|field| body["metadata"][field].as_object());
    maps.into_iter().flatten().any(|map| map.keys().any(|key| metadata::ours(key)))
}

fn forced(case: &Case<'_>) -> Option<&'static str> {
    let force = case.query("force").filter(|value| !matches!(*value, "false" | "0"))?;
    let managers = case.seen.live.map(|live| live["metadata"]["managedFields"].as_array());
    let by_gitops = match managers {
        // Nobody has looked at who owns the fields.
        None => true,
        Some(None) => false,
        Some(Some(entries)) => entries.iter().filter_map(|entry| entry["manager"].as_str()).any(|manager| {
            let manager = manager.to_ascii_lowercase();
            GITOPS.iter().any(|tool| manager.starts_with(tool))
        }),
    };
    (by_gitops && !force.is_empty())
        .then_some("forces its way over fields that a GitOps tool owns, or may own (force=true)")
}

fn finalizers(case: &Case<'_>) -> Option<&'static str> {
    let removed = case.changes.list.iter().any(|change| match change.path().as_slice() {
        ["metadata" | "spec", "finalizers", ..] => {
            let texts = |value: &Option<Value>| -> Vec<Value> {
                match value {
                    Some(Value::Array(items)) => items.clone(),
                    Some(Value::Null) | None => Vec::new(),
                    Some(other) => vec![other.clone()],
                }
            };
            let (before, after) = (texts(&change.before), texts(&change.after));
            // Without the object nobody knows which ones there are.
            case.seen.live.is_none() || before.iter().any(|one| !after.contains(one)) || after.is_empty()
        }
        ["metadata"] => true,
        _ => false,
    });
    removed.then_some(FINALIZERS)
}

fn delete(case: &Case<'_>) -> Option<&'static str> {
    if case.verb() != Verb::Delete {
        return None;
    }
    let live = case.seen.live;
    match (case.kind.group, case.kind.resource) {
        ("", "namespaces") if case.protected() => Some("deletes a protected namespace"),
        ("", "persistentvolumes") => match live {
            None => Some("deletes a volume of which is not known whose data it holds"),
            Some(live) => {
                let claimed = live["spec"]["claimRef"]["namespace"].as_str();
                let protected = claimed.is_some_and(|namespace| case.scope.protects_namespace(namespace));
                (protected || case.protected()).then_some("deletes a volume with data of a protected namespace")
            }
        },
        ("apiextensions.k8s.io", "customresourcedefinitions") => {
            Some("deletes a kind and with it all its objects, also those in protected namespaces")
        }
        _ => None,
    }
}

/// RBAC that hands out the right to hand out rights.
fn escalation(case: &Case<'_>) -> Option<&'static str> {
    if !case.kind.rbac() {
        return None;
    }
    let written = [case.request.body.as_ref(), case.seen.after];
    written.into_iter().flatten().any(escalates).then_some("grants escalate, bind, impersonate or everything (RBAC)")
}

fn escalates(value: &Value) -> bool {
    const VERBS: [&str; 4] = ["escalate", "bind", "impersonate", "*"];
    const SUBJECTS: [&str; 4] =
        ["system:masters", "system:anonymous", "system:unauthenticated", "system:authenticated"];
    match value {
        Value::Object(map) => {
            let verbs = map.get("verbs").and_then(Value::as_array).into_iter().flatten();
            let roles = ["cluster-admin", "admin"];
            verbs.filter_map(Value::as_str).any(|verb| VERBS.contains(&verb))
                || map.get("roleRef").is_some_and(|role| roles.iter().any(|name| role["name"] == *name))
                || map.get("name").and_then(Value::as_str).is_some_and(|name| SUBJECTS.contains(&name))
                || map.values().any(escalates)
        }
        Value::Array(items) => items.iter().any(escalates),
        Value::String(text) => VERBS[..3].contains(&text.as_str()),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}
