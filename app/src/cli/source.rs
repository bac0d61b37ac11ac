//! Which cluster a command reads: a live one by kubeconfig, or a recorded one from a folder.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use cluster::{Cluster, Limits, Source};
use jiff::Timestamp;
use replay::{Recording, Replay};

use crate::prometheus::Answers;

#[derive(Debug, Args)]
pub struct ClusterArgs {
    /// Read a recorded cluster from this folder instead of a live one
    #[arg(long, value_name = "DIR", conflicts_with_all = ["context", "kubeconfig", "server"])]
    pub replay: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long)]
    pub context: Option<String>,
    /// Path of the kubeconfig; default: $KUBECONFIG, ~/.kube/config, then the in-cluster account
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Address of an API server that asks for no credentials, such as `midwatch replay`
    #[arg(long, value_name = "URL", conflicts_with_all = ["context", "kubeconfig"])]
    pub server: Option<String>,
    /// Prometheus to ask for the alert's expression, usage and trends
    #[arg(long, value_name = "URL", env = "MIDWATCH_PROMETHEUS_URL")]
    pub prometheus: Option<String>,
}

/// A cluster that can be read, with its clock and its metrics.
pub struct Opened {
    pub cluster: Cluster,
    /// a recording's own time, or the present
    pub now: Timestamp,
    pub prometheus: Option<Answers>,
}

/// One command waits for its own answers only, so it may ask faster than the server's long-run pace.
pub fn one_shot() -> Limits {
    Limits { rate: 200, burst: 400, ..Limits::default() }
}

impl ClusterArgs {
    pub fn open(&self, limits: &Limits) -> anyhow::Result<Opened> {
        // whatever is read here is redacted in the end, and this takes as long as some answers do
        std::thread::spawn(redact::ready);
        let prometheus = self.prometheus.as_deref().map(Answers::live).transpose()?;
        if let Some(dir) = &self.replay {
            let recording =
                Recording::load(dir).with_context(|| format!("reading the recorded cluster {}", dir.display()))?;
            for warning in recording.warnings() {
                eprintln!("midwatch: warning: {warning}");
            }
            let now = recording.time;
            let recorded = Answers::recorded(recording.metrics());
            let name = recording.name.clone();
            let replay = Replay::new(recording);
            let cluster = cluster::over(&name, replay.router(), limits);
            // taking ten thousand objects apart takes longer than the end of the process, which frees them too
            std::mem::forget(replay);
            return Ok(Opened { cluster, now, prometheus: prometheus.or(recorded) });
        }
        Ok(Opened { cluster: cluster::open(&self.source(), limits)?, now: Timestamp::now(), prometheus })
    }

    /// The live cluster that is meant.
    pub fn source(&self) -> Source {
        match (&self.server, &self.kubeconfig, &self.context) {
            (Some(url), _, _) => Source::Server(url.clone()),
            (None, None, None) => Source::Default,
            (None, path, context) => Source::Kubeconfig { path: path.clone(), context: context.clone() },
        }
    }
}
