//! `who_can`: who may do something, from the cluster's RBAC.

use std::collections::{BTreeMap, BTreeSet};

use diagnose::Object;
use diagnose::object::text as field;
use futures::FutureExt;
use futures::future::BoxFuture;
use serde_json::{Value, json};

use super::{Arguments, Set, Tool};
use crate::answer::Answer;
use crate::arguments::{required, text};
use crate::context::Context;
use crate::kind::{Kind, built_in, resolve};
use crate::page::{Line, first};
use crate::read::{Reader, Selectors, segment};
use crate::shape;
use crate::trouble::Trouble;
use cluster::Class;

pub const TOOL: Tool = Tool {
    name: "who_can",
    title: "Who can",
    description: "Who may do verb on resource (RBAC). Without namespace: in the whole cluster.",
    class: Class::S,
    set: Set::Ours,
    cluster_aware: true,
    input,
    output: shape::items,
    old_spellings: &[],
    call,
};

fn input() -> Value {
    shape::input(
        &["verb", "resource"],
        &[
            ("verb", shape::text()),
            ("resource", shape::said("e.g. pods/exec")),
            ("name", shape::text()),
            ("namespace", shape::text()),
        ],
    )
}

/// What is asked for.
struct Asked {
    verb: String,
    group: String,
    /// With its subresource: `pods/exec`.
    resource: String,
    name: Option<String>,
}

fn call(context: &Context, arguments: Arguments) -> BoxFuture<'_, Result<Answer, Trouble>> {
    async move {
        let reader = Reader::new(context)?;
        let namespace = text(&arguments, "namespace").map_or(Ok(""), |asked| segment("namespace", asked))?;
        let word = required(&arguments, "resource")?;
        let (resource, below) = word.split_once('/').map_or((word, None), |(resource, below)| (resource, Some(below)));
        let kind = resolve(context, None, resource).await?;
        let asked = Asked {
            verb: required(&arguments, "verb")?.to_lowercase(),
            group: kind.group().to_owned(),
            resource: below.map_or_else(|| kind.plural.to_string(), |below| format!("{}/{below}", kind.plural)),
            name: text(&arguments, "name").map(str::to_owned),
        };
        let of = |name: &str, namespace: &'static str| (built_in(name), namespace);
        let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let cluster_roles = list(&reader, of("ClusterRole", "").0, "").await?;
        for binding in list(&reader, of("ClusterRoleBinding", "").0, "").await? {
            grant(&binding, &cluster_roles, &asked, &mut found);
        }
        if !namespace.is_empty() {
            let mut roles = cluster_roles;
            roles.extend(list(&reader, of("Role", "").0, namespace).await?);
            for binding in list(&reader, of("RoleBinding", "").0, namespace).await? {
                grant(&binding, &roles, &asked, &mut found);
            }
        }
        Ok(told(context, &asked, namespace, &found))
    }
    .boxed()
}

async fn list(reader: &Reader<'_>, kind: Option<Kind>, namespace: &str) -> Result<Vec<Object>, Trouble> {
    match kind {
        Some(kind) => Ok(reader.list(&kind, namespace, Selectors::default()).await?.objects),
        None => Ok(Vec::new()),
    }
}

/// Notes the binding's subjects if the role it refers to allows what is asked.
fn grant(binding: &Object, roles: &[Object], asked: &Asked, found: &mut BTreeMap<String, BTreeSet<String>>) {
    let (kind, name) = (binding.str("/roleRef/kind"), binding.str("/roleRef/name"));
    let role = roles.iter().find(|role| role.kind() == kind && role.name() == name);
    if !role.is_some_and(|role| role.list("/rules").iter().any(|rule| allows(rule, asked))) {
        return;
    }
    for subject in binding.list("/subjects") {
        let who = match (field(subject, "kind"), field(subject, "namespace")) {
            ("ServiceAccount", namespace) => format!("ServiceAccount {namespace}/{}", field(subject, "name")),
            (kind, _) => format!("{kind} {}", field(subject, "name")),
        };
        let by = format!("{kind} {name} through {} {}", binding.kind(), binding.name());
        found.entry(who).or_default().insert(by);
    }
}

fn allows(rule: &Value, asked: &Asked) -> bool {
    let holds = |key: &str, wanted: &dyn Fn(&str) -> bool| {
        rule[key].as_array().into_iter().flatten().filter_map(Value::as_str).any(|value| value == "*" || wanted(value))
    };
    let names: Vec<&str> = rule["resourceNames"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let named = names.is_empty() || asked.name.as_deref().is_some_and(|name| names.contains(&name));
    let below = asked.resource.split_once('/').map(|(_, below)| format!("*/{below}"));
    named
        && holds("verbs", &|verb| verb == asked.verb)
        && holds("apiGroups", &|group| group == asked.group)
        && holds("resources", &|resource| resource == asked.resource || below.as_deref() == Some(resource))
}

fn told(context: &Context, asked: &Asked, namespace: &str, found: &BTreeMap<String, BTreeSet<String>>) -> Answer {
    let place =
        if namespace.is_empty() { "in the whole cluster".to_owned() } else { format!("in namespace {namespace}") };
    let name = asked.name.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
    let title = format!("{} may {} {}{name} {place}", found.len(), asked.verb, asked.resource);
    let all: Vec<(&String, &BTreeSet<String>)> = found.iter().collect();
    let by = |ways: &BTreeSet<String>| ways.iter().cloned().collect::<Vec<_>>().join("; ");
    let line = |(at, (who, ways)): (usize, &(&String, &BTreeSet<String>))| Line {
        text: format!("{who} ({})", by(ways)),
        items: vec![at],
        ..Line::default()
    };
    let lines: Vec<Line> = all.iter().enumerate().map(line).collect();
    let page = first(&title, &lines, context.room, "name or namespace");
    let items: Vec<Value> = page.items.iter().map(|at| json!({"who": all[*at].0, "by": all[*at].1})).collect();
    Answer::new(page.text, json!({"items": items, "total": found.len()}))
}
