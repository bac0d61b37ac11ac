//! `midwatch diagnose`: the rules' verdict on the command line.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use cluster::Limits;
use diagnose::collect::Prometheus;
use diagnose::{ObjectRef, Target, kinds};
use notify::{Body, Channel, Console, Message};
use serde_json::json;

use super::source::ClusterArgs;
use super::{LangArg, say};
use crate::investigate::{Brief, investigate};
use crate::message;

#[derive(Debug, Args)]
pub struct Diagnose {
    #[command(flatten)]
    cluster: ClusterArgs,
    /// Namespace of the object; alone: diagnose the whole namespace
    #[arg(short, long)]
    namespace: Option<String>,
    /// What to diagnose, as kubectl takes it: KIND/NAME or KIND NAME; without it the whole cluster
    #[arg(value_name = "KIND/NAME", num_args = 0..=2)]
    object: Vec<String>,
    /// Diagnose what an alert is about: a file with a webhook payload (- for standard input)
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
        let brief = self.brief(&opened.cluster.namespace)?;
        let prometheus = opened.prometheus.as_ref().map(|p| p as &dyn Prometheus);
        let report = investigate(&opened.cluster, prometheus, &brief, opened.now).await;
        let lang = LangArg::or_environment(self.lang);
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
            Output::Text => say(&text(&message::verdict(&report, lang.into())))?,
            Output::Markdown => say(&notify::markdown(&message::verdict(&report, lang.into())))?,
        }
        if self.timings && self.output != Output::Json {
            let ms = started.elapsed().as_millis();
            eprintln!("{} requests, {} bytes, {ms} ms", totals.requests, totals.bytes);
        }
        Ok(report.exit_code())
    }

    fn brief(&self, default_namespace: &str) -> anyhow::Result<Brief> {
        let target = match self.object.as_slice() {
            [] => match &self.namespace {
                Some(namespace) => Target::Namespace(namespace.clone()),
                None => Target::Cluster,
            },
            [one] => {
                let Some((kind, name)) = one.split_once('/') else {
                    bail!("`{one}` names no object: write KIND/NAME, such as pod/{one}");
                };
                self.target(kind, name, default_namespace)?
            }
            [kind, name, ..] => self.target(kind, name, default_namespace)?,
        };
        Ok(Brief { target, expression: None })
    }

    fn target(&self, kind: &str, name: &str, default_namespace: &str) -> anyhow::Result<Target> {
        let kind = kinds::by_word(kind).with_context(|| {
            format!("`{kind}` is no kind that can be diagnosed; try pod, deployment, pvc, service, node ...")
        })?;
        let namespace = match (kind.namespaced, &self.namespace) {
            (false, _) => "",
            (true, Some(namespace)) => namespace,
            (true, None) => default_namespace,
        };
        Ok(Target::Object(ObjectRef::new(kind.name, namespace, name)))
    }
}

/// The report as a card, in colour on a terminal.
fn text(message: &Message) -> String {
    let rendered = Channel::Console(Console::default()).render(message);
    let bodies = rendered.parts.into_iter().filter_map(|part| match part.body {
        Body::Text(text) => Some(text),
        Body::Json(_) | Body::Mail(_) => None,
    });
    bodies.collect()
}

/// One command waits for its own answer only, so it may ask faster than the server's long-run pace.
fn one_shot() -> Limits {
    Limits { rate: 200, burst: 400, ..Limits::default() }
}
