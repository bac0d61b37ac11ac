//! `midwatch policy`: is the policy file right, what does it say, and what would happen to a request.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use cluster::spoken::{self, Pretended};
use cluster::{Asked, Classified, Cluster, Decision, Effect, Identity, Policy, Request, Seen, Terms, Verb};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::setup::ConfigArgs;
use super::source::{ClusterArgs, one_shot};
use super::{Output, say};

#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Print every problem of a policy file with its line; exit code 1 if there is one
    Check(Check),
    /// Say what would happen to a request, and which rule says so
    Explain(Box<Explain>),
    /// Print the policy that is in force
    Show(Which),
    /// Print the JSON schema of a policy file
    Schema,
}

#[derive(Debug, Args)]
pub struct Which {
    /// Policy file; default: `policy` of the configuration, else the built-in policy
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, Args)]
pub struct Check {
    /// Policy file; default: `policy` of the configuration, else the built-in policy
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, Args)]
pub struct Explain {
    /// As it is typed for kubectl, in quotes: "scale deployment/web --replicas=3 -n shop"; or METHOD PATH BODY
    request: String,
    /// Who asks
    #[arg(long = "as", value_name = "USER")]
    user: String,
    /// A group of whoever asks; can be given several times
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
    /// Look at the object in the cluster first: whether a write is reversible depends on it
    #[arg(long)]
    live: bool,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    cluster: ClusterArgs,
}

impl PolicyCommand {
    pub async fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::Check(command) => check(&command),
            Self::Explain(command) => explain(&command).await,
            Self::Show(which) => {
                let (_, text) = text(which.policy.as_deref(), &which.config)?;
                say(&text)?;
                Ok(0)
            }
            Self::Schema => {
                say(&Policy::schema())?;
                Ok(0)
            }
        }
    }
}

/// The text of the policy that is meant, and what to call it.
fn text(file: Option<&Path>, config: &ConfigArgs) -> anyhow::Result<(String, String)> {
    let configured = match file {
        Some(_) => None,
        None => config.sound(&[])?.policy,
    };
    match file.or(configured.as_deref()) {
        None => Ok(("built-in".to_owned(), Policy::default_text().to_owned())),
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
            Ok((file.display().to_string(), text))
        }
    }
}

fn check(command: &Check) -> anyhow::Result<u8> {
    let (name, text) = text(command.file.as_deref(), &command.config)?;
    match Policy::parse(&text) {
        Ok(policy) => {
            say(&format!("{name}: version {}, no problems\n", policy.number()))?;
            Ok(0)
        }
        Err(problems) => {
            for problem in problems {
                say(&format!("{name}:{}: {}\n", problem.line, problem.text))?;
            }
            Ok(1)
        }
    }
}

/// What is known about the object.
#[derive(Default)]
struct Found {
    live: Option<Value>,
    revisions: Vec<Value>,
    assumed: Option<&'static str>,
}

async fn explain(command: &Explain) -> anyhow::Result<u8> {
    let (name, text) = text(command.which.policy.as_deref(), &command.which.config)?;
    let policy = match Policy::parse(&text) {
        Ok(policy) => policy,
        Err(problems) => bail!("{name} has {} problem(s); see midwatch policy check", problems.len()),
    };
    let identity = Identity::new(command.user.clone(), command.groups.clone())?;
    let spoken = spoken::read(&command.request)?;
    let mut request = spoken.request;
    let found = match (command.live, spoken.pretended) {
        (true, pretended) => {
            let opened = command.cluster.open(&one_shot())?;
            request.cluster = opened.cluster.uid().await.unwrap_or_default();
            look(&opened.cluster, &mut request, pretended.is_some()).await?
        }
        (false, Some(pretended)) => assume(pretended),
        (false, None) => Found::default(),
    };
    request.as_user = Some(identity.clone());
    let seen = Seen { live: found.live.as_ref(), after: None, revisions: &found.revisions };
    let classified = policy.scope().classify(&request, &seen);
    let asked = Asked {
        request: &request,
        classified: &classified,
        live: found.live.as_ref(),
        identity: &identity,
        now: Timestamp::now(),
    };
    let decision = policy.decide(&asked);
    let told = Told { name: &name, policy: &policy, request: &request, classified: &classified, decision: &decision };
    say(&match command.output {
        Output::Text => told.text(&identity, &found, command.live),
        Output::Json => told.json(&identity, &found)?,
    })?;
    Ok(0)
}

fn assume(pretended: Pretended) -> Found {
    let (live, revisions) = pretended.seen();
    Found { live: Some(live), revisions, assumed: Some(pretended.text()) }
}

