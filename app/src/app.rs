//! The whole program, composed in one straight line and taken down in reverse.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context;
use axum::http::Uri;
use cluster::{Cluster, Limits, PolicyFile, Source};
use diagnose::collect::Prometheus;
use futures::FutureExt;
use notify::{Channel, Console};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tools::http::Front;
use tools::{Caller, OnlyReading, Server};
use tracing::{Instrument, error, info, info_span, warn};

use crate::alerts::{IncidentView, Intake};
use crate::approvals::{Acting, Approvals, Seal};
use crate::audit::{Audit, Keeper, Signer};
use crate::config::{Config, Peers};
use crate::deliver::{Composer, Deliver, Quiet, Routes, Templates};
use crate::hands::Place;
use crate::http::{self, Doors, Http, Unready};
use crate::investigate::{Asking, Detective, Mind, Wishes};
use crate::jobs::{self, Job, Runner};
use crate::mcp::{self, Clusters, Desk, Door, Hub};
use crate::message::Voice;
use crate::people::People;
use crate::prometheus::Answers;
use crate::store::{self, Store};
use crate::toolbox::Servers;

const NO_CLUSTER: &str = "no kubeconfig and no in-cluster account was found";

pub struct App {
    pub config: Config,
    pub store: Store,
    pub intake: Intake,
    pub channels: BTreeMap<String, Channel>,
    detective: Arc<Detective>,
    mind: Option<Arc<Mind>>,
    deliver: Arc<Deliver>,
    http: Arc<Http>,
    doors: Arc<Doors>,
    mcp: Server,
    pub approvals: Arc<Approvals>,
}

impl App {
    /// Builds every part. `cluster` is None when none was found: alerts still come in and go out, without a diagnosis.
    pub async fn new(config: Config, cluster: Option<Cluster>) -> anyhow::Result<Self> {
        let store = open_store(&config).await?;
        let channels = channels(&config);
        let name = cluster.as_ref().map(|c| c.name.clone());
        let prometheus = config.prometheus.as_ref().map(|p| Answers::live(&p.url)).transpose()?;
        let composer = Arc::new(composer(&config, store.clone(), name)?);
        let routing = composer.routes.clone();
        let mind = mind(&config, store.clone(), cluster.clone(), prometheus.clone())?;
        let wishes = mind.is_some().then(|| wishes(config.model, composer.routes.clone()));
        let intake = Intake {
            store: store.clone(),
            settings: Arc::new(config.alert_settings()),
            routes: Arc::new(move |incident: &IncidentView<'_>| routing.channels(incident.labels).to_vec()),
            queue: Arc::default(),
        };
        let deliver = Deliver::new(store.clone(), composer, Quiet::new(&config.quiet_hours), config.fallback.clone())?;
        let audit = Audit::new(store.clone());
        let people = Arc::new(People::new(store.clone(), &config.people)?);
        let https = config.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
        let doors = Arc::new(Doors { people: people.clone(), audit: audit.clone(), https });
        let unready = unready(cluster.is_some());
        let http = Http::new(intake.clone(), config.http_settings()?, unready);
        let acting = if config.people.impersonate { Acting::AsPerson } else { Acting::Never };
        let approvals = Arc::new(approvals(&config, store.clone(), cluster.clone(), acting)?);
        let hub = Hub {
            clusters: Clusters::only(cluster.clone().ok_or_else(|| NO_CLUSTER.to_owned())),
            prometheus: prometheus.clone().map(|answers| Arc::new(answers) as Arc<dyn Prometheus>),
            desk: Some(Desk {
                store: store.clone(),
                audit,
                approvals: approvals.clone(),
                place: Place { base: base(&config), terminal: None },
                helm: config.mcp.helm.clone().map(Into::into),
            }),
            impersonate: config.people.impersonate,
        };
        let mcp = Server::new(Arc::new(hub), config.mcp.server(config.lang.into())).map_err(anyhow::Error::msg)?;
        let detective = Detective { store: store.clone(), cluster, prometheus, wishes };
        Ok(Self {
            store,
            intake,
            channels,
            detective: Arc::new(detective),
            mind: mind.map(Arc::new),
            deliver: Arc::new(deliver),
            http,
            doors,
            mcp,
            approvals,
            config,
        })
    }

    /// Serves until `stop` turns true, then drains: no new request, running jobs and sends finish, the store is closed.
    pub async fn serve(self, listener: TcpListener, stop: watch::Receiver<bool>) -> anyhow::Result<()> {
        let address = listener.local_addr().context("reading the listener's address")?;
        let door = door(&self.config, self.doors.people.clone(), address.ip().is_loopback()).await?;
        info!(%address, channels = ?self.channels.keys().collect::<Vec<_>>(), "serving");
        let runner =
            Runner { concurrency: self.config.incidents.concurrency, only: Some(jobs::WORK), ..Runner::default() };
        let (detective, intake) = (self.detective.clone(), self.intake.clone());
        let kept = self.config.store_settings();
        let client = http::client().context("building the HTTP client")?;
        let peers = Arc::new(Peers::new(&self.config));
        let approvals = self.approvals.clone();
        let handler = move |job: Job| {
            let (detective, intake) = (detective.clone(), intake.clone());
            let kept = kept.clone();
            let (client, peers, approvals) = (client.clone(), peers.clone(), approvals.clone());
            let work = async move {
                match job {
                    Job::Investigate { incident } => {
                        detective.investigate(incident).instrument(info_span!("incident", id = incident)).await
                    }
                    // their own workers do these: a model may take minutes
                    Job::Word { .. } => Err("no worker for words".to_owned()),
                    Job::Reconcile => {
                        let peers = peers.read()?;
                        intake.reconcile(&client, &peers, store::now()).await.map(|_| ()).map_err(|e| e.to_string())
                    }
                    Job::Execute { proposal } => approvals.execute(proposal).await,
                    Job::Watch { proposal } => approvals.watch(proposal).await,
                    Job::Sweep => {
                        let swept = intake.sweep(store::now()).await.map(|_| ()).map_err(|e| e.to_string());
                        let expired = approvals.expire().await.map_err(|e| e.to_string());
                        swept.and(expired).and(approvals.reload_policy().await.map_err(|e| e.to_string()))
                    }
                    Job::Prune => {
                        let pruned =
                            intake.store.prune(&kept, store::now()).await.map(|_| ()).map_err(|e| e.to_string());
                        pruned.and(approvals.forget().await.map_err(|e| e.to_string()))
                    }
                }
            };
            work.boxed()
        };
        let jobs = tokio::spawn(jobs::run(self.store.clone(), runner, handler, stop.clone()));
        let runs = self.config.incidents.runs;
        let words = self.mind.clone().map(|mind| tokio::spawn(word(self.store.clone(), mind, runs, stop.clone())));
        let (deliver, channels, until) = (self.deliver.clone(), self.channels.clone(), stop.clone());
        let delivery = tokio::spawn(async move { deliver.run(&channels, until).await });
        let signer = Signer::open(&self.config.data_dir.join("audit.key"))?;
        let keeper = Keeper::new(self.store.clone(), signer, &self.config.audit);
        let keeping = tokio::spawn(keeper.run(stop.clone()));
        let desk = http::Desk { doors: self.doors.clone(), approvals: self.approvals };
        let pages = http::pages(self.http.clone(), self.deliver.composer.clone());
        let pages = pages.merge(http::people(self.doors)).merge(http::desk(Arc::new(desk)));
        let mut routes = http::router(self.http).merge(pages);
        if self.config.mcp.enabled {
            tokio::spawn(mcp::follow(self.store.clone(), self.mcp.clone(), stop.clone()));
            routes = routes.merge(mcp::routes(&self.mcp, door, front(&self.config, stop.clone())));
        }
        http::serve(listener, routes, stop).await;
        if let Err(error) = jobs.await {
            error!(%error, "the job loop ended badly");
        }
        if let Some(words) = words
            && let Err(error) = words.await
        {
            error!(%error, "the words' job loop ended badly");
        }
        match delivery.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => error!(%error, "delivery ended badly"),
            Err(error) => error!(%error, "delivery ended badly"),
        }
        if let Err(error) = keeping.await {
            error!(%error, "the audit log's keeper ended badly");
        }
        self.store.close().await;
        info!("stopped");
        Ok(())
    }
}

