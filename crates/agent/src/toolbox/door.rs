//! How another tool server is reached: a child process, streamable HTTP, or the older HTTP with SSE.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::process::Stdio;
use std::str::FromStr;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use rmcp::ServiceExt;
use rmcp::model::ProtocolVersion;
use rmcp::service::{ClientInitializeError, ClientLifecycleMode, ClientServiceExt};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::async_rw::AsyncRwTransport;
use rmcp::transport::auth::AuthClient;
use rmcp::transport::streamable_http_client::{StreamableHttpClientTransportConfig, StreamableHttpError};
use tokio::process::Command;

use super::client::Client;
use super::settings::{ToolServer, Transport};
use super::source::Source;
use super::tokens::Tokens;
use super::{oauth, sse};

/// Bytes of one message; larger ones are dropped before they are read.
pub const MESSAGE: usize = 4 << 20;
/// What a child process sees of our environment: none of it is a secret.
const ENVIRONMENT: &[&str] = &["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"];

/// The newest revision where the server has it, else the older handshake. Some old servers answer the question for the
/// newest with anything but a refusal, so they are asked once more from the beginning.
pub async fn open(server: &ToolServer, tokens: &Tokens) -> Result<Source, Failed> {
    match enter(server, tokens, newest_first()).await {
        Ok(source) => Ok(source),
        // nobody comes in by another handshake who has no token
        Err(first) if first.challenge.is_some() => Err(first),
        Err(first) => {
            tracing::debug!(server = server.name, first = first.what, "asked again with the older handshake");
            enter(server, tokens, ClientLifecycleMode::Initialize).await
        }
    }
}

/// Why a server did not do what it was asked.
#[derive(Debug)]
pub struct Failed {
    pub what: String,
    /// what it said when it wanted a token, or one with more rights
    pub challenge: Option<String>,
}

impl From<String> for Failed {
    fn from(what: String) -> Self {
        Self { what, challenge: None }
    }
}

async fn enter(server: &ToolServer, tokens: &Tokens, lifecycle: ClientLifecycleMode) -> Result<Source, Failed> {
    let client = Client { elicitation: server.elicitation };
    let mut child = None;
    let running = match (&server.command, &server.url, server.transport) {
        (Some(command), _, _) => {
            let (transport, started) = spawn(command, &server.args, &server.environment()?)?;
            child = Some(started);
            client.serve_with_lifecycle(transport, lifecycle).await
        }
        (None, Some(url), Transport::Http) => {
            let mut config = StreamableHttpClientTransportConfig::with_uri(url.as_str())
                .custom_headers(parsed(&server.all_headers()?)?)
                .max_sse_event_size(MESSAGE)
                .max_json_response_size(MESSAGE);
            config.reinit_on_expired_session = true;
            let http = web(server)?;
            match &server.oauth {
                None => {
                    let transport = StreamableHttpClientTransport::with_client(http, config);
                    client.serve_with_lifecycle(transport, lifecycle).await
                }
                Some(oauth) => {
                    let http = AuthClient::new(http, oauth::ready(server, oauth, tokens).await?);
                    let transport = StreamableHttpClientTransport::with_client(http, config);
                    client.serve_with_lifecycle(transport, lifecycle).await
                }
            }
        }
        (None, Some(url), Transport::Sse) => {
            let headers = parsed(&server.all_headers()?)?.into_iter().collect();
            let transport = sse::open(web(server)?, url, headers).await?;
            // its age has one handshake only
            client.serve(transport).await
        }
        (None, None, _) => return Err("it has neither `command` nor `url`".to_owned().into()),
    };
    let running = running
        .map_err(|error| Failed { what: told(server, &error), challenge: error.auth_challenge().map(str::to_owned) })?;
    Ok(Source { name: server.name.clone(), running, child })
}

/// What went wrong, with its first cause, without what may be a key in the address.
fn told(server: &ToolServer, error: &ClientInitializeError) -> String {
    let error: &(dyn Error + 'static) = match error {
        ClientInitializeError::LegacyFallbackFailed { fallback, .. } => return told(server, fallback),
        // what it is wrapped in names Rust types
        ClientInitializeError::TransportError { error, .. } => &*error.error,
        other => other,
    };
    let error: &(dyn Error + 'static) = match error.downcast_ref::<StreamableHttpError<reqwest::Error>>() {
        Some(StreamableHttpError::Client(inner)) => inner,
        Some(_) | None => error,
    };
    let mut cause = error;
    while let Some(before) = cause.source() {
        cause = before;
    }
    let (mut text, cause) = (error.to_string(), cause.to_string());
    if !text.contains(&cause) {
        text = format!("{cause} ({text})");
    }
    let url = server.url.as_deref().and_then(|url| reqwest::Url::parse(url).ok());
    let hidden = url.as_ref().and_then(reqwest::Url::query);
    hidden.map_or_else(|| text.clone(), |hidden| text.replace(hidden, "***"))
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
pub fn web(server: &ToolServer) -> Result<reqwest::Client, String> {
    let mut builder = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(10))
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0);
    if let Some(path) = &server.ca_file {
        let told = |error: &dyn std::fmt::Display| format!("ca_file {}: {error}", path.display());
        let pem = std::fs::read(path).map_err(|error| told(&error))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| told(&error))?;
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|error| error.to_string())
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
