//! `midwatch diagnose`: the rules' verdict on the command line.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{bail, ensure};
use clap::{Args, ValueEnum};
use cluster::Cluster;
use diagnose::collect::Prometheus;
use diagnose::kinds::{self, Kind};
use diagnose::{ObjectRef, Target, near};
use serde_json::json;

use super::progress::with_line;
use super::source::{ClusterArgs, Opened, one_shot};
use super::{LangArg, card, payload, say};
use crate::alerts::parse::parse;
use crate::investigate::{Brief, investigate};
use crate::message::{self, Voice};
use crate::prometheus::Answers;
use crate::store;

#[derive(Debug, Args)]
pub struct Diagnose {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Namespace of the object, or of an alert that names none; alone: diagnose the whole namespace
    #[arg(short, long)]
    namespace: Option<String>,
    /// What to diagnose, as kubectl takes it: KIND/NAME or KIND NAME; without it the whole cluster
    #[arg(value_name = "KIND/NAME", num_args = 0..=2)]
    object: Vec<String>,
    /// Diagnose what an alert is about: a webhook's body, a pushed array or one alert, JSON or YAML (- for standard input)
    #[arg(long, value_name = "FILE", conflicts_with = "object")]
    alert: Option<PathBuf>,
    /// Language of the answer; default: that of the terminal
    #[arg(long, value_enum)]
    lang: Option<LangArg>,
    /// How to write the answer
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
    /// Add what was read, and how long it took
    #[arg(long)]
    timings: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Text,
    Json,
    Markdown,
}

impl Diagnose {
    pub async fn run(self) -> anyhow::Result<u8> {
        let started = Instant::now();
        let opened = self.cluster.open(&one_shot())?;
        let (brief, guessed) = match &self.alert {
            Some(file) => self.alert_brief(&opened, file).await?,
            None => (Brief { target: self.object_target(&opened.cluster).await?, expression: None }, None),
        };
        let prometheus = opened.prometheus.or(guessed);
        let prometheus = prometheus.as_ref().map(|p| p as &dyn Prometheus);
        let work = investigate(&opened.cluster, prometheus, &brief, opened.now);
        let traffic = opened.cluster.traffic.clone();
        let report = with_line(work, || {
            let so_far = traffic.snapshot();
            format!("{}: {} requests, {} KiB", opened.cluster.name, so_far.requests, so_far.bytes / 1024)
        })
        .await;
        let lang = LangArg::or_environment(self.lang);
        // the same input gives the same bytes, wherever it runs
        let voice = Voice { lang: lang.into(), zone: jiff::tz::TimeZone::UTC };
        let totals = opened.cluster.traffic.snapshot();
        match self.output {
            Output::Json => {
                let mut json = report.json(lang.into());
                if self.timings {
                    json["timings_ms"] = json!({
                        "total": started.elapsed().as_millis() as u64,
                        "requests": totals.requests,
                        "bytes": totals.bytes,
                    });
                }
                say(&(serde_json::to_string_pretty(&json)? + "\n"))?;
            }
            Output::Text => say(&card(&message::verdict(&report, &voice)))?,
            Output::Markdown => say(&notify::markdown(&message::verdict(&report, &voice)))?,
        }
        if self.timings && self.output != Output::Json {
            let ms = started.elapsed().as_millis();
            eprintln!("{} requests, {} bytes, {ms} ms", totals.requests, totals.bytes);
        }
        Ok(report.exit_code())
    }

