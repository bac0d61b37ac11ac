//! Which cluster, which store and which person a conversation at the terminal has.

use std::sync::Arc;

use clap::Args;
use cluster::Cluster;
use diagnose::collect::Prometheus;
use tools::{Server, Settings};

use super::LangArg;
use super::mcp::{desk, recorded, work};
use super::setup::StoreArgs;
use super::source::{ClusterArgs, Opened, one_shot};
use crate::app;
use crate::chat::known::Before;
use crate::chat::{Advisor, Room};
use crate::config::Config;
use crate::mcp::{Clusters, Hub, caller};
use crate::people;
use crate::prometheus::Answers;
use crate::store::runs::Kind;
use crate::store::{self, Store};
use crate::toolbox::Servers;

#[derive(Debug, Args)]
pub struct RoomArgs {
    #[command(flatten)]
    pub cluster: ClusterArgs,
    #[command(flatten)]
    pub store: StoreArgs,
    /// Namespace that is meant where none is said
    #[arg(short, long)]
    pub namespace: Option<String>,
    /// Language of the answers; default: that of the question
    #[arg(long, value_enum)]
    pub lang: Option<LangArg>,
    /// The model to ask, by its name in the configuration, also where rules and tools suffice; `none`: no model at all.
    /// Default: the configured ones in their order, where rules and tools do not suffice
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
}

impl RoomArgs {
    /// With a store, changes can be proposed. A `chat` also does in this process what is approved.
    pub async fn open(&self, config: &Config, store: Option<Store>, kind: Kind) -> anyhow::Result<Room> {
        let advisor = Advisor::of(config, self.model.as_deref(), kind)?;
        let advisor = advisor.map(|advisor| Advisor { store: store.clone(), ..advisor });
        let servers = store.clone().map(|store| Servers::new(config, store));
        let person = people::at_terminal(store::now());
        let before = Before { namespace: self.namespace.clone(), object: None };
        let lang = self.lang.map(Into::into);
        let settings = Settings { lang: LangArg::or_environment(self.lang).into(), ..Settings::default() };
        let server = |hands| Server::new(hands, settings).map_err(anyhow::Error::msg);
        let caller = caller(&person);
        if self.cluster.replay.is_some() {
            let opened = self.cluster.open(&one_shot())?;
            let Opened { cluster, now, prometheus } = &opened;
            let (cluster, time, prometheus) = (cluster.clone(), Some(*now), prometheus.clone());
            let server = server(Arc::new(recorded(opened)))?;
            return Ok(Room {
                cluster,
                time,
                prometheus,
                server,
                caller,
                person,
                approvals: None,
                before,
                done: None,
                lang,
                servers,
                advisor,
                past: Vec::new(),
            });
        }
        let cluster = self.live(config)?;
        let address = self.cluster.prometheus.as_ref().or(config.prometheus.as_ref().map(|p| &p.url));
        let prometheus = address.map(|url| Answers::live(url)).transpose()?;
        let desk = store.map(|store| desk(config, store, Some(cluster.clone()))).transpose()?;
        if let Some(desk) = desk.as_ref().filter(|_| kind == Kind::Chat) {
            work(desk);
        }
        let approvals = desk.as_ref().map(|desk| desk.approvals.clone());
        let hub = Hub {
            clusters: Clusters::only(Ok(cluster.clone())),
            prometheus: prometheus.clone().map(|answers| Arc::new(answers) as Arc<dyn Prometheus>),
            desk,
            impersonate: false,
        };
        let server = server(Arc::new(hub))?;
        let past = Vec::new();
        Ok(Room {
            cluster,
            time: None,
            prometheus,
            server,
            caller,
            person,
            approvals,
            before,
            done: None,
            lang,
            servers,
            advisor,
            past,
        })
    }

    /// The cluster of the flags, else the one that the configuration names.
    fn live(&self, config: &Config) -> anyhow::Result<Cluster> {
        let named =
            self.cluster.context.is_some() || self.cluster.kubeconfig.is_some() || self.cluster.server.is_some();
        let source = if named { self.cluster.source() } else { app::cluster_source(config) };
        Ok(cluster::open(&source, &one_shot())?)
    }
}
