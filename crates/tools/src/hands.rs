//! What the tools need from the hub: clusters, proposals, alerts, permission, the audit.

use std::sync::Arc;

use cluster::Cluster;
use diagnose::collect::Prometheus;
use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::context::Caller;
use crate::helm::Helm;
use crate::tool::Tool;
use crate::trouble::Trouble;
use cluster::{Class, Verb};

/// A change that somebody wishes. It runs only after a person approved the exact request that the hub makes of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub context: Option<String>,
    pub verb: Verb,
    pub api_version: String,
    pub kind: String,
    /// Plural, as the API's paths have it.
    pub resource: String,
    pub namespace: Option<String>,
    pub name: Option<String>,
    pub subresource: Option<String>,
    pub query: Vec<(String, String)>,
    /// Of a patch: an object is a merge patch, a list a JSON patch.
    pub body: Option<Value>,
    /// The model's words. Shown as such, never believed.
    pub reason: Option<String>,
}

/// How far a proposal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    Waiting,
    Approved,
    Denied,
    Expired,
    Running,
    Done,
    Failed,
    /// Sent, and nobody knows yet whether it took effect.
    Unknown,
}

impl Standing {
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Approved => "approved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// A change in the hub's keeping.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposed {
    pub id: String,
    /// The page where a person who may approve it can see it in full. Carries no right of its own.
    pub url: String,
    /// How such a person does it, after "has to approve it".
    pub how: String,
    pub summary: String,
    pub standing: Standing,
    /// What came of it, once something did.
    pub outcome: Option<String>,
    pub expires: Timestamp,
}

impl Proposed {
    /// What a model is told.
    pub fn words(&self) -> String {
        let Self { id, url, how, summary, standing, outcome, expires } = self;
        let outcome = outcome.as_deref().unwrap_or_default();
        match standing {
            Standing::Waiting => format!(
                "approval needed: {id}, {url}\n{summary}\nNothing has changed yet. A person has to approve it {how} before \
                 {expires}; then ask proposal_status with id {id}."
            ),
            Standing::Approved | Standing::Running => format!("{id} is approved and under way: {summary}"),
            Standing::Denied => format!("{id} was denied, nothing has changed: {summary}. {outcome}"),
            Standing::Expired => format!("{id} expired without a decision, nothing has changed: {summary}"),
            Standing::Done => format!("{id} is done: {summary}. {outcome}"),
            Standing::Failed => format!("{id} failed: {summary}. {outcome}"),
            Standing::Unknown => format!(
                "{id} was sent and its outcome is not known: {summary}. Read the object before anything else. {outcome}"
            ),
        }
    }
}

impl Proposed {
    /// What a program is told: `data` of every answer about a proposal. A tool that can end in one requires nothing else in
    /// its output schema.
    pub fn data(&self) -> Value {
        let Self { id, url, how: _, summary, standing, outcome, expires } = self;
        json!({"proposal": {"id": id, "url": url, "summary": summary, "standing": standing.name(), "outcome": outcome,
            "expires": expires.to_string()}})
    }

    /// The output schema of a tool that only proposes.
    pub fn schema() -> Value {
        let text = json!({"type": "string"});
        json!({"type": "object", "properties": {"proposal": {"type": "object", "properties": {
            "id": text, "url": text, "summary": text, "standing": text, "outcome": {"type": ["string", "null"]}, "expires": text,
        }}}})
    }
}

/// A page of the hub's store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Document {
    Incident(String),
    Report(String),
}

/// A context of the kubeconfig.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextName {
    pub name: String,
    pub server: String,
    pub namespace: String,
    pub current: bool,
}

/// What became of a call, for the audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    Allowed,
    Refused(String),
    Cancelled,
}