/// Models are asked by workers of their own, so that a slow one keeps no diagnosis waiting. At the end they are not
/// waited for: a run that is cut off goes on at the next start.
async fn word(store: Store, mind: Arc<Mind>, runs: usize, mut stop: watch::Receiver<bool>) {
    let runner = Runner { concurrency: runs, only: Some(jobs::WORDS), wake: |wake| &wake.words, ..Runner::default() };
    let handler = move |job: Job| {
        let mind = mind.clone();
        let work = async move {
            match job {
                Job::Word { incident } => mind.word(incident).instrument(info_span!("words", incident)).await,
                Job::Investigate { .. }
                | Job::Execute { .. }
                | Job::Watch { .. }
                | Job::Reconcile
                | Job::Sweep
                | Job::Prune => Err("no worker for this".to_owned()),
            }
        };
        work.boxed()
    };
    let jobs = jobs::run(store, runner, handler, stop.clone());
    tokio::select! {
        () = jobs => {}
        _ = stop.wait_for(|stop| *stop) => {}
    }
}

/// What asks the models, where there are some: with tools that read, and no others.
fn mind(
    config: &Config,
    store: Store,
    cluster: Option<Cluster>,
    prometheus: Option<Answers>,
) -> anyhow::Result<Option<Mind>> {
    let models = config.models().context("opening the models")?;
    if models.is_empty() {
        return Ok(None);
    }
    let hands = OnlyReading {
        cluster: cluster.ok_or_else(|| NO_CLUSTER.to_owned()),
        contexts: Vec::new(),
        prometheus: prometheus.map(|answers| Arc::new(answers) as Arc<dyn Prometheus>),
        time: None,
    };
    let server = Server::new(Arc::new(hands), config.mcp.server(config.lang.into())).map_err(anyhow::Error::msg)?;
    Ok(Some(Mind {
        servers: Servers::new(config, store.clone()),
        store,
        models,
        prompt: config.prompt.clone(),
        lang: config.lang.into(),
        tools: server.of(Caller::new("midwatch", Vec::new())),
        budget: agent::Budget::default(),
    }))
}

