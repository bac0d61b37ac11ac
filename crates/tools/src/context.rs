//! What a running call has at hand.

use std::sync::Arc;

use cluster::Cluster;
use diagnose::Lang;
use diagnose::collect::Prometheus;
use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::hands::{ContextName, Hands};
use crate::scope;
use crate::trouble::Trouble;

/// Who calls. Verified by the door that let the call in, never taken from the call's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub name: String,
    pub groups: Vec<String>,
    /// What the caller's token is good for: names of `scope`.
    pub scopes: Vec<String>,
    /// The hub's own names for what they may do, and how and when they proved their name. The tools never look at these.
    pub roles: Vec<String>,
    pub method: String,
    pub since: Timestamp,
}

impl Caller {
    /// Somebody with every scope, such as the person at the terminal.
    pub fn new(name: impl Into<String>, groups: Vec<String>) -> Self {
        Self {
            name: name.into(),
            groups,
            scopes: scope::ALL.map(str::to_owned).to_vec(),
            roles: Vec::new(),
            method: String::new(),
            since: Timestamp::UNIX_EPOCH,
        }
    }

    pub fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own == scope)
    }
}

pub struct Context {
    /// Acts as the caller already. An error says what is missing.
    pub cluster: Result<Cluster, String>,
    pub contexts: Vec<ContextName>,
    pub hands: Arc<dyn Hands>,
    pub caller: Caller,
    pub prometheus: Option<Arc<dyn Prometheus>>,
    pub progress: Progress,
    /// Cancelled when the client cancels or goes away.
    pub cancel: CancellationToken,
    pub now: Timestamp,
    pub lang: Lang,
    /// How many bytes of text the answer may have. A tool that has more says what it left out.
    pub room: usize,
}

impl Context {
    pub fn cluster(&self) -> Result<&Cluster, Trouble> {
        self.cluster.as_ref().map_err(|why| Trouble::NoCluster(why.clone()))
    }
}

/// One piece of news about a call that takes long.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub done: f64,
    pub total: Option<f64>,
    pub message: String,
}

/// Tells the client how far a call is. Silent when nobody asked.
#[derive(Debug, Clone, Default)]
pub struct Progress(Option<mpsc::Sender<Step>>);

impl Progress {
    pub fn to(sender: mpsc::Sender<Step>) -> Self {
        Self(Some(sender))
    }

    /// News is dropped while the client is slow to take it: a tool never waits for a listener.
    pub fn report(&self, done: f64, total: Option<f64>, message: impl Into<String>) {
        if let Some(sender) = &self.0 {
            let _ = sender.try_send(Step { done, total, message: message.into() });
        }
    }
}
