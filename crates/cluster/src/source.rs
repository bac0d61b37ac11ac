//! Finds out which cluster is meant: kubeconfig, in-cluster account, or an address.

use std::path::{Path, PathBuf};

use http::Uri;
use kube::{
    Config,
    config::{KubeConfigOptions, Kubeconfig},
};

use crate::error::Error;

/// Where the cluster's address and credentials come from.
#[derive(Debug, Clone, Default)]
pub enum Source {
    /// The current context of the default kubeconfig; without one, the account of the pod we run in.
    #[default]
    Default,
    Kubeconfig {
        path: Option<PathBuf>,
        context: Option<String>,
    },
    InCluster,
    /// An address without credentials: a recorded cluster being served.
    Server(String),
}

/// A configuration and the name people know it by.
pub struct Found {
    pub name: String,
    pub config: Config,
    /// The configuration itself acts as somebody else.
    pub impersonates: bool,
}

/// A context that could be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub name: String,
    pub server: String,
    pub namespace: String,
    /// The one that is used when none is named.
    pub current: bool,
}

/// The contexts of the kubeconfig that this source reads, by name. None where no kubeconfig is read.
pub fn choices(source: &Source) -> Vec<Choice> {
    let files = match source {
        Source::Default => Surroundings::from_environment().candidates(),
        Source::Kubeconfig { path: Some(path), .. } => vec![path.clone()],
        Source::Kubeconfig { path: None, .. } => Surroundings::from_environment().candidates(),
        Source::InCluster | Source::Server(_) => Vec::new(),
    };
    let read = files.iter().filter(|path| path.exists()).map(Kubeconfig::read_from);
    // what cannot be read is said by `find`, with its reason
    let merged = read.filter_map(Result::ok).try_fold(Kubeconfig::default(), |all, next| all.merge(next));
    let kubeconfig = merged.unwrap_or_default();
    let chosen = match source {
        Source::Kubeconfig { context: Some(context), .. } => Some(context.clone()),
        Source::Default | Source::Kubeconfig { .. } | Source::InCluster | Source::Server(_) => {
            kubeconfig.current_context.clone()
        }
    };
    let mut choices: Vec<Choice> = kubeconfig
        .contexts
        .iter()
        .map(|named| {
            let context = named.context.as_ref();
            let cluster = context.map(|context| context.cluster.as_str());
            let cluster = kubeconfig.clusters.iter().find(|one| Some(one.name.as_str()) == cluster);
            let server = cluster.and_then(|one| one.cluster.as_ref()?.server.as_deref());
            let server = server.and_then(|server| server.parse().ok()).map(|uri| without_credentials(&uri));
            Choice {
                current: chosen.as_deref() == Some(named.name.as_str()),
                name: named.name.clone(),
                server: server.unwrap_or_default(),
                namespace: context.and_then(|c| c.namespace.clone()).unwrap_or_else(|| "default".to_owned()),
            }
        })
        .collect();
    choices.sort_by(|a, b| a.name.cmp(&b.name));
    choices
}

/// What the environment says about clusters, read once at the edge.
pub struct Surroundings {
    kubeconfig: Vec<PathBuf>,
    home: Option<PathBuf>,
    in_cluster: bool,
    /// A variable with which kube would act as somebody else in every request.
    debug: Option<String>,
}

impl Surroundings {
    pub fn from_environment() -> Self {
        let list = std::env::var_os("KUBECONFIG").unwrap_or_default();
        Self {
            kubeconfig: std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect(),
            home: std::env::home_dir(),
            in_cluster: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some(),
            debug: std::env::vars_os()
                .filter_map(|(name, _)| name.into_string().ok())
                .find(|name| name.starts_with("KUBE_RS_DEBUG_IMPERSONATE_")),
        }
    }

    /// The default kubeconfig files, whether they exist or not.
    fn candidates(&self) -> Vec<PathBuf> {
        if !self.kubeconfig.is_empty() {
            return self.kubeconfig.clone();
        }
        self.home.iter().map(|home| home.join(".kube").join("config")).collect()
    }
}

pub fn find(source: &Source, surroundings: &Surroundings) -> Result<Found, Error> {
    if let Some(name) = &surroundings.debug {
        return Err(Error::DebugVariable(name.clone()));
    }
    let mut found = match source {
        Source::Default => default(surroundings),
        Source::Kubeconfig { path: Some(path), context } => named(path, context.as_deref()),
        Source::Kubeconfig { path: None, context } => from_files(&surroundings.candidates(), context.as_deref()),
        Source::InCluster => in_cluster(),
        Source::Server(address) => server(address),
    }?;
    // The gate retries within the time-out; kube's own retry would wait for minutes.
    found.config.default_retry = false;
    Ok(found)
}

fn found(name: String, config: Config) -> Found {
    let auth = &config.auth_info;
    let impersonates = auth.impersonate.is_some()
        || auth.impersonate_uid.is_some()
        || auth.impersonate_groups.as_ref().is_some_and(|groups| !groups.is_empty())
        || auth.impersonate_user_extra.as_ref().is_some_and(|extra| !extra.is_empty());
    Found { name, config, impersonates }
}

fn default(surroundings: &Surroundings) -> Result<Found, Error> {
    let candidates = surroundings.candidates();
    if candidates.iter().any(|path| path.exists()) {
        return from_files(&candidates, None);
    }
    if surroundings.in_cluster {
        return in_cluster();
    }
    Err(no_cluster(&candidates))
}

fn no_cluster(candidates: &[PathBuf]) -> Error {
    let files = if candidates.is_empty() {
        "the home directory is not known".to_owned()
    } else {
        format!("no kubeconfig at {}", listed(candidates))
    };
    Error::NoCluster { looked: format!("{files}, and this is not a pod (KUBERNETES_SERVICE_HOST is not set)") }
}

