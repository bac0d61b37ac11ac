//! `midwatch models`: which models are configured, what they can do, and what was switched off because of it.

use std::time::Duration;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use llm::{Models as Client, Probe, Thinks, Works, probe};
use serde_json::{Value, json};

use super::setup::StoreArgs;
use super::table::table;
use super::{Output, say};

#[derive(Debug, Subcommand)]
pub enum Models {
    /// The configured models in the order in which they are asked, and what is known about them; asks nobody
    List(List),
    /// Ask a model three small questions and say what works; exit code 1 if one gave no answer
    Probe(Ask),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    store: StoreArgs,
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Debug, Args)]
pub struct Ask {
    #[command(flatten)]
    store: StoreArgs,
    /// Name of a model in the configuration; default: all of them
    name: Option<String>,
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
    /// Seconds that each question may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    patience: u32,
    /// Forget first what was learnt about it
    #[arg(long)]
    afresh: bool,
}

impl Models {
    pub async fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::List(command) => command.run(),
            Self::Probe(command) => command.run().await,
        }
    }
}

const NONE: &str = "no model is configured (models:): the rules work alone\n";

impl List {
    fn run(self) -> anyhow::Result<u8> {
        let models = self.store.config()?.models()?;
        let mut rows = Vec::new();
        let mut values = Vec::new();
        for model in models.settings() {
            let known = models.only(&model.name).and_then(|one| one.known());
            let (context, steps) = known.map_or((None, Vec::new()), |(quirks, steps)| (quirks.context, steps));
            let dialect = serde_json::to_value(model.dialect())?;
            let address = address(&model.url);
            rows.push(vec![
                model.name.clone(),
                model.model.clone(),
                address.clone(),
                word(&dialect),
                number(context),
                list(&steps),
            ]);
            values.push(json!({"name": model.name, "model": model.model, "address": address, "dialect": dialect, "context": context, "steps": steps}));
        }
        match self.output {
            Output::Json => say(&format!("{}\n", serde_json::to_string_pretty(&values)?))?,
            Output::Text if rows.is_empty() => say(NONE)?,
            Output::Text => say(&table(&["NAME", "MODEL", "ADDRESS", "DIALECT", "CONTEXT", "CHANGED"], &rows))?,
        }
        Ok(0)
    }
}

impl Ask {
    async fn run(self) -> anyhow::Result<u8> {
        let config = self.store.config()?;
        // what is learnt is kept beside the store, which there may not be yet
        std::fs::create_dir_all(&config.data_dir).with_context(|| config.data_dir.display().to_string())?;
        let models = config.models()?;
        let names: Vec<&str> = match &self.name {
            Some(name) => vec![name],
            None => models.names(),
        };
        let mut found = Vec::new();
        for name in names {
            let Some(one) = models.only(name) else {
                bail!("no model is named `{name}`; there are: {}", models.names().join(", "))
            };
            if self.afresh {
                one.forget();
            }
            found.extend(asked(&one, self.patience).await);
        }
        match self.output {
            Output::Json => say(&format!("{}\n", serde_json::to_string_pretty(&found)?))?,
            Output::Text if found.is_empty() => say(NONE)?,
            Output::Text => say(&report(&found))?,
        }
        Ok(u8::from(found.iter().any(|probe| probe.failed.is_some())))
    }
}

async fn asked(model: &Client, patience: u32) -> Option<Probe> {
    probe(model, Duration::from_secs(patience.into())).await
}

fn report(found: &[Probe]) -> String {
    let head = [
        "NAME",
        "TOOLS",
        "PARALLEL",
        "STREAMING",
        "JSON SCHEMA",
        "THINKING",
        "CONTEXT",
        "FIRST TOKEN",
        "REQUESTS",
        "CHANGED",
    ];
    let row = |probe: &Probe| {
        let first = probe.first_token_ms.map_or_else(|| "?".to_owned(), |ms| format!("{ms} ms"));
        vec![
            probe.name.clone(),
            works(probe.tools).to_owned(),
            works(probe.parallel).to_owned(),
            works(probe.streaming).to_owned(),
            works(probe.json_schema).to_owned(),
            thinks(probe.thinking).to_owned(),
            number(probe.context),
            first,
            probe.requests.to_string(),
            list(&probe.steps),
        ]
    };
    let mut text = table(&head, &found.iter().map(row).collect::<Vec<_>>());
    for probe in found {
        if let Some(failed) = &probe.failed {
            text.push_str(&format!("\n{}\n", failed.why));
        }
    }
    text
}

fn works(works: Works) -> &'static str {
    match works {
        Works::Yes => "yes",
        Works::AsText => "as text",
        Works::No => "no",
        Works::Unknown => "?",
    }
}

fn thinks(thinks: Thinks) -> &'static str {
    match thinks {
        Thinks::No => "no",
        Thinks::Switchable => "switchable",
        Thinks::Always => "always",
        Thinks::Unknown => "?",
    }
}

fn number(count: Option<u32>) -> String {
    count.map_or_else(|| "?".to_owned(), |count| count.to_string())
}

fn list(steps: &[String]) -> String {
    if steps.is_empty() { "-".to_owned() } else { steps.join("; ") }
}

fn word(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Without user, password and query: a key may stand there.
pub(super) fn address(url: &str) -> String {
    let Ok(mut url) = reqwest::Url::parse(url) else { return "?".to_owned() };
    // a host that takes no user has none to hide
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.set_query(None);
    url.to_string().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_of_an_address_is_shown() {
        assert_eq!(address("https://me:secret@host/v1/?key=secret"), "https://host/v1");
        assert_eq!(address("secret"), "?");
    }

    #[tokio::test]
    async fn a_model_that_cannot_be_reached_is_a_row_and_a_reason() {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        drop(listener);
        let models = vec![llm::settings::Model::new("gone", url, "m")];
        let models = Client::new(&llm::Settings { models }, None).unwrap();
        let text = report(&[asked(&models, 5).await.unwrap()]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].starts_with("gone  ?"), "{text}");
        assert!(lines[3].contains("unreachable") && lines[3].contains("check url"), "{text}");
    }
}
