//! How far a request reaches: read, sensitive read, reversible write, destructive, exec-like, never.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::{Request, Verb};

/// The larger one wins wherever two apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Class {
    /// Read.
    R,
    /// Sensitive read.
    S,
    /// Reversible write.
    W,
    /// Destructive, or hard to undo.
    D,
    /// Opens a way to run programs.
    X,
    /// Never through us.
    N,
}

impl Class {
    pub const ALL: [Self; 6] = [Self::R, Self::S, Self::W, Self::D, Self::X, Self::N];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::R => "R",
            Self::S => "S",
            Self::W => "W",
            Self::D => "D",
            Self::X => "X",
            Self::N => "N",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Classified {
    pub class: Class,
    /// What put it there.
    pub why: Vec<&'static str>,
}

/// What is known about the object besides the request.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen<'a> {
    /// The object as it is.
    pub live: Option<&'a Value>,
    /// What the server's dry run made of it.
    pub after: Option<&'a Value>,
    /// Earlier ReplicaSets or ControllerRevisions of the object: going back to one of them is an undo.
    pub revisions: &'a [Value],
}

/// What has to be known about a cluster to put requests into classes.
#[derive(Debug, Clone)]
pub struct Scope {
    /// Namespaces, as patterns, in which more counts as sensitive or destructive.
    pub protected_namespaces: Vec<String>,
}

impl Default for Scope {
    fn default() -> Self {
        Self { protected_namespaces: vec!["kube-*".to_owned()] }
    }
}

/// The class by what is protected when no policy says otherwise.
pub fn classify(request: &Request, live: Option<&Value>, after: Option<&Value>) -> Classified {
    Scope::default().classify(request, &Seen { live, after, revisions: &[] })
}

/// Why a request is never sent, as far as the request alone shows.
pub fn never(request: &Request) -> Option<&'static str> {
    match request.verb {
        Verb::Connect => Some("opens a channel into a workload or a node"),
        Verb::DeleteCollection => Some("deletes a whole collection"),
        Verb::Get
        | Verb::List
        | Verb::Watch
        | Verb::Create
        | Verb::Update
        | Verb::Patch
        | Verb::Apply
        | Verb::Delete => None,
    }
}

impl Scope {
    /// Pure and total.
    pub fn classify(&self, request: &Request, _seen: &Seen<'_>) -> Classified {
        if request.subresource.as_deref().is_some_and(|below| below.starts_with("proxy")) {
            return Classified { class: Class::X, why: vec!["goes through a proxy into a workload or a node"] };
        }
        let (class, why) = match request.verb {
            Verb::Connect => (Class::X, "opens a channel into a workload or a node"),
            Verb::DeleteCollection => (Class::N, "deletes a whole collection"),
            Verb::Get | Verb::List | Verb::Watch => (Class::R, "reads"),
            Verb::Create | Verb::Update | Verb::Patch | Verb::Apply | Verb::Delete => {
                (Class::D, "a write that is not known to be reversible")
            }
        };
        Classified { class, why: vec![why] }
    }
}
