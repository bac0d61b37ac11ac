//! `midwatch mcp`: the tools on standard input and output, for an agent on this machine.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::sync::Arc;

use clap::Args;
use diagnose::collect::Prometheus;
use tools::{ContextName, Hands, OnlyReading, Server, Settings};

use super::LangArg;
use super::source::{ClusterArgs, Opened};
use crate::mcp::{Clusters, Hub, Toolset, caller};
use crate::people;
use crate::prometheus::Answers;
use crate::store;

#[derive(Debug, Args)]
pub struct Mcp {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Neither list nor run tools that propose changes
    #[arg(long)]
    read_only: bool,
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
        let server = Server::new(self.hands()?, settings).map_err(anyhow::Error::msg)?;
        let person = people::at_terminal(store::now());
        tools::serve_stdio(server.of(caller(&person))).await.map_err(anyhow::Error::msg)?;
        Ok(0)
    }

    /// No cluster in reach is no reason not to start: the tools say what is missing when they are called.
    fn hands(&self) -> anyhow::Result<Arc<dyn Hands>> {
        let limits = super::source::one_shot();
        if self.cluster.replay.is_some() {
            return Ok(Arc::new(recorded(self.cluster.open(&limits)?)));
        }
        let asked = self.cluster.prometheus.as_deref().map(Answers::live).transpose()?;
        let prometheus = asked.map(|answers| Arc::new(answers) as Arc<dyn Prometheus>);
        let clusters = Clusters::of(self.cluster.source(), limits);
        Ok(Arc::new(Hub { clusters, prometheus, desk: None, impersonate: false }))
    }
}

fn recorded(opened: Opened) -> OnlyReading {
    let Opened { cluster, now, prometheus } = opened;
    let (name, server, namespace) = (cluster.name.clone(), cluster.server.clone(), cluster.namespace.clone());
    OnlyReading {
        contexts: vec![ContextName { name, server, namespace, current: true }],
        prometheus: prometheus.map(|answers| Arc::new(answers) as Arc<dyn Prometheus>),
        cluster: Ok(cluster),
        time: Some(now),
    }
}