/// Reads the object as the account of this connection, and for an undo the revisions that there are.
async fn look(cluster: &Cluster, request: &mut Request, undo: bool) -> anyhow::Result<Found> {
    let Some(_) = &request.name else { return Ok(Found::default()) };
    let get = Request { verb: Verb::Get, subresource: None, body: None, query: Default::default(), ..request.clone() };
    let live: Value = cluster.client.request(get.to_http()?).await.context("reading the object")?;
    let mut revisions = Vec::new();
    if undo {
        let kind = if request.resource == "deployments" { "replicasets" } else { "controllerrevisions" };
        let list = Request { verb: Verb::List, resource: kind.to_owned(), name: None, ..get };
        let mut answer: Value = cluster.client.request(list.to_http()?).await.context("reading its revisions")?;
        revisions = answer["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
        let own = |revision: &Value| {
            let owners = revision["metadata"]["ownerReferences"].as_array();
            owners.into_iter().flatten().any(|owner| owner["uid"] == live["metadata"]["uid"])
        };
        revisions.retain(own);
        let number = |revision: &Value| {
            let annotation = &revision["metadata"]["annotations"]["deployment.kubernetes.io/revision"];
            annotation
                .as_str()
                .and_then(|text| text.parse().ok())
                .or_else(|| revision["revision"].as_u64())
                .unwrap_or(0)
        };
        revisions.sort_by_key(|revision| std::cmp::Reverse(number(revision)));
        // The newest one is what runs now.
        let Some(earlier) = revisions.get(1) else { bail!("there is no earlier revision to go back to") };
        let template = earlier["data"]["spec"].get("template").unwrap_or(&earlier["spec"]["template"]);
        request.body = Some(json!([{"op": "replace", "path": "/spec/template", "value": template}]));
    }
    Ok(Found { live: Some(live), revisions, assumed: None })
}

struct Told<'a> {
    name: &'a str,
    policy: &'a Policy,
    request: &'a Request,
    classified: &'a Classified,
    decision: &'a Decision,
}

impl Told<'_> {
    fn effect(&self) -> (&'static str, Option<&Terms>) {
        match &self.decision.effect {
            Effect::Allow => ("allow", None),
            Effect::Approve(terms) => ("approve", Some(terms)),
            Effect::Deny => ("deny", None),
        }
    }

    fn text(&self, identity: &Identity, found: &Found, live: bool) -> String {
        let (effect, terms) = self.effect();
        let class = self.classified.class;
        let mut lines = vec![
            ("request", self.request.summary()),
            ("as", people(identity.user(), identity.groups())),
            ("class", format!("{}: {}", class.as_str(), class.meaning())),
        ];
        lines.extend(self.classified.why.iter().map(|why| ("", (*why).to_owned())));
        lines.push(("effect", effect.to_owned()));
        lines.push(("rule", format!("{}: {}", self.decision.rule, self.decision.why)));
        lines.extend(terms.map(|terms| ("terms", described(terms))));
        lines.push(("policy", format!("{}, version {} ({})", self.name, self.policy.number(), self.policy.version())));
        if let Some(assumed) = found.assumed {
            lines.push(("note", format!("{assumed}; --live looks")));
        } else if !live && found.live.is_none() && !self.request.verb.reads() {
            lines.push(("note", "the object was not looked at, so nothing about it is known; --live looks".to_owned()));
        }
        lines.into_iter().map(|(name, text)| format!("{}\n", format!("{name:<8} {text}").trim_end())).collect()
    }

    fn json(&self, identity: &Identity, found: &Found) -> anyhow::Result<String> {
        let (effect, terms) = self.effect();
        let value = json!({
            "schema": 1, "request": self.request, "identity": identity,
            "class": self.classified.class, "why": self.classified.why,
            "effect": effect, "rule": self.decision.rule, "reason": self.decision.why, "terms": terms,
            "policy": {"name": self.name, "number": self.policy.number(), "version": self.policy.version()},
            "live": found.live.is_some() && found.assumed.is_none(), "assumed": found.assumed});
        Ok(format!("{}\n", serde_json::to_string_pretty(&value)?))
    }
}

fn people(user: &str, groups: &[String]) -> String {
    if groups.is_empty() { user.to_owned() } else { format!("{user} of {}", groups.join(", ")) }
}

fn described(terms: &Terms) -> String {
    let mut parts = vec![match terms.quorum {
        1 => "one person says yes".to_owned(),
        count => format!("{count} people say yes"),
    }];
    if terms.distinct_from_requester {
        parts.push("none of them who asks".to_owned());
    }
    parts.extend(terms.users.iter().map(|names| format!("out of {}", names.join(", "))));
    parts.extend(terms.reauth.map(|seconds| format!("logged in within {seconds} s")));
    parts.push(format!("good for {} s", terms.ttl));
    if terms.hold > 0 {
        parts.push(format!("sent {} s after the last yes", terms.hold));
    }
    parts.join("; ")
}
