//! Signs the newest row now and then, and keeps a copy of each checkpoint outside the store.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::watch;

use super::{Checkpoint, Settings, Signer};
use crate::store::{self, Store, audit as rows};

pub struct Keeper {
    store: Store,
    signer: Arc<Signer>,
    every: Duration,
    copy: Option<PathBuf>,
}

impl Keeper {
    pub fn new(store: Store, signer: Signer, settings: &Settings) -> Self {
        let every = Duration::from_secs(settings.checkpoint_seconds.max(1));
        Self { store, signer: Arc::new(signer), every, copy: settings.checkpoint_file.clone() }
    }

    /// Signs until `stop` turns true, and once more at the end.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            let ended = tokio::select! {
                () = tokio::time::sleep(self.every) => false,
                _ = stop.wait_for(|stop| *stop) => true,
            };
            if let Err(error) = self.sign().await {
                tracing::error!(error = format!("{error:#}"), "no audit checkpoint was made");
            }
            if ended {
                return;
            }
        }
    }

    /// Signs the newest row unless it is signed already.
    pub async fn sign(&self) -> anyhow::Result<Option<Checkpoint>> {
        let (signer, now) = (self.signer.clone(), store::now());
        let made = self.store.write(move |connection| {
            Box::pin(async move {
                let Some((seq, hash)) = rows::last(connection).await? else { return Ok(None) };
                if rows::signed(connection).await? >= seq {
                    return Ok(None);
                }
                let checkpoint = signer.sign(seq, now, &hash);
                rows::sign(connection, &checkpoint.clone().into()).await?;
                Ok(Some(checkpoint))
            })
        });
        let Some(checkpoint) = made.await? else { return Ok(None) };
        let line = serde_json::to_string(&checkpoint)?;
        tracing::info!(checkpoint = line, "audit checkpoint");
        if let Some(path) = &self.copy {
            append(path, &line).with_context(|| format!("appending to {}", path.display()))?;
        }
        Ok(Some(checkpoint))
    }
}

fn append(path: &PathBuf, line: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_data()
}
