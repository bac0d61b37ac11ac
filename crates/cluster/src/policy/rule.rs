//! One rule, read: what it is about, and whether a request is that.

use serde_json::{Value, json};

use super::Asked;
use super::file::{self, Match};
use super::terms::Terms;
use super::when::Condition;
use crate::canonical::{Request, Verb};
use crate::class::{Class, Kind};
use crate::glob;

#[derive(Debug, Clone)]
pub struct Rule {
    pub kind: Effective,
    pub about: About,
    pub line: usize,
    pub reason: Option<String>,
}

#[derive(Debug, Clone)]
pub enum Effective {
    Deny,
    Approve(Asks),
    Allow,
}

/// The terms that a rule names; the class says the rest.
#[derive(Debug, Clone, Default)]
pub struct Asks {
    pub quorum: Option<u32>,
    pub distinct: Option<bool>,
    pub reauth: Option<u64>,
    pub hold: Option<u64>,
    pub ttl: Option<u64>,
    pub users: Option<Vec<String>>,
}

impl Asks {
    pub fn of(rule: &file::Approve) -> Self {
        Self {
            quorum: rule.quorum,
            distinct: rule.distinct_from_requester,
            reauth: rule.reauth.map(|span| span.0),
            hold: rule.hold.map(|span| span.0),
            ttl: rule.ttl.map(|span| span.0),
            users: rule.users.as_ref().map(|users| users.0.clone()),
        }
    }

    pub fn terms(&self, class: Class, protected: bool) -> Terms {
        let usual = Terms::of(class, protected);
        // What the class demands of a protected place no rule takes away.
        let least = if protected { usual.quorum } else { 1 };
        Terms {
            quorum: self.quorum.unwrap_or(usual.quorum).max(least),
            distinct_from_requester: self.distinct.unwrap_or(usual.distinct_from_requester) || least > 1,
            reauth: self.reauth.or(usual.reauth),
            hold: self.hold.unwrap_or(usual.hold),
            ttl: self.ttl.unwrap_or(usual.ttl),
            users: self.users.iter().cloned().collect(),
        }
    }
}

/// What a rule is about. None fits everything.
#[derive(Debug, Clone, Default)]
pub struct About {
    classes: Option<Vec<Class>>,
    verbs: Option<Vec<Verb>>,
    resources: Option<Vec<String>>,
    namespaces: Option<Vec<String>>,
    names: Option<Vec<String>>,
    users: Option<Vec<String>>,
    when: Option<Condition>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    Yes,
    No,
    /// The condition could not be evaluated.
    Unsure(String),
}

impl About {
    pub fn of(rule: Match, when: Option<Condition>) -> Self {
        Self {
            classes: rule.class.map(|list| list.0),
            verbs: rule.verbs.map(|list| list.0),
            resources: rule.resources.map(|list| list.0),
            namespaces: rule.namespaces.map(|list| list.0),
            names: rule.names.map(|list| list.0),
            users: rule.users.map(|list| list.0),
            when,
        }
    }

    /// `wide`: what is not bound to one namespace or name counts as in each of them, as a deny has to see it.
    pub fn fits(&self, asked: &Asked<'_>, now: &Value, wide: bool) -> Fit {
        let request = asked.request;
        let plain = self.classes.as_ref().is_none_or(|classes| classes.contains(&asked.classified.class))
            && self.verbs.as_ref().is_none_or(|verbs| verbs.contains(&request.verb))
            && self.resources.as_ref().is_none_or(|patterns| resource(patterns, request))
            && self.namespaces.as_ref().is_none_or(|patterns| namespace(patterns, request, wide))
            && self.names.as_ref().is_none_or(|patterns| name(patterns, request, wide))
            && self.users.as_ref().is_none_or(|names| names.iter().any(|name| asked.identity.matches(name)));
        if !plain {
            return Fit::No;
        }
        let Some(condition) = &self.when else {
            return Fit::Yes;
        };
        match condition.holds(&variables(asked, now).each_ref().map(|(name, value)| (*name, value))) {
            Ok(true) => Fit::Yes,
            Ok(false) => Fit::No,
            Err(why) => Fit::Unsure(why),
        }
    }
}

fn resource(patterns: &[String], request: &Request) -> bool {
    let kind = Kind::of(request);
    let mut names = Vec::new();
    for (group, resource) in [(kind.group, kind.resource), (&request.group, &request.resource)] {
        let full = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
        for name in [resource.to_owned(), full] {
            if let Some(below) = &request.subresource {
                names.push(format!("{name}/{below}"));
            }
            names.push(name);
        }
    }
    patterns.iter().any(|pattern| names.iter().any(|name| glob::matches(pattern, name)))
}

fn namespace(patterns: &[String], request: &Request, wide: bool) -> bool {
    match request.within() {
        Some(namespace) => patterns.iter().any(|pattern| glob::matches(pattern, namespace)),
        // A list over all namespaces has in it what lies in each.
        None => wide && !Kind::of(request).cluster_scoped(),
    }
}

fn name(patterns: &[String], request: &Request, wide: bool) -> bool {
    let in_body = || request.body.as_ref().and_then(|body| body["metadata"]["name"].as_str());
    match request.name.as_deref().or_else(in_body) {
        Some(name) => patterns.iter().any(|pattern| glob::matches(pattern, name)),
        None => wide,
    }
}

fn variables(asked: &Asked<'_>, now: &Value) -> [(&'static str, Value); 4] {
    let request = asked.request;
    let object = match (asked.live, request.verb) {
        (Some(live), _) => live.clone(),
        (None, Verb::Create | Verb::Apply | Verb::Update) => request.body.clone().unwrap_or_default(),
        (None, _) => json!({"metadata": {"name": request.name, "namespace": request.namespace}}),
    };
    let asks = json!({
        "verb": request.verb.as_str(), "group": request.group, "version": request.version,
        "resource": request.resource, "subresource": request.subresource, "namespace": request.namespace,
        "name": request.name, "class": asked.classified.class.as_str(), "body": request.body,
        "query": request.query});
    let user =
        json!({"name": asked.identity.user(), "groups": asked.identity.groups(), "extra": asked.identity.extra()});
    [("object", object), ("request", asks), ("user", user), ("now", now.clone())]
}
