//! The clusters that tools may reach: one, or every context of a kubeconfig.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use cluster::{Choice, Cluster, Limits, Source};
use tools::ContextName;

pub struct Clusters {
    source: Source,
    limits: Limits,
    /// What is used when no context is named; an error says what is missing.
    usual: Result<Cluster, String>,
    choices: Vec<Choice>,
    opened: Mutex<HashMap<String, Cluster>>,
}

impl Clusters {
    /// Every context of the kubeconfig, opened when it is first asked for.
    pub fn of(source: Source, limits: Limits) -> Self {
        let usual = cluster::open(&source, &limits).map_err(|error| error.to_string());
        let choices = cluster::choices(&source);
        Self { source, limits, usual, choices, opened: Mutex::default() }
    }

    /// This cluster and no other.
    pub fn only(usual: Result<Cluster, String>) -> Self {
        let (source, limits) = (Source::Default, Limits::default());
        Self { source, limits, usual, choices: Vec::new(), opened: Mutex::default() }
    }

    pub fn names(&self) -> Vec<ContextName> {
        if let ([], Ok(one)) = (self.choices.as_slice(), &self.usual) {
            let (name, server, namespace) = (one.name.clone(), one.server.clone(), one.namespace.clone());
            return vec![ContextName { name, server, namespace, current: true }];
        }
        let choices = self.choices.iter().cloned();
        choices
            .map(|Choice { name, server, namespace, current }| ContextName { name, server, namespace, current })
            .collect()
    }

    pub fn get(&self, context: Option<&str>) -> Result<Cluster, String> {
        let usual = self.usual.as_ref().ok().map(|cluster| cluster.name.as_str());
        let Some(name) = context.filter(|name| Some(*name) != usual) else { return self.usual.clone() };
        if !self.choices.iter().any(|choice| choice.name == name) {
            let known: Vec<String> = self.names().into_iter().map(|context| context.name).collect();
            return Err(format!("there is no context {name}; the contexts are: {}", known.join(", ")));
        }
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cluster) = opened.get(name) {
            return Ok(cluster.clone());
        }
        let path = match &self.source {
            Source::Kubeconfig { path, .. } => path.clone(),
            Source::Default | Source::InCluster | Source::Server(_) => None,
        };
        let source = Source::Kubeconfig { path, context: Some(name.to_owned()) };
        let cluster = cluster::open(&source, &self.limits).map_err(|error| error.to_string())?;
        opened.insert(name.to_owned(), cluster.clone());
        Ok(cluster)
    }
}
