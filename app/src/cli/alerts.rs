//! `midwatch alerts`: what came in, and what was found out about it.

use std::path::PathBuf;
use std::time::Duration;

use ::diagnose::Lang;
use anyhow::{Context, bail, ensure};
use clap::{Args, Subcommand};

use super::setup::{ConfigArgs, StoreArgs};
use super::table::{age, table};
use super::{LangArg, card, payload, say};
use crate::app::composer;
use crate::store::{self, alerts, incidents};

#[derive(Debug, Subcommand)]
pub enum Alerts {
    /// Incidents, the newest first, with their state and cause
    List(List),
    /// The card of an incident as it is now
    Show(Show),
    /// Post a notification from a file to a running server
    Send(Send),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    store: StoreArgs,
    /// Only those that are open
    #[arg(long)]
    open: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: u32,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    store: StoreArgs,
    /// Number of the incident, as `midwatch alerts list` prints it
    id: i64,
    /// Language of the card; default: that of the configuration
    #[arg(long, value_enum)]
    lang: Option<LangArg>,
}

#[derive(Debug, Args)]
pub struct Send {
    #[command(flatten)]
    config: ConfigArgs,
    /// A webhook's body, an array as Prometheus pushes it, or one alert; JSON or YAML (- for standard input)
    file: PathBuf,
    /// Address of the server; default: where the configuration says that it listens
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

impl Alerts {
    pub async fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::List(command) => command.run().await,
            Self::Show(command) => command.run().await,
            Self::Send(command) => command.run().await,
        }
    }
}

impl List {
    async fn run(self) -> anyhow::Result<u8> {
        let (_, store) = self.store.open().await?;
        let found = incidents::list(store.read(), self.open, i64::from(self.limit)).await?;
        store.close().await;
        if self.json {
            say(&(serde_json::to_string_pretty(&found)? + "\n"))?;
            return Ok(0);
        }
        if found.is_empty() {
            say("no incidents\n")?;
            return Ok(0);
        }
        let now = store::now();
        let row = |incident: &incidents::Incident| {
            let cause = incident.cause.clone().unwrap_or_else(|| "-".to_owned());
            let state = match incident.merged_into {
                Some(other) => format!("merged:{other}"),
                None => incident.state.clone(),
            };
            vec![
                incident.id.to_string(),
                state,
                incident.severity.clone(),
                age(incident.opened_at, now),
                incident.title.clone(),
                cause,
            ]
        };
        let rows: Vec<Vec<String>> = found.iter().map(row).collect();
        say(&table(&["ID", "STATE", "SEVERITY", "AGE", "ALERT", "CAUSE"], &rows))?;
        Ok(0)
    }
}

impl Show {
    async fn run(self) -> anyhow::Result<u8> {
        let (mut config, store) = self.store.open().await?;
        if let Some(lang) = self.lang {
            config.lang = Lang::from(lang).into();
        }
        let Some(incident) = incidents::get(store.read(), self.id).await? else {
            store.close().await;
            bail!("no incident {}: `midwatch alerts list` shows them", self.id);
        };
        let composer = composer(&config, store.clone(), None)?;
        let alerts = alerts::of_incident(store.read(), incident.id, 50).await?;
        let message = composer.incident(&incident, &alerts).await?;
        store.close().await;
        say(&card(&message))?;
        Ok(0)
    }
}

impl Send {
    async fn run(self) -> anyhow::Result<u8> {
        let config = self.config.sound(&[])?;
        let body = payload::read(&self.file)?;
        let pushed = body.trim_ascii_start().first() == Some(&b'[');
        let (path, endpoint) =
            if pushed { ("/api/v2/alerts", "api-v2-alerts") } else { ("/webhooks/alertmanager", "alertmanager") };
        let server = self.server.unwrap_or_else(|| config.local_url());
        let url = format!("{}{path}", server.trim_end_matches('/'));
        let client = reqwest::Client::builder().timeout(Duration::from_secs(15)).build()?;
        let mut request = client.post(&url).header("content-type", "application/json").body(body);
        if let Some(value) = config.intake.authorization(endpoint)? {
            request = request.header("authorization", value);
        }
        let response = request
            .send()
            .await
            .with_context(|| format!("posting to {url}: is `midwatch serve` running there? (--server URL)"))?;
        let status = response.status();
        let text = response.text().await.unwrap_or_default();
        ensure!(status.is_success(), "{url} answered {status}: {}", text.trim());
        say(&format!("{url}: {}\n", if text.trim().is_empty() { "stored" } else { text.trim() }))?;
        Ok(0)
    }
}