fn wishes(usual: Asking, routes: Arc<Routes>) -> Wishes {
    Arc::new(move |labels| routes.asking(labels).unwrap_or(usual))
}

/// Who comes in at `/mcp`. Refuses to open it to a network where nobody could prove who they are.
async fn door(config: &Config, people: Arc<People>, loopback: bool) -> anyhow::Result<Door> {
    let nobody = people.is_empty().await.context("reading the users")?;
    if config.mcp.enabled && nobody && !loopback {
        anyhow::bail!(
            "listening on {} would open /mcp to the network, and nobody could prove who they are there. Add a user \
             (`midwatch user set`), `people.tokens` or `people.oidc`; or listen on 127.0.0.1; or set `mcp.enabled: false`",
            config.listen
        );
    }
    Ok(Door::new(people, nobody && loopback))
}

fn front(config: &Config, mut stop: watch::Receiver<bool>) -> Front {
    let stopping = CancellationToken::new();
    let stopped = stopping.clone();
    // open streams would otherwise hold up the end
    tokio::spawn(async move {
        let _ = stop.wait_for(|stop| *stop).await;
        stopped.cancel();
    });
    let public = config.public_url.as_ref().map(|url| url.trim_end_matches('/').to_owned());
    let own = public.as_ref().and_then(|url| Some(url.parse::<Uri>().ok()?.authority()?.to_string()));
    Front {
        hosts: config.mcp.allowed_hosts.iter().cloned().chain(own).collect(),
        origins: config.mcp.allowed_origins.clone(),
        public_url: public,
        sse: config.mcp.sse,
        stop: stopping,
    }
}

/// Where people reach the pages.
pub fn base(config: &Config) -> String {
    config.public_url.clone().unwrap_or_else(|| format!("http://{}", config.listen))
}

/// Changes, with the key of this store and the policy.
pub fn approvals(config: &Config, store: Store, cluster: Option<Cluster>, acting: Acting) -> anyhow::Result<Approvals> {
    let policy = PolicyFile::open(config.policy.as_deref()).map_err(|problems| {
        let lines = problems.iter().map(|problem| format!("\n  line {}: {}", problem.line, problem.text));
        anyhow::anyhow!("the policy cannot be used:{}", lines.collect::<String>())
    })?;
    let seal = Seal::open(&config.data_dir)?;
    Ok(Approvals::new(store, cluster, policy, seal, config.approvals.clone(), acting))
}

/// With no channel at all, messages go to the terminal.
fn channels(config: &Config) -> BTreeMap<String, Channel> {
    if config.channels.is_empty() {
        return BTreeMap::from([("console".to_owned(), Channel::Console(Console::default()))]);
    }
    config.channels.clone()
}

/// What makes messages of incidents. `cluster` is the name that the cluster gave itself.
pub fn composer(config: &Config, store: Store, cluster: Option<String>) -> anyhow::Result<Composer> {
    let names = channels(config).into_keys().collect();
    Ok(Composer {
        store,
        voice: Voice { lang: config.lang.into(), zone: config.zone() },
        cluster: config.cluster.name.clone().or(cluster).unwrap_or_default(),
        public_url: config.public_url.clone(),
        routes: Arc::new(Routes::new(&config.routes, names)),
        templates: config.templates.as_deref().map(Templates::load).transpose()?.unwrap_or_default(),
    })
}

pub async fn open_store(config: &Config) -> anyhow::Result<Store> {
    let settings = config.store_settings();
    Store::open(&settings).await.with_context(|| format!("opening the store {}", settings.path.display()))
}

/// What `/readyz` says besides the store.
fn unready(cluster: bool) -> Unready {
    Box::new(move || {
        let why = || ("cluster".to_owned(), NO_CLUSTER.to_owned());
        (!cluster).then(why).into_iter().collect()
    })
}

/// Where the configuration says that the cluster is.
pub fn cluster_source(config: &Config) -> Source {
    match (&config.cluster.server, &config.cluster.kubeconfig, &config.cluster.context) {
        (Some(url), _, _) => Source::Server(url.clone()),
        (None, None, None) => Source::Default,
        (None, path, context) => Source::Kubeconfig { path: path.clone(), context: context.clone() },
    }
}

/// The cluster that the configuration names. None, with the reason logged, when there is none to be found.
pub fn find_cluster(config: &Config) -> Option<Cluster> {
    match cluster::open(&cluster_source(config), &Limits::default()) {
        Ok(cluster) => Some(cluster),
        Err(error) => {
            warn!(%error, "no cluster: alerts are delivered without a diagnosis");
            None
        }
    }
}