    /// What the alert is about, as the server would see it, and the Prometheus that it names.
    async fn alert_brief(&self, opened: &Opened, file: &Path) -> anyhow::Result<(Brief, Option<Answers>)> {
        let batch = parse(&payload::read(file)?, store::now())
            .map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
        let why: Vec<&str> = batch.invalid.iter().map(|invalid| invalid.why.as_str()).collect();
        ensure!(!batch.alerts.is_empty(), "{}: no alert that can be read: {}", file.display(), why.join("; "));
        let mut alerts = batch.alerts;
        if let Some(namespace) = &self.namespace {
            for alert in &mut alerts {
                alert.labels.entry("namespace".to_owned()).or_insert_with(|| namespace.clone());
            }
        }
        let (brief, generated) = Brief::of_alerts(&opened.cluster, &alerts).await;
        // a recording is judged by what it holds
        let live = self.cluster.replay.is_none();
        let guessed = generated.filter(|_| live).and_then(|generated| Answers::guessed(&generated.base).ok());
        Ok((brief, guessed))
    }

    async fn object_target(&self, cluster: &Cluster) -> anyhow::Result<Target> {
        match self.object.as_slice() {
            [] => Ok(match &self.namespace {
                Some(namespace) => Target::Namespace(namespace.clone()),
                None => Target::Cluster,
            }),
            [one] => {
                let Some((kind, name)) = one.split_once('/').filter(|(_, name)| !name.is_empty()) else {
                    bail!("`{one}` names no object: write KIND/NAME, such as pod/{}", one.trim_end_matches('/'));
                };
                self.target(cluster, kind, name).await
            }
            [kind, name, ..] => self.target(cluster, kind, name).await,
        }
    }

    async fn target(&self, cluster: &Cluster, word: &str, name: &str) -> anyhow::Result<Target> {
        let Some(kind) = kinds::by_word(word) else { bail!(unknown_kind(word)) };
        let namespace = match (kind.namespaced, &self.namespace) {
            (false, _) => "",
            (true, Some(namespace)) => namespace,
            (true, None) => {
                elsewhere(cluster, kind, name).await?;
                &cluster.namespace
            }
        };
        Ok(Target::Object(ObjectRef::new(kind.name, namespace, name)))
    }
}

fn unknown_kind(word: &str) -> String {
    let word = word.to_lowercase();
    let known = kinds::KINDS.iter().flat_map(|kind| [kind.plural.to_owned(), kind.name.to_lowercase()]);
    let short = ["pod", "pvc", "pv", "svc", "deploy", "sts", "hpa", "pdb", "ing"].map(str::to_owned);
    let known: Vec<String> = known.chain(short).collect();
    match near::nearest(&word, known.iter().map(String::as_str)) {
        Some(near) => format!("`{word}` is no kind that can be diagnosed; do you mean {near}?"),
        None => format!("`{word}` is no kind that can be diagnosed; try pod, deployment, pvc, service, node ..."),
    }
}

/// Fails if nobody named a namespace and the object is not in the default one, but in others.
async fn elsewhere(cluster: &Cluster, kind: &Kind, name: &str) -> anyhow::Result<()> {
    let here = &cluster.namespace;
    let Ok(request) = http::Request::get(kind.object_path(here, name)).body(Vec::new()) else {
        bail!("`{name}` cannot be a name of an object");
    };
    let missing = match cluster.client.request::<serde_json::Value>(request).await {
        Err(kube::Error::Api(status)) => status.code == 404,
        Ok(_) | Err(_) => false,
    };
    if !missing {
        return Ok(());
    }
    let path = format!("{}?fieldSelector=metadata.name%3D{name}", kind.list_path(""));
    let Ok(request) = http::Request::get(path).body(Vec::new()) else { return Ok(()) };
    let Ok(list) = cluster.client.request::<serde_json::Value>(request).await else { return Ok(()) };
    let items = list["items"].as_array().into_iter().flatten();
    let named = items.filter(|item| item["metadata"]["name"] == name);
    let found: Vec<&str> = named.filter_map(|item| item["metadata"]["namespace"].as_str()).collect();
    match found.as_slice() {
        [] => Ok(()),
        [only] => bail!("{} {name} is not in namespace {here} but in {only}: add -n {only}", kind.name),
        several => bail!("{} {name} is not in namespace {here} but in {}: add -n", kind.name, several.join(", ")),
    }
}
