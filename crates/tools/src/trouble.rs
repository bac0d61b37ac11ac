//! Why a call has no answer, in words that say what to do next.

use cluster::Fault;

use crate::hands::Proposed;

#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    #[error("argument {argument}: {why}")]
    Unreadable { argument: String, why: String },
    #[error("{what} was not found{}", near_names(.near))]
    NotFound { what: String, near: Vec<String> },
    #[error("not allowed: {}. Ask the cluster's administrator for this right", right(.verb, .resource, .namespace.as_deref()))]
    Forbidden { verb: String, resource: String, namespace: Option<String> },
    #[error("{0}")]
    NoCluster(String),
    /// Something that has to be set up first; both parts are whole sentences.
    #[error("{what} {how}")]
    Missing { what: String, how: String },
    /// A person has to say yes first. No failure: the server tells the client where.
    #[error("{}", .0.words())]
    Approval(Box<Proposed>),
    /// Refused by the policy or by a limit; the reason is a whole sentence.
    #[error("{0}")]
    Refused(String),
    #[error("the API server answered {code}: {message}")]
    Cluster { code: u16, message: String },
    #[error("the cluster does not answer: {0}")]
    Unreachable(String),
    #[error("cancelled")]
    Cancelled,
}

fn near_names(near: &[String]) -> String {
    match near {
        [] => String::new(),
        names => format!("; near names: {}", names.join(", ")),
    }
}

fn right(verb: &str, resource: &str, namespace: Option<&str>) -> String {
    match namespace {
        Some(namespace) => format!("the right to {verb} {resource} in namespace {namespace} is missing"),
        None => format!("the right to {verb} {resource} in the whole cluster is missing"),
    }
}

impl Trouble {
    pub fn unreadable(argument: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Unreadable { argument: argument.into(), why: why.into() }
    }

    /// What the API server's answer to one request means: `verb` and `resource` name the request.
    pub fn from_kube(error: kube::Error, verb: &str, resource: &str, namespace: Option<&str>) -> Self {
        let status = match error {
            kube::Error::Api(status) => status,
            other if never_left(&other) => return Self::Refused(cluster::reason(&other)),
            other => return Self::Unreachable(cluster::reason(&other)),
        };
        match status.code {
            403 => Self::Forbidden {
                verb: verb.to_owned(),
                resource: resource.to_owned(),
                namespace: namespace.map(str::to_owned),
            },
            404 => Self::NotFound { what: resource.to_owned(), near: Vec::new() },
            code => Self::Cluster { code, message: status.message.clone() },
        }
    }
}

/// Whether the gate held the request back: then nothing is wrong with the cluster.
fn never_left(error: &kube::Error) -> bool {
    let mut current: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = current {
        if let Some(fault) = error.downcast_ref::<Fault>() {
            return matches!(fault, Fault::Refused { .. } | Fault::NeedsLeave { .. });
        }
        current = error.source();
    }
    false
}
