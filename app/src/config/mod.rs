//! `midwatch.yaml`: every section with its default, so that an empty file is a working configuration.

mod check;
mod convert;
mod load;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use notify::{Channel, Mention, Secret};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use convert::Peers;
pub use load::{Loaded, Problem, load};

use crate::investigate::Asking;
use crate::{approvals, audit, mcp, people};

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Where the store and all other state live.
    pub data_dir: PathBuf,
    /// Address that the HTTP server listens on.
    pub listen: SocketAddr,
    /// Address under which people reach the HTTP server; links in messages start with it.
    pub public_url: Option<String>,
    /// Language of messages: `zh` or `en`.
    pub lang: Lang,
    /// Time zone of the times in messages: an IANA name such as `Asia/Shanghai`.
    pub timezone: String,
    pub log: Log,
    pub cluster: Cluster,
    pub prometheus: Option<Prometheus>,
    /// Asked every minute, so that a lost, silenced or ended alert is seen.
    pub alertmanagers: Vec<Alertmanager>,
    pub intake: Intake,
    pub incidents: Incidents,
    /// Where messages go, by a name of your choice. Without any: the console.
    pub channels: BTreeMap<String, Channel>,
    /// Which alerts go to which channels; the first that matches wins. Without any: every alert to every channel.
    pub routes: Vec<Route>,
    /// Tried in order when a channel is dead or a critical message was not delivered within two minutes.
    pub fallback: Vec<String>,
    pub quiet_hours: Vec<QuietHours>,
    /// Who may use the MCP server and the pages, and how their names are proved.
    pub people: people::Settings,
    pub audit: audit::Settings,
    pub mcp: mcp::Settings,
    /// The policy of what may be done on behalf of people; `midwatch policy check` reads it. Without one: the built-in policy.
    pub policy: Option<PathBuf>,
    /// Changes that people approve.
    pub approvals: approvals::Settings,
    /// Models that may word and deepen what the rules found, in the order in which they are asked. Without any: the rules alone.
    pub models: llm::Settings,
    /// MCP servers of other people whose tools models may use to read.
    pub tool_servers: Vec<agent::ToolServer>,
    /// When a model is asked about an alert; routes can say otherwise.
    pub model: Asking,
    /// File with own instructions for the model in place of the built-in ones.
    pub prompt: Option<PathBuf>,
    /// Folder with own message templates (minijinja): `LANG/CHANNEL.md.j2`.
    pub templates: Option<PathBuf>,
    /// Days that ended incidents and their raw payloads are kept.
    pub retention_days: u32,
    /// Days that a conversation is kept after its last question, and what models were asked in it or by `midwatch ask`.
    pub chat_retention_days: u32,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: PathBuf::from("midwatch-data"),
            listen: SocketAddr::from(([127, 0, 0, 1], 8420)),
            public_url: None,
            lang: Lang::Zh,
            timezone: "UTC".to_owned(),
            log: Log::default(),
            cluster: Cluster::default(),
            prometheus: None,
            alertmanagers: Vec::new(),
            intake: Intake::default(),
            incidents: Incidents::default(),
            channels: BTreeMap::new(),
            routes: Vec::new(),
            fallback: Vec::new(),
            quiet_hours: Vec::new(),
            people: people::Settings::default(),
            audit: audit::Settings::default(),
            mcp: mcp::Settings::default(),
            policy: None,
            approvals: approvals::Settings::default(),
            models: llm::Settings::default(),
            tool_servers: Vec::new(),
            model: Asking::default(),
            prompt: None,
            templates: None,
            retention_days: 30,
            chat_retention_days: 90,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Lang {
    Zh,
    En,
}

impl From<diagnose::Lang> for Lang {
    fn from(lang: diagnose::Lang) -> Self {
        match lang {
            diagnose::Lang::Zh => Self::Zh,
            diagnose::Lang::En => Self::En,
        }
    }
}