/// The hub as the tools see it.
pub trait Hands: Send + Sync + 'static {
    /// The cluster of this context (None: the usual one), acting as the caller.
    fn cluster(&self, caller: &Caller, context: Option<&str>) -> Result<Cluster, String>;
    fn contexts(&self) -> Vec<ContextName>;
    fn prometheus(&self) -> Option<Arc<dyn Prometheus>>;
    /// What renders charts; None where none is configured.
    fn helm(&self) -> Option<Helm> {
        None
    }
    /// The present, or a recording's own time.
    fn now(&self) -> Timestamp;
    /// Whether this caller may use the tool at all. Decides over both, what is listed and what can be called.
    fn may_use(&self, caller: &Caller, tool: &Tool) -> bool;
    fn propose<'a>(&'a self, caller: &'a Caller, change: Change) -> BoxFuture<'a, Result<Proposed, Trouble>>;
    /// None also for what belongs to somebody else.
    fn status<'a>(&'a self, caller: &'a Caller, id: &'a str) -> BoxFuture<'a, Result<Option<Proposed>, Trouble>>;
    /// Incidents as `{"incidents": [...]}`; `firing` leaves out those that are over.
    fn alerts<'a>(&'a self, caller: &'a Caller, firing: bool) -> BoxFuture<'a, Result<Value, Trouble>>;
    fn document<'a>(&'a self, caller: &'a Caller, which: Document) -> BoxFuture<'a, Result<Option<Value>, Trouble>>;
    /// Writes one call down. An error means: a sensitive call must not happen.
    fn record<'a>(
        &'a self,
        caller: &'a Caller,
        tool: &'a Tool,
        arguments: &'a Value,
        decision: Decision,
    ) -> BoxFuture<'a, Result<(), Trouble>>;
}

/// Hands without a hub: for recordings, and for a terminal that only wants to read.
pub struct OnlyReading {
    pub cluster: Result<Cluster, String>,
    pub contexts: Vec<ContextName>,
    pub prometheus: Option<Arc<dyn Prometheus>>,
    /// A recording's own time; None reads the clock.
    pub time: Option<Timestamp>,
}

impl Hands for OnlyReading {
    fn cluster(&self, _: &Caller, context: Option<&str>) -> Result<Cluster, String> {
        let cluster = self.cluster.clone()?;
        match context {
            Some(other) if other != cluster.name => {
                Err(format!("there is only the cluster {}; leave out the argument context", cluster.name))
            }
            Some(_) | None => Ok(cluster),
        }
    }

    fn contexts(&self) -> Vec<ContextName> {
        self.contexts.clone()
    }

    fn prometheus(&self) -> Option<Arc<dyn Prometheus>> {
        self.prometheus.clone()
    }

    fn now(&self) -> Timestamp {
        self.time.unwrap_or_else(Timestamp::now)
    }

    fn may_use(&self, _: &Caller, tool: &Tool) -> bool {
        tool.class <= Class::S
    }

    fn propose<'a>(&'a self, _: &'a Caller, _: Change) -> BoxFuture<'a, Result<Proposed, Trouble>> {
        let why = "nothing can be changed here: Midwatch runs read-only, or over a recorded cluster".to_owned();
        std::future::ready(Err(Trouble::Refused(why))).boxed()
    }

    fn status<'a>(&'a self, _: &'a Caller, _: &'a str) -> BoxFuture<'a, Result<Option<Proposed>, Trouble>> {
        std::future::ready(Ok(None)).boxed()
    }

    fn alerts<'a>(&'a self, _: &'a Caller, _: bool) -> BoxFuture<'a, Result<Value, Trouble>> {
        let what = "No alerts are kept here.".to_owned();
        let how = "Start midwatch serve and connect to its /mcp, or give the alert's object to diagnose.".to_owned();
        std::future::ready(Err(Trouble::Missing { what, how })).boxed()
    }

    fn document<'a>(&'a self, _: &'a Caller, _: Document) -> BoxFuture<'a, Result<Option<Value>, Trouble>> {
        std::future::ready(Ok(None)).boxed()
    }

    fn record<'a>(
        &'a self,
        _: &'a Caller,
        _: &'a Tool,
        _: &'a Value,
        _: Decision,
    ) -> BoxFuture<'a, Result<(), Trouble>> {
        std::future::ready(Ok(())).boxed()
    }
}
