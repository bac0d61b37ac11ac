//! Asking the API server in a person's name: whom the account may be, and whether the cluster bounds what it may do so.

use std::collections::BTreeSet;

use cluster::Cluster;
use serde_json::{Value, json};

use super::cluster::may;
use super::{Line, bad, good, note};
use crate::app::open_store;
use crate::config::Config;
use crate::store::people;

/// A name that the API server knows as `users` or `groups`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Subject {
    resource: &'static str,
    name: String,
}

pub async fn check(cluster: &Cluster, config: &Config) -> Vec<Line> {
    if !config.people.impersonate {
        return Vec::new();
    }
    let mut lines = Vec::new();
    for subject in subjects(config).await {
        let bounded = may(cluster, &attributes(&subject, "authentication.k8s.io", "impersonate:user-info")).await;
        let free = may(cluster, &attributes(&subject, "", "impersonate")).await;
        match (bounded, free) {
            (Ok(bounded), Ok(free)) => lines.push(judged(&subject, bounded, free)),
            (Err(why), _) | (_, Err(why)) => {
                return vec![note(
                    format!("代为请求：无法询问（{why}）"),
                    format!("on behalf of people: the rights cannot be asked for ({why})"),
                )];
            }
        }
    }
    if lines.is_empty() {
        lines.push(note(
            "代为请求：没有本地用户；OIDC 的用户和组需写进 operator overlay",
            "on behalf of people: there is no local user; users and groups of OIDC have to be named in the operator overlay",
        ));
    }
    lines
}

fn attributes(subject: &Subject, group: &str, verb: &str) -> Value {
    json!({"verb": verb, "group": group, "resource": subject.resource, "name": subject.name})
}

/// Everybody who can be known without asking a provider, with their groups.
async fn subjects(config: &Config) -> BTreeSet<Subject> {
    let user = |name: &str| Subject { resource: "users", name: name.to_owned() };
    let group = |name: &String| Subject { resource: "groups", name: name.clone() };
    let mut all = BTreeSet::new();
    for token in &config.people.tokens {
        all.insert(user(&token.user));
        all.extend(token.groups.iter().map(group));
    }
    if !config.store_settings().path.exists() {
        return all;
    }
    // a store that cannot be read is told of elsewhere
    let Ok(store) = open_store(config).await else { return all };
    for one in people::users(store.read()).await.unwrap_or_default().iter().filter(|one| !one.disabled) {
        all.insert(user(&one.name));
        all.extend(serde_json::from_str::<Vec<String>>(&one.groups).unwrap_or_default().iter().map(group));
    }
    store.close().await;
    all
}

fn judged(subject: &Subject, bounded: bool, free: bool) -> Line {
    let Subject { resource, name } = subject;
    let kind = resource.trim_end_matches('s');
    match (bounded, free) {
        (true, false) => good(
            format!("代为请求：可以以 {name}（{kind}）的身份，受角色限制"),
            format!("on behalf of people: {kind} {name}, bounded by a role"),
        ),
        (_, true) => note(
            format!(
                "代为请求：可以以 {name}（{kind}）的身份做其能做的一切；Kubernetes 1.36 起可用 operator-constrained overlay 限制"
            ),
            format!(
                "on behalf of people: {kind} {name}, with all that they may do; from Kubernetes 1.36 on the overlay operator-constrained bounds it"
            ),
        ),
        (false, false) => bad(
            format!("代为请求：不能以 {name}（{kind}）的身份：请写进 operator overlay"),
            format!("on behalf of people: {kind} {name} may not be impersonated: name them in the operator overlay"),
        ),
    }
}