fn named(path: &Path, context: Option<&str>) -> Result<Found, Error> {
    if !path.exists() {
        return Err(Error::KubeconfigMissing(path.to_owned()));
    }
    from_files(&[path.to_owned()], context)
}

/// Merges the files that exist, as kubectl does; the first one to set a value wins.
fn from_files(paths: &[PathBuf], context: Option<&str>) -> Result<Found, Error> {
    let existing: Vec<PathBuf> = paths.iter().filter(|path| path.exists()).cloned().collect();
    if existing.is_empty() {
        return Err(no_cluster(paths));
    }
    let shown = listed(&existing);
    let merged = existing.iter().try_fold(Kubeconfig::default(), |merged, path| {
        let next = Kubeconfig::read_from(path).map_err(|error| (path, error.to_string()))?;
        merged.merge(next).map_err(|error| (path, error.to_string()))
    });
    let kubeconfig =
        merged.map_err(|(path, why)| Error::KubeconfigInvalid { path: path.display().to_string(), why })?;
    let known: Vec<&str> = kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect();
    let list = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    let current = kubeconfig.current_context.as_deref().filter(|name| !name.is_empty());
    let Some(name) = context.or(current).map(str::to_owned) else {
        return Err(Error::ContextUnset { path: shown, known: list });
    };
    if !known.contains(&name.as_str()) {
        return Err(Error::ContextUnknown { context: name, path: shown, known: list });
    }
    let options = KubeConfigOptions { context: Some(name.clone()), ..KubeConfigOptions::default() };
    // The call is async by its signature only; it reads files.
    let config = futures::executor::block_on(Config::from_custom_kubeconfig(kubeconfig, &options))
        .map_err(|error| Error::KubeconfigInvalid { path: shown, why: error.to_string() })?;
    Ok(found(name, config))
}

fn in_cluster() -> Result<Found, Error> {
    let config = Config::incluster().map_err(|error| Error::NotInCluster(error.to_string()))?;
    Ok(found("in-cluster".to_owned(), config))
}

fn server(address: &str) -> Result<Found, Error> {
    // What stands before an `@` may be a password, and the message goes to logs.
    let shown = address.rsplit('@').next().unwrap_or_default().to_owned();
    let invalid = |why| Error::ServerInvalid { address: shown.clone(), why };
    let uri: Uri = address.parse().map_err(|_| invalid("it is not a URL such as http://127.0.0.1:8001"))?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(invalid("it has to start with http:// or https://"));
    }
    let Some(authority) = uri.authority() else {
        return Err(invalid("it names no host"));
    };
    if authority.as_str().contains('@') {
        return Err(invalid("credentials do not belong into the address; use a kubeconfig"));
    }
    Ok(found(authority.to_string(), Config::new(uri)))
}

/// The address as it may be shown.
pub fn without_credentials(uri: &Uri) -> String {
    let shown = uri.to_string();
    let shown = match (uri.scheme_str(), uri.authority()) {
        (Some(scheme), Some(authority)) => {
            let host = authority.as_str().rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{}", uri.path())
        }
        _ => shown,
    };
    shown.trim_end_matches('/').to_owned()
}

fn listed(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn a_variable_that_would_act_as_somebody_else_is_refused() {
        let debug = Some("KUBE_RS_DEBUG_IMPERSONATE_USER".to_owned());
        let surroundings = Surroundings { kubeconfig: Vec::new(), home: None, in_cluster: true, debug };
        for source in [Source::Default, Source::InCluster, Source::Server("http://127.0.0.1:1".to_owned())] {
            assert!(matches!(find(&source, &surroundings), Err(Error::DebugVariable(_))));
        }
    }

    #[test]
    fn without_any_configuration_the_error_says_where_it_looked() {
        let home = tempfile::tempdir().unwrap();
        let nothing =
            Surroundings { kubeconfig: Vec::new(), home: Some(home.path().to_owned()), in_cluster: false, debug: None };
        let error = find(&Source::Default, &nothing).err().unwrap().to_string();
        assert!(error.contains(".kube/config") && error.contains("KUBERNETES_SERVICE_HOST"), "{error}");

        let listed = Surroundings {
            kubeconfig: vec!["/nonexistent/a".into(), "/nonexistent/b".into()],
            home: None,
            in_cluster: false,
            debug: None,
        };
        let error = find(&Source::Default, &listed).err().unwrap().to_string();
        assert!(error.contains("/nonexistent/a, /nonexistent/b"), "{error}");
    }

    #[test]
    fn a_pod_without_a_token_is_told_so() {
        let pod = Surroundings { kubeconfig: Vec::new(), home: None, in_cluster: true, debug: None };
        let error = find(&Source::Default, &pod).err().unwrap();
        assert!(matches!(error, Error::NotInCluster(_)), "{error}");
    }

    #[test]
    fn files_are_merged_and_missing_ones_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("a"), folder.path().join("b"));
        std::fs::write(
            &first,
            "current-context: blue\nclusters:\n- name: c\n  cluster: {server: 'https://u:p@x.example/k8s/'}\n",
        )
        .unwrap();
        std::fs::write(&second, "contexts:\n- name: blue\n  context: {cluster: c, user: u}\n").unwrap();
        let files = Surroundings {
            kubeconfig: vec![first, folder.path().join("gone"), second],
            home: None,
            in_cluster: true,
            debug: None,
        };
        let found = find(&Source::Default, &files).unwrap();
        assert_eq!(found.name, "blue");
        assert!(!found.config.default_retry);
        assert_eq!(without_credentials(&found.config.cluster_url), "https://x.example/k8s");
    }
}
