//! `midwatch mcp`: the tools on standard input and output, for an agent on this machine.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use cluster::Cluster;
use diagnose::collect::Prometheus;
use serde_json::Value;
use tokio::sync::watch;
use tools::{ContextName, Hands, OnlyReading, Server, Settings};

use super::LangArg;
use super::setup::ConfigArgs;
use super::source::{ClusterArgs, Opened};
use crate::app;
use crate::approvals::Acting;
use crate::audit::Audit;
use crate::config::Config;
use crate::hands::Place;
use crate::jobs::{self, Job, Runner};
use crate::mcp::{Clusters, Desk, Hub, Toolset, caller};
use crate::people;
use crate::prometheus::Answers;
use crate::store::{self, Store};

#[derive(Debug, Args)]
pub struct Mcp {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Neither list nor run tools that propose changes
    #[arg(long)]
    read_only: bool,
    /// Configuration file with the policy, helm and the store's folder; with it changes can be proposed
    #[arg(short, long, value_name = "FILE", env = "MIDWATCH_CONFIG")]
    config: Option<PathBuf>,
    /// Keep proposals in this folder, so that changes can be proposed; say yes with `midwatch approvals ... --data-dir DIR`
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Groups of tools to offer
    #[arg(long, value_delimiter = ',', default_value = "core,config,ours")]
    toolsets: Vec<Toolset>,
    /// Text of one answer at most, in KiB
    #[arg(long, value_name = "KIB", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    max_answer: u8,
    /// Calls in a minute
    #[arg(long, value_name = "CALLS", default_value = "600")]
    rate: NonZeroU32,
    /// Language of diagnoses; default: the terminal's
    #[arg(long)]
    lang: Option<LangArg>,
}

impl Mcp {
    pub async fn run(self) -> anyhow::Result<u8> {
        let settings = Settings {
            sets: self.toolsets.iter().copied().map(tools::Set::from).collect::<BTreeSet<_>>(),
            read_only: self.read_only,
            room: usize::from(self.max_answer) << 10,
            lang: LangArg::or_environment(self.lang).into(),
            rate_per_minute: self.rate,
        };
        let server = Server::new(self.hands().await?, settings).map_err(anyhow::Error::msg)?;
        let person = people::at_terminal(store::now());
        tools::serve_stdio(server.of(caller(&person))).await.map_err(anyhow::Error::msg)?;
        Ok(0)
    }

    /// No cluster in reach is no reason not to start: the tools say what is missing when they are called.
    async fn hands(&self) -> anyhow::Result<Arc<dyn Hands>> {
        let limits = super::source::one_shot();
        if self.cluster.replay.is_some() {
            return Ok(Arc::new(recorded(self.cluster.open(&limits)?)));
        }
        let asked = self.cluster.prometheus.as_deref().map(Answers::live).transpose()?;
        let prometheus = asked.map(|answers| Arc::new(answers) as Arc<dyn Prometheus>);
        let clusters = Clusters::of(self.cluster.source(), limits);
        let desk = if self.config.is_some() || self.data_dir.is_some() {
            let config = self.configured()?;
            let store = app::open_store(&config).await?;
            let desk = desk(&config, store, clusters.get(None).ok())?;
            work(&desk);
            Some(desk)
        } else {
            None
        };
        Ok(Arc::new(Hub { clusters, prometheus, desk, impersonate: false }))
    }

    /// The file that was named, and none that happens to lie where an agent starts its servers.
    fn configured(&self) -> anyhow::Result<Config> {
        let folder = self.data_dir.as_ref().map(|folder| ("data_dir", Value::from(folder.display().to_string())));
        match &self.config {
            Some(file) => ConfigArgs { config: Some(file.clone()) }.sound(folder.as_slice()),
            None => Ok(Config { data_dir: self.data_dir.clone().unwrap_or_default(), ..Config::default() }),
        }
    }
}

/// Proposals of the person at this terminal: they run with the kubeconfig's own rights.
pub(super) fn desk(config: &Config, store: Store, cluster: Option<Cluster>) -> anyhow::Result<Desk> {
    let approvals = Arc::new(app::approvals(config, store.clone(), cluster, Acting::AsOwner)?);
    let helm = config.mcp.helm.clone().map(Into::into);
    let place = Place { base: app::base(config), terminal: Some(config.data_dir.clone()) };
    Ok(Desk { audit: Audit::new(store.clone()), store, approvals, place, helm })
}

/// Carries out in this process what is approved.
pub(super) fn work(desk: &Desk) {
    let hub = desk.approvals.clone();
    let handler = move |job: Job| {
        let hub = hub.clone();
        async move {
            match job {
                Job::Execute { proposal } => hub.execute(proposal).await,
                Job::Watch { proposal } => hub.watch(proposal).await,
                Job::Investigate { .. } | Job::Word { .. } | Job::Reconcile | Job::Sweep | Job::Prune => {
                    Err("this is a server's work".to_owned())
                }
            }
        }
    };
    let runner = Runner { only: Some(jobs::CHANGES), ..Runner::default() };
    let (stop, stopped) = watch::channel(false);
    let worked = desk.store.clone();
    tokio::spawn(async move {
        jobs::run(worked, runner, handler, stopped).await;
        // Never told to stop: it ends with the process, and a job under way is found again by the next one.
        drop(stop);
    });
}

pub(super) fn recorded(opened: Opened) -> OnlyReading {
    let Opened { cluster, now, prometheus } = opened;
    let (name, server, namespace) = (cluster.name.clone(), cluster.server.clone(), cluster.namespace.clone());
    OnlyReading {
        contexts: vec![ContextName { name, server, namespace, current: true }],
        prometheus: prometheus.map(|answers| Arc::new(answers) as Arc<dyn Prometheus>),
        cluster: Ok(cluster),
        time: Some(now),
    }
}
