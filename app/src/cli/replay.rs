//! `midwatch replay`: a recorded cluster as an API server, for kubectl and whatever else speaks to one.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use replay::{Recording, Replay as Server};
use tokio::net::TcpListener;

use super::say;
use super::serve::stop_signal;

#[derive(Debug, Args)]
pub struct Replay {
    /// Folder with a recorded cluster
    dir: PathBuf,
    /// Address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
}

impl Replay {
    pub async fn run(self) -> anyhow::Result<u8> {
        let recording = Recording::load(&self.dir)
            .with_context(|| format!("reading the recorded cluster {}", self.dir.display()))?;
        for warning in recording.warnings() {
            eprintln!("midwatch: warning: {warning}");
        }
        let named = format!("{} ({}), as of {}", recording.name, recording.version, recording.time);
        let listener = TcpListener::bind(self.listen).await.with_context(|| format!("listening on {}", self.listen))?;
        let url = format!("http://{}", listener.local_addr()?);
        let mut stop = stop_signal()?;
        say(&format!(
            "{named}\n{url}\n  kubectl --server {url} get pods -A\n  midwatch diagnose --server {url}\nCtrl-C stops it\n"
        ))?;
        let stopped = async move {
            let _ = stop.wait_for(|stop| *stop).await;
        };
        axum::serve(listener, Server::new(recording).router()).with_graceful_shutdown(stopped).await?;
        Ok(0)
    }
}
