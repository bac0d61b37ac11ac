//! Logs: text or JSON on standard error, one line an event, with the incident's id where there is one.

use anyhow::{Context, anyhow};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

pub fn start(config: &Log) -> anyhow::Result<()> {
    // The SDK tells of each request at `info`, several lines of it; whoever wants them names it.
    let level =
        if config.level.contains("rmcp") { config.level.clone() } else { format!("{},rmcp=warn", config.level) };
    let filter = EnvFilter::try_new(&level).with_context(|| format!("log.level `{}` is no filter", config.level))?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match config.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().with_span_list(false).try_init(),
    };
    started.map_err(|error| anyhow!("starting the log: {error}"))
}
