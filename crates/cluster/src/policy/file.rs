//! What may stand in a policy file.

use schemars::JsonSchema;
use serde::Deserialize;

use super::several::Several;
use super::span::Span;
use crate::canonical::Verb;
use crate::class::Class;
use crate::limits;

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// A number of your own; count it up with each change.
    pub version: u32,
    /// Zone of the hours in `freeze` and of `now` in conditions: an IANA name such as Asia/Shanghai.
    #[serde(default = "utc")]
    pub timezone: String,
    /// Where more counts as sensitive or destructive, and a destructive write always takes two people.
    #[serde(default)]
    pub protected: Protected,
    /// Namespaces in which Midwatch itself runs: nothing there is ever changed through it.
    #[serde(default = "own")]
    pub own: Vec<String>,
    /// A deny wins over an approve, an approve over an allow; the order does not matter. Without a rule that fits,
    /// reads of class R are allowed and everything else is denied.
    pub rules: Vec<Rule>,
    #[serde(default)]
    pub limits: limits::Limits,
}

fn utc() -> String {
    "UTC".to_owned()
}

fn own() -> Vec<String> {
    vec!["midwatch".to_owned()]
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Protected {
    /// Names or patterns with `*`.
    pub namespaces: Vec<String>,
    /// Labels as `key=value`.
    pub labels: Vec<String>,
}

#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rule {
    /// Never.
    Deny(Match),
    /// After people said yes to the exact request.
    Approve(Approve),
    /// At once: only for reads.
    Allow(Match),
}

/// What a rule is about: every field that is given has to fit.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Match {
    /// Classes: R, S, W, D, X, N.
    pub class: Option<Several<Class>>,
    pub verbs: Option<Several<Verb>>,
    /// `pods`, `deployments.apps`, `pods/log`, with `*` for any text. A resource stands also for what lies below it.
    pub resources: Option<Several<String>>,
    /// Names or patterns with `*`. A Namespace object lies in itself.
    pub namespaces: Option<Several<String>>,
    /// Names of objects, or patterns with `*`.
    pub names: Option<Several<String>>,
    /// Who asks: a user's name, `group:NAME`, or a pattern with `*`.
    pub users: Option<Several<String>>,
    /// A condition in CEL over `object`, `request`, `user` and `now`. One that cannot be evaluated denies in a deny, and
    /// does not fit anywhere else.
    pub when: Option<String>,
    /// Told to whoever is stopped by it.
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Approve {
    /// Classes: W, D, X.
    pub class: Option<Several<Class>>,
    pub verbs: Option<Several<Verb>>,
    /// `pods`, `deployments.apps`, `pods/log`, with `*` for any text. A resource stands also for what lies below it.
    pub resources: Option<Several<String>>,
    /// Names or patterns with `*`. A Namespace object lies in itself.
    pub namespaces: Option<Several<String>>,
    /// Names of objects, or patterns with `*`.
    pub names: Option<Several<String>>,
    /// Who asks. Without it: everyone.
    pub requesters: Option<Several<String>>,
    /// Who may say yes: a user's name, `group:NAME`, or a pattern with `*`. Without it: everyone with the role approver.
    pub users: Option<Several<String>>,
    /// A condition in CEL over `object`, `request`, `user` and `now`.
    pub when: Option<String>,
    /// Told to those who are asked.
    pub reason: Option<String>,
    /// How many people have to say yes: 1 to 5. Default 1, for class D and X in protected namespaces 2.
    pub quorum: Option<u32>,
    /// Whether who asks may not be among them. Default no, for class D and X yes.
    pub distinct_from_requester: Option<bool>,
    /// How old a log-in may be. Default any, for class D and X 5m.
    pub reauth: Option<Span>,
    /// Time between the last yes and the execution. Default none, for class D and X 30s.
    pub hold: Option<Span>,
    /// How long a yes is good: at most 15m.
    pub ttl: Option<Span>,
}

impl Approve {
    pub fn matcher(&self) -> Match {
        Match {
            class: self.class.clone(),
            verbs: self.verbs.clone(),
            resources: self.resources.clone(),
            namespaces: self.namespaces.clone(),
            names: self.names.clone(),
            users: self.requesters.clone(),
            when: self.when.clone(),
            reason: self.reason.clone(),
        }
    }
}