impl From<Lang> for diagnose::Lang {
    fn from(lang: Lang) -> Self {
        match lang {
            Lang::Zh => Self::Zh,
            Lang::En => Self::En,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    pub format: LogFormat,
    /// `error`, `warn`, `info`, `debug`, or a filter such as `info,midwatch=debug`.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Text, level: "info".to_owned() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    Text,
    Json,
}

/// The cluster that alerts are about. Without any field: the kubeconfig's current context, else the in-cluster account.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Cluster {
    /// The name that messages show; default: the context's.
    pub name: Option<String>,
    pub kubeconfig: Option<PathBuf>,
    pub context: Option<String>,
    /// Address of an API server that asks for no credentials, such as `midwatch replay`.
    pub server: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prometheus {
    pub url: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alertmanager {
    pub url: String,
    #[serde(default)]
    pub username: Option<String>,
    #[serde(default)]
    pub password: Option<Secret>,
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    #[serde(default)]
    pub bearer_token: Option<Secret>,
    #[serde(default)]
    pub bearer_token_file: Option<PathBuf>,
}

/// How alerts come in.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Intake {
    /// Who may post alerts; any one of them. Without any, only this machine may.
    pub credentials: Vec<Credential>,
    /// Labels that say where an alert came from and not which alert it is.
    pub ignore_labels: Vec<String>,
    /// Largest body that is taken, in bytes.
    pub body_limit: usize,
    /// Grafana's signature over the body of `/webhooks/grafana`.
    pub grafana: Option<Grafana>,
    /// Minutes without a Watchdog alert after which its absence is told; only once a Watchdog was seen.
    pub watchdog_minutes: u32,
}

impl Default for Intake {
    fn default() -> Self {
        Self {
            credentials: Vec::new(),
            ignore_labels: vec!["prometheus_replica".to_owned(), "__replica__".to_owned()],
            body_limit: 32 << 20,
            grafana: None,
            watchdog_minutes: 10,
        }
    }
}

/// One of: a user name with a password, or a bearer token.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    #[serde(default)]
    pub username: Option<String>,
    #[serde(default)]
    pub password: Option<Secret>,
    #[serde(default)]
    pub password_file: Option<PathBuf>,
    #[serde(default)]
    pub bearer_token: Option<Secret>,
    #[serde(default)]
    pub bearer_token_file: Option<PathBuf>,
    /// The only webhook paths it opens, by their last part; empty means all.
    #[serde(default)]
    pub only: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Grafana {
    #[serde(default)]
    pub secret: Option<Secret>,
    #[serde(default)]
    pub secret_file: Option<PathBuf>,
    /// Header of the signature.
    #[serde(default = "grafana_header")]
    pub header: String,
    /// Header of the time, where one is set in Grafana.
    #[serde(default)]
    pub timestamp_header: Option<String>,
}

fn grafana_header() -> String {
    "X-Grafana-Alerting-Signature".to_owned()
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Incidents {
    /// Diagnoses under way at once.
    pub concurrency: usize,
    /// Runs with a model under way at once; each waits for the model most of the time.
    pub runs: usize,
    /// New incidents in a minute above which the rest go out as one digest.
    pub digest_above: u32,
    /// The same for critical ones.
    pub digest_above_critical: u32,
    /// Changes between firing and resolved in half an hour that make an alert flapping.
    pub flapping_changes: u32,
    /// Hours without news after which a firing alert counts as stale: twice the sender's repeat interval.
    pub stale_hours: u32,
}

impl Default for Incidents {
    fn default() -> Self {
        Self {
            concurrency: 4,
            runs: 8,
            digest_above: 6,
            digest_above_critical: 12,
            flapping_changes: 4,
            stale_hours: 24,
        }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Label -> anchored regular expression; all must match. An absent label counts as empty.
    #[serde(default, rename = "match")]
    pub matches: BTreeMap<String, String>,
    /// Names of channels.
    pub channels: Vec<String>,
    /// Who is called in the message.
    #[serde(default)]
    pub mentions: Vec<Mention>,
    /// When a model is asked about these alerts; default: as `model` says.
    #[serde(default)]
    pub model: Option<Asking>,
}

/// A time in which only critical messages go out at once; the rest wait for its end.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct QuietHours {
    /// `22:00`
    pub from: String,
    /// `07:30`; earlier than `from` means the next day.
    pub to: String,
    /// An IANA name such as `Asia/Shanghai`; default UTC.
    #[serde(default)]
    pub timezone: Option<String>,
    /// Channels it holds for; without any: all.
    #[serde(default)]
    pub channels: Vec<String>,
}

/// The JSON schema of the file, for editors and for `midwatch config schema`.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Config);
    let mut text = serde_json::to_string_pretty(&schema).unwrap_or_default();
    text.push('\n');
    text
}
