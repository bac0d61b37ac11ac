//! How far a request reaches: read, sensitive read, reversible write, destructive, exec-like, never.

mod change;
mod image;
mod kind;
mod metadata;
mod never;
mod read;
mod reversible;
mod run;
mod write;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::{Request, Verb};
use crate::glob;
use change::Changes;

pub use kind::Kind;
pub use never::never;

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

    pub fn meaning(self) -> &'static str {
        match self {
            Self::R => "read",
            Self::S => "sensitive read",
            Self::W => "reversible write",
            Self::D => "destructive or hard to undo",
            Self::X => "opens a way to run programs",
            Self::N => "never through Midwatch",
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scope {
    /// Namespaces, as patterns, in which more counts as sensitive or destructive.
    pub protected_namespaces: Vec<String>,
    /// Labels, as `(key, value)`, that protect an object like such a namespace.
    pub protected_labels: Vec<(String, String)>,
    /// Namespaces, as patterns, in which Midwatch itself lives.
    pub own_namespaces: Vec<String>,
    /// Beginnings of image names that may be deployed besides newer images of the same repository.
    pub registries: Vec<String>,
    /// Replicas that a reversible change may set.
    pub replicas: std::ops::RangeInclusive<u64>,
}

impl Default for Scope {
    fn default() -> Self {
        Self {
            protected_namespaces: vec!["kube-*".to_owned()],
            protected_labels: Vec::new(),
            own_namespaces: vec!["midwatch".to_owned()],
            registries: Vec::new(),
            replicas: 1..=100,
        }
    }
}

/// The class by what is protected when no policy says otherwise.
pub fn classify(request: &Request, live: Option<&Value>, after: Option<&Value>) -> Classified {
    Scope::default().classify(request, &Seen { live, after, revisions: &[] })
}

impl Scope {
    /// Pure and total. What is not known to be harmless counts as destructive.
    pub fn classify(&self, request: &Request, seen: &Seen<'_>) -> Classified {
        let request = request.normal();
        let case = Case {
            scope: self,
            kind: Kind::of(&request),
            below: request.subresource.as_deref().and_then(|below| below.split('/').next()),
            changes: Changes::of(&request, seen),
            request: &request,
            seen: *seen,
        };
        let mut verdict = Verdict::default();
        run::judge(&case, &mut verdict);
        match request.verb {
            Verb::Get | Verb::List | Verb::Watch => read::judge(&case, &mut verdict),
            Verb::Create
            | Verb::Update
            | Verb::Patch
            | Verb::Apply
            | Verb::Delete
            | Verb::DeleteCollection
            | Verb::Connect => {
                never::judge(&case, &mut verdict);
                write::judge(&case, &mut verdict);
            }
        }
        verdict.done()
    }

    pub fn protects_namespace(&self, namespace: &str) -> bool {
        self.protected_namespaces.iter().any(|pattern| glob::matches(pattern, namespace))
    }

    fn owns_namespace(&self, namespace: &str) -> bool {
        self.own_namespaces.iter().any(|pattern| glob::matches(pattern, namespace))
    }

    pub(crate) fn protects_labels_of(&self, object: &Value) -> bool {
        self.protected_labels.iter().any(|(key, value)| object["metadata"]["labels"][key] == value.as_str())
    }
}

/// One request with everything that the rules look at.
struct Case<'a> {
    scope: &'a Scope,
    request: &'a Request,
    kind: Kind<'a>,
    /// The first part of the subresource.
    below: Option<&'a str>,
    changes: Changes,
    seen: Seen<'a>,
}

impl Case<'_> {
    /// Whether it touches something that the policy protects.
    fn protected(&self) -> bool {
        let objects = [self.seen.live, self.seen.after, self.request.body.as_ref()];
        self.request.within().is_some_and(|namespace| self.scope.protects_namespace(namespace))
            || objects.into_iter().flatten().any(|object| self.scope.protects_labels_of(object))
    }

    fn verb(&self) -> Verb {
        self.request.verb
    }

    fn query(&self, name: &str) -> Option<&str> {
        self.request.query.get(name).and_then(|values| values.last()).map(String::as_str)
    }
}

/// Collects what applies; the largest class counts.
#[derive(Default)]
struct Verdict {
    found: Vec<(Class, &'static str)>,
}

impl Verdict {
    fn add(&mut self, class: Class, why: &'static str) {
        if !self.found.contains(&(class, why)) {
            self.found.push((class, why));
        }
    }

    fn add_if(&mut self, applies: bool, class: Class, why: &'static str) {
        if applies {
            self.add(class, why);
        }
    }

    fn done(self) -> Classified {
        let class = self.found.iter().map(|(class, _)| *class).max().unwrap_or(Class::D);
        let why = self.found.into_iter().filter(|(found, _)| *found == class).map(|(_, why)| why).collect();
        Classified { class, why }
    }
}
