//! How another tool server is reached: a child process, streamable HTTP, or the older HTTP with SSE.

use std::collections::{BTreeMap, HashMap};
use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use rmcp::ServiceExt;
use rmcp::model::ProtocolVersion;
use rmcp::service::{ClientLifecycleMode, ClientServiceExt};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::client::Client;
use super::source::Source;
use super::sse;

/// Bytes of one message; larger ones are dropped before they are read.
pub const MESSAGE: usize = 4 << 20;
/// What a child process sees of our environment: none of it is a secret.
const ENVIRONMENT: &[&str] = &["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/// Another MCP server whose tools may be used to read.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolServer {
    /// A name of your choice; its tools are called `name_tool`.
    pub name: String,
    pub door: Door,
    /// The tools that only read, by name; `*` for all of them. Others are not offered: this program cannot tell what
    /// they do, and changes go through approvals.
    pub reads: Vec<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "transport", rename_all = "snake_case", deny_unknown_fields)]
pub enum Door {
    /// A program that speaks on its standard input and output.
    Stdio {
        command: String,
        #[serde(default)]
        args: Vec<String>,
        /// Its environment beside PATH, HOME and the language.
        #[serde(default)]
        env: BTreeMap<String, String>,
    },
    /// Streamable HTTP.
    Http {
        url: String,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
    /// HTTP with SSE, of servers from before 2025-03-26.
    Sse {
        url: String,
        #[serde(default)]
        headers: BTreeMap<String, String>,
    },
}

impl ToolServer {
    pub fn reads_with(&self, tool: &str) -> bool {
        self.reads.iter().any(|name| name == "*" || name == tool)
    }
}

/// The newest revision where the server has it, else the older handshake. Some old servers answer the question for the
/// newest with anything but a refusal, so they are asked once more from the beginning.
pub async fn open(server: &ToolServer) -> Result<Source, String> {
    match enter(server, newest_first()).await {
        Ok(source) => Ok(source),
        Err(first) => {
            tracing::debug!(server = server.name, first, "asked again with the older handshake");
            enter(server, ClientLifecycleMode::Initialize).await
        }
    }
}

async fn enter(server: &ToolServer, lifecycle: ClientLifecycleMode) -> Result<Source, String> {
    let mut child = None;
    let running = match &server.door {
        Door::Stdio { command, args, env } => {
            let (transport, started) = spawn(command, args, env)?;
            child = Some(started);
            Client.serve_with_lifecycle(transport, lifecycle).await
        }
        Door::Http { url, headers } => {
            let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
                .custom_headers(parsed(headers)?)
                .max_sse_event_size(MESSAGE)
                .max_json_response_size(MESSAGE);
            config.reinit_on_expired_session = true;
            let transport = StreamableHttpClientTransport::with_client(web()?, config);
            Client.serve_with_lifecycle(transport, lifecycle).await
        }
        Door::Sse { url, headers } => {
            let headers = parsed(headers)?.into_iter().collect();
            let transport = sse::open(web()?, url, headers).await?;
            // its age has one handshake only
            Client.serve(transport).await
        }
    };
    let running = running.map_err(|error| error.to_string())?;
    Ok(Source { name: server.name.clone(), foreign: true, running, child })
}

fn newest_first() -> ClientLifecycleMode {
    ClientLifecycleMode::Auto { preferred_versions: vec![ProtocolVersion::V_2026_07_28], legacy_version: None }
}

type ChildPipe = AsyncRwTransport<rmcp::RoleClient, tokio::process::ChildStdout, tokio::process::ChildStdin>;

fn spawn(
    command: &str,
    args: &[String],
    env: &BTreeMap<String, String>,
) -> Result<(ChildPipe, tokio::process::Child), String> {
    let ours = ENVIRONMENT.iter().filter_map(|name| Some((*name, std::env::var_os(name)?)));
    let mut child = Command::new(command)
        .args(args)
        .env_clear()
        .envs(ours)
        .envs(env)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| format!("{command} does not start: {error}"))?;
    let (Some(stdout), Some(stdin)) = (child.stdout.take(), child.stdin.take()) else {
        return Err(format!("{command} has no pipes"));
    };
    Ok((AsyncRwTransport::new(stdout, stdin).with_max_line_length(MESSAGE), child))
}

/// Redirects are not followed: the address is what the configuration says.
fn web() -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .build()
        .map_err(|error| error.to_string())
}

fn parsed(headers: &BTreeMap<String, String>) -> Result<HashMap<HeaderName, HeaderValue>, String> {
    let one = |(name, value): (&String, &String)| {
        let key = HeaderName::from_str(name).map_err(|_| format!("{name} is no name of a header"))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| format!("the header {name} has no usable value"))?;
        value.set_sensitive(true);
        Ok((key, value))
    };
    headers.iter().map(one).collect()
}
