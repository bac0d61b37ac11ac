//! Accounts that RBAC does not let do what their program tries, as the API server told the program.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Finding, text};
use crate::object::{Object, ObjectRef, text as string};
use crate::pattern::{Pattern, part};
use crate::rules::said::{Said, by_components, by_programs};

/// `... is forbidden: User "system:serviceaccount:NS:NAME" cannot VERB resource "R" in API group "G" in the namespace "N"`,
/// the quotes perhaps escaped by a structured log.
static DENIED: Pattern = Pattern::new(
    r#"[Uu]ser \\*"system:serviceaccount:([^:"\\]+):([^"\\]+)\\*" cannot (\w+) (?:resource \\*"([\w./-]+)\\*" in API group \\*"([\w.-]*)\\*"|path \\*"([^"\\]+)\\*"|([\w.]+(?:/\w+)?))(?: in the namespace \\*"([^"\\]*)\\*"| at the cluster scope)?"#,
);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Denial {
    account: ObjectRef,
    verb: String,
    resource: String,
    group: String,
    path: String,
    /// empty at the cluster scope
    namespace: String,
}

pub fn denied(evidence: &Evidence) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    // a creation that the API server refuses to a controller is about the same account
    let said = by_components(evidence).chain(by_programs(evidence));
    for said in said.filter(|s| s.text.contains("cannot ")) {
        let Some(denial) = parse(said.text) else { continue };
        if !seen.insert((denial.clone(), said.about.re.clone())) || now_allowed(evidence, &denial) {
            continue;
        }
        findings.push(finding(evidence, &denial, &said));
    }
    findings
}

fn parse(text: &str) -> Option<Denial> {
    let c = DENIED.captures(text)?;
    let old = part(&c, 7);
    let (resource, group) = match old.split_once('.') {
        Some((resource, group)) => (resource, group),
        None => (old, ""),
    };
    let resource = if old.is_empty() { part(&c, 4) } else { resource };
    let group = if old.is_empty() { part(&c, 5) } else { group };
    Some(Denial {
        account: ObjectRef::new("ServiceAccount", part(&c, 1), part(&c, 2)),
        verb: part(&c, 3).to_owned(),
        resource: resource.to_owned(),
        group: group.to_owned(),
        path: part(&c, 6).to_owned(),
        namespace: part(&c, 8).to_owned(),
    })
}

fn finding(evidence: &Evidence, denial: &Denial, said: &Said) -> Finding {
    let account = denial.account.path();
    let Denial { verb, resource, group, path, namespace, .. } = denial;
    let what = if path.is_empty() { resource } else { path };
    let group = if group.is_empty() { String::new() } else { format!(".{group}") };
    let (zh, en) = if namespace.is_empty() {
        ("在整个集群".to_owned(), "in the whole cluster".to_owned())
    } else {
        (format!("在命名空间 {namespace}"), format!("in namespace {namespace}"))
    };
    let root = evidence.root(said.about);
    let statement = text(
        format!("ServiceAccount {account} 没有权限{zh} {verb} {what}{group}，{} 需要它", root.re),
        format!("service account {account} may not {verb} {what}{group} {en}, and {} needs to", root.re),
    );
    let finding = Finding::new(Class::RbacDenied, &denial.account, statement)
        .cite(said.cite.clone())
        .seen_on(&said.about.re)
        .seen_on(&root.re);
    finding.fix(
        text("授予这一项权限（先确认程序确实需要）", "grant this one right, if the program is meant to have it"),
        grant(denial),
    )
}

/// A role with the one verb on the one resource, and its binding.
fn grant(denial: &Denial) -> String {
    let (sa, ns) = (&denial.account.name, &denial.account.namespace);
    let verb = &denial.verb;
    let (resource, sub) = denial.resource.split_once('/').map_or((denial.resource.as_str(), ""), |(r, s)| (r, s));
    let dotted = if denial.group.is_empty() { resource.to_owned() } else { format!("{resource}.{}", denial.group) };
    let dotted = if sub.is_empty() { dotted } else { format!("{dotted}/{sub}") };
    let what = if denial.path.is_empty() {
        format!("--resource={dotted}")
    } else {
        format!("--non-resource-url={}", denial.path)
    };
    let name = format!("{sa}-{verb}-{}", if resource.is_empty() { "path" } else { resource });
    if denial.namespace.is_empty() {
        return format!(
            "kubectl create clusterrole {name} --verb={verb} {what} && kubectl create clusterrolebinding {name} --clusterrole={name} --serviceaccount={ns}:{sa}"
        );
    }
    let at = &denial.namespace;
    format!(
        "kubectl create role {name} --verb={verb} {what} -n {at} && kubectl create rolebinding {name} --role={name} --serviceaccount={ns}:{sa} -n {at}"
    )
}

/// Whether the roles as they are now grant it: then the line is history.
fn now_allowed(evidence: &Evidence, denial: &Denial) -> bool {
    let bindings = evidence.kind("ClusterRoleBinding").chain(evidence.kind_in("RoleBinding", &denial.namespace));
    bindings.filter(|binding| binds(binding, &denial.account)).any(|binding| {
        let namespace = if binding.str("/roleRef/kind") == "Role" { binding.namespace() } else { "" };
        let role = evidence.find(binding.str("/roleRef/kind"), namespace, binding.str("/roleRef/name"));
        role.is_some_and(|role| role.list("/rules").iter().any(|rule| grants(rule, denial)))
    })
}

fn binds(binding: &Object, account: &ObjectRef) -> bool {
    binding.list("/subjects").iter().any(|subject| match string(subject, "kind") {
        "ServiceAccount" => {
            string(subject, "name") == account.name && string(subject, "namespace") == account.namespace
        }
        "Group" => {
            let group = string(subject, "name");
            group == "system:authenticated"
                || group == "system:serviceaccounts"
                || group.strip_prefix("system:serviceaccounts:") == Some(account.namespace.as_str())
        }
        "User" => string(subject, "name") == format!("system:serviceaccount:{}:{}", account.namespace, account.name),
        _ => false,
    })
}

fn grants(rule: &Value, denial: &Denial) -> bool {
    let holds = |key: &str, wanted: &str| {
        rule[key].as_array().into_iter().flatten().filter_map(Value::as_str).any(|v| v == "*" || v == wanted)
    };
    let named = rule["resourceNames"].as_array().is_some_and(|names| !names.is_empty());
    if !denial.path.is_empty() {
        return holds("verbs", &denial.verb) && holds("nonResourceURLs", &denial.path);
    }
    !named && holds("verbs", &denial.verb) && holds("resources", &denial.resource) && holds("apiGroups", &denial.group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_denial_in_plain_escaped_and_old_words() {
        let plain = r#"pods is forbidden: User "system:serviceaccount:ops:bot" cannot list resource "pods" in API group "" in the namespace "shop""#;
        let escaped = r#"err="deployments.apps is forbidden: User \"system:serviceaccount:ops:bot\" cannot watch resource \"deployments\" in API group \"apps\" at the cluster scope""#;
        let old = r#"User "system:serviceaccount:ops:bot" cannot list pods in the namespace "shop""#;
        let of = |text| parse(text).map(|d| (d.verb, d.resource, d.group, d.namespace)).unwrap();
        let four = |a: &str, b: &str, c: &str, d: &str| (a.to_owned(), b.to_owned(), c.to_owned(), d.to_owned());
        assert_eq!(of(plain), four("list", "pods", "", "shop"));
        assert_eq!(of(escaped), four("watch", "deployments", "apps", ""));
        assert_eq!(of(old), four("list", "pods", "", "shop"));
    }
}
