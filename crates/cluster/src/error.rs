//! What can go wrong, in words that say who has to act.

use std::{error::Error as StdError, path::PathBuf, time::Duration};

use tower::BoxError;

/// Why there is no cluster to read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no cluster to read: {looked}. Give --context or --server, or set KUBECONFIG")]
    NoCluster { looked: String },
    #[error("no kubeconfig at {0}: check the path, or leave it out to use the default one")]
    KubeconfigMissing(PathBuf),
    #[error("kubeconfig {path} cannot be used: {why}")]
    KubeconfigInvalid { path: String, why: String },
    #[error("context {context:?} is not in kubeconfig {path}; its contexts are: {known}")]
    ContextUnknown { context: String, path: String, known: String },
    #[error("kubeconfig {path} names no current context; choose one of: {known}")]
    ContextUnset { path: String, known: String },
    #[error("not inside a cluster: {0}. The pod needs a service account with its token mounted")]
    NotInCluster(String),
    #[error("server address {address:?} cannot be used: {why}")]
    ServerInvalid { address: String, why: &'static str },
    #[error(
        "credentials for {server} could not be obtained: {why}. Log in again, or repair the user in the kubeconfig"
    )]
    Credentials { server: String, why: String },
    #[error("{server} cannot be reached: {why}. Check the address, the network and the proxy")]
    Unreachable { server: String, why: String },
    #[error(
        "the certificate of {server} is not accepted: {why}. Check certificate-authority and the server's name in the kubeconfig"
    )]
    Certificate { server: String, why: String },
    #[error(
        "{server} answered 401: the credentials are not accepted (expired or revoked). Log in again or renew the token"
    )]
    Unauthorized { server: String },
    #[error("the variable {0} is set: it would make every request act as somebody else. Unset it")]
    DebugVariable(String),
    #[error("{server} does not answer like a Kubernetes API server: {why}")]
    NotAnApiServer { server: String, why: String },
}

impl Error {
    pub(crate) fn from_kube(server: &str, error: &(dyn StdError + 'static)) -> Self {
        let server = server.to_owned();
        let why = innermost(error);
        match error.downcast_ref::<kube::Error>() {
            Some(kube::Error::Api(status)) if status.code == 401 => Self::Unauthorized { server },
            Some(kube::Error::Auth(_)) => Self::Credentials { server, why },
            Some(kube::Error::Service(_) | kube::Error::HyperError(_)) if why.contains("certificate") => {
                Self::Certificate { server, why }
            }
            Some(kube::Error::Service(_) | kube::Error::HyperError(_)) => Self::Unreachable { server, why },
            Some(kube::Error::RustlsTls(_)) => Self::Certificate { server, why },
            Some(error) => Self::NotAnApiServer { server, why: reason(error) },
            None => Self::NotAnApiServer { server, why },
        }
    }
}

/// Why the gate gave no answer. It reaches callers inside `kube::Error::Service`.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("{method} {path} was refused before it left: {why}")]
    Refused { method: http::Method, path: String, why: &'static str },
    #[error("{path} was refused before it left: {why} (class {class}), which nobody has given leave for: {denied}")]
    NeedsLeave { path: String, class: &'static str, why: &'static str, denied: String },
    #[error("{path}: no result within {limit:?} (while {step})")]
    Timeout { path: String, limit: Duration, step: &'static str },
    #[error("{path}: the stream was open for {limit:?}, the limit; open it again")]
    StreamOver { path: String, limit: Duration },
    #[error("{path}: the answer is larger than the limit of {limit} bytes; ask for less (limit, fields, tail)")]
    TooLarge { path: String, limit: usize },
    #[error("{path}: the server redirects to {to}; redirects are not followed")]
    Redirect { path: String, to: String },
    #[error("{path}: the answer was dropped because {why}: values of Secrets could not be taken out")]
    Unreadable { path: String, why: String },
    #[error("{path}: reading the answer failed: {source}")]
    Broken { path: String, source: BoxError },
    #[error("{path}: the connection failed: {}", innermost(&**source))]
    Connection { path: String, source: BoxError },
}

/// One line that says why a request gave nothing: for gaps.
pub fn reason(error: &kube::Error) -> String {
    let text = match error {
        kube::Error::Api(status) if status.message.is_empty() => format!("HTTP {}", status.code),
        kube::Error::Api(status) => format!("HTTP {}: {}", status.code, status.message),
        other => innermost(other),
    };
    // A proxy's error page may be long.
    let mut line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(300) {
        line.truncate(end);
        line.push('…');
    }
    line
}

/// The gate's own words where it spoke, else the last error of the chain: the outer ones only repeat "error sending".
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut current = error;
    loop {
        if let Some(fault) = current.downcast_ref::<Fault>() {
            return fault.to_string();
        }
        let inner = current
            .downcast_ref::<std::io::Error>()
            .and_then(|io| io.get_ref())
            .map(|inner| inner as &(dyn StdError + 'static));
        match inner.or_else(|| current.source()) {
            Some(next) => current = next,
            None => return current.to_string(),
        }
    }
}
