//! Which configuration and which store a command works with.

use std::path::PathBuf;

use anyhow::{bail, ensure};
use clap::Args;
use serde_json::Value;

use crate::app::open_store;
use crate::config::{self, Config, Loaded};
use crate::store::Store;

#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// Configuration file; default: midwatch.yaml in this folder, if it is there
    #[arg(short, long, value_name = "FILE", env = "MIDWATCH_CONFIG")]
    pub config: Option<PathBuf>,
}

impl ConfigArgs {
    pub fn load(&self, flags: &[(&str, Value)]) -> Loaded {
        config::load(self.config.as_deref(), std::env::vars(), flags)
    }

    /// The configuration, or every problem that it has.
    pub fn sound(&self, flags: &[(&str, Value)]) -> anyhow::Result<Config> {
        let loaded = self.load(flags);
        if loaded.problems.is_empty() {
            return Ok(loaded.config);
        }
        let problems: Vec<String> = loaded.problems.iter().map(ToString::to_string).collect();
        bail!("the configuration has {} problem(s):\n  {}", problems.len(), problems.join("\n  "))
    }
}

/// The store of a server that runs, or ran.
#[derive(Debug, Args)]
pub struct StoreArgs {
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Folder of the store
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

impl StoreArgs {
    pub fn config(&self) -> anyhow::Result<Config> {
        let dir = self.data_dir.as_ref().map(|dir| ("data_dir", Value::from(dir.display().to_string())));
        self.config.sound(dir.as_slice())
    }

    /// Opens the store, and makes it if there is none yet.
    pub async fn make(&self) -> anyhow::Result<(Config, Store)> {
        let config = self.config()?;
        let store = open_store(&config).await?;
        Ok((config, store))
    }

    /// Opens the store, but makes none: an empty list from the wrong folder would mislead.
    pub async fn open(&self) -> anyhow::Result<(Config, Store)> {
        let config = self.config()?;
        let path = config.store_settings().path;
        ensure!(path.exists(), "no store at {}: give --data-dir or --config of the server", path.display());
        let store = open_store(&config).await?;
        Ok((config, store))
    }
}
