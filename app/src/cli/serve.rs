//! `midwatch serve`: alerts in, diagnoses out, until it is told to stop.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing::{info, warn};

use super::setup::ConfigArgs;
use crate::app::{App, find_cluster};
use crate::config::Config;
use crate::log;

#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    config: ConfigArgs,
    /// Address to listen on
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Folder for the store and all other state
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
}

impl Serve {
    pub async fn run(self) -> anyhow::Result<u8> {
        let mut flags = Vec::new();
        flags.extend(self.listen.as_ref().map(|listen| ("listen", Value::from(listen.as_str()))));
        flags.extend(self.data_dir.as_ref().map(|dir| ("data_dir", Value::from(dir.display().to_string()))));
        let mut config = self.config.sound(&flags)?;
        log::start(&config.log)?;
        let cluster = find_cluster(&config);
        let listener =
            TcpListener::bind(config.listen).await.with_context(|| format!("listening on {}", config.listen))?;
        // port 0 means any: what is printed and sent names the one it became
        config.listen = listener.local_addr().context("reading the listener's address")?;
        say_what_is_missing(&config, cluster.as_ref()).await;
        let app = App::new(config, cluster).await?;
        app.serve(listener, stop_signal()?).await?;
        Ok(0)
    }
}

/// Turns true at SIGTERM or SIGINT.
pub fn stop_signal() -> anyhow::Result<watch::Receiver<bool>> {
    let (stop, stopped) = watch::channel(false);
    let mut term = signal(SignalKind::terminate()).context("listening for SIGTERM")?;
    let mut int = signal(SignalKind::interrupt()).context("listening for SIGINT")?;
    tokio::spawn(async move {
        tokio::select! { _ = term.recv() => {} _ = int.recv() => {} }
        info!("stopping");
        stop.send_replace(true);
    });
    Ok(stopped)
}

async fn say_what_is_missing(config: &Config, cluster: Option<&cluster::Cluster>) {
    if let Some(cluster) = cluster {
        match cluster.check().await {
            Ok(version) => info!(
                cluster = cluster.name,
                server = cluster.server,
                version = version.unwrap_or_default(),
                "cluster found"
            ),
            Err(error) => {
                warn!(cluster = cluster.name, %error, "the cluster does not answer now; alerts are taken all the same")
            }
        }
    }
    if config.channels.is_empty() {
        info!("no channel is configured: messages are written to this terminal");
    }
    if config.prometheus.is_none() {
        info!("no Prometheus is configured: an alert's own generator URL is asked where it answers");
    }
    if config.alertmanagers.is_empty() {
        info!("no Alertmanager is configured: lost, silenced and ended alerts are known only from what is posted here");
    }
    info!("post alerts to http://{}/webhooks/alertmanager; `midwatch doctor` prints what to paste", config.listen);
}
