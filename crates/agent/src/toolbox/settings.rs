//! The `tool_servers:` section of the configuration: MCP servers of other people whose tools may be used to read.

use std::collections::BTreeMap;
use std::fs::read_to_string;
use std::path::{Path, PathBuf};
use std::time::Duration;

use llm::settings::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::oauth::{Grant, OAuth};

/// Another MCP server: a program (`command`) or an address (`url`).
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ToolServer {
    /// A name of your choice; its tools are called `name_tool`.
    pub name: String,
    /// A program that speaks MCP on its standard input and output.
    #[serde(default)]
    pub command: Option<String>,
    #[serde(default)]
    pub args: Vec<String>,
    /// Its environment beside PATH, HOME and the language.
    #[serde(default)]
    pub env: BTreeMap<String, Secret>,
    /// Variables whose values stand in files.
    #[serde(default)]
    pub env_files: BTreeMap<String, PathBuf>,
    /// Address of a server that speaks MCP over HTTP.
    #[serde(default)]
    pub url: Option<String>,
    /// `sse` for servers from before 2025-03-26.
    #[serde(default)]
    pub transport: Transport,
    /// More headers for every request.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// Sent as a bearer token.
    #[serde(default)]
    pub key: Option<Secret>,
    /// File that holds the key. Read at each connection, so that the key may be renewed.
    #[serde(default)]
    pub key_file: Option<PathBuf>,
    /// Environment variable that holds the key.
    #[serde(default)]
    pub key_env: Option<String>,
    /// PEM file with certificates that are trusted beside the machine's own.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How a token is got where the server wants one by OAuth.
    #[serde(default)]
    pub oauth: Option<OAuth>,
    /// What is done when a tool asks back with a form.
    #[serde(default)]
    pub elicitation: Elicitation,
    /// The tools that only read, by name; `*` for all of them. Others are not offered: this program cannot tell what
    /// they do, and changes go through approvals.
    pub reads: Vec<String>,
    /// Seconds for it to be there and to name its tools.
    #[serde(default = "attach")]
    pub attach_s: u32,
    /// Seconds for one call.
    #[serde(default = "call")]
    pub call_s: u32,
}

/// How an address is spoken to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// streamable HTTP
    #[default]
    Http,
    /// HTTP with SSE
    Sse,
}

/// A form that a tool sends back before it answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Elicitation {
    /// the server is told that nobody fills in forms
    #[default]
    Decline,
    /// it is handed in with the defaults that it came with, where that is enough
    Defaults,
}

fn attach() -> u32 {
    10
}

fn call() -> u32 {
    30
}

impl ToolServer {
    fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            command: None,
            args: Vec::new(),
            env: BTreeMap::new(),
            env_files: BTreeMap::new(),
            url: None,
            transport: Transport::Http,
            headers: BTreeMap::new(),
            key: None,
            key_file: None,
            key_env: None,
            ca_file: None,
            oauth: None,
            elicitation: Elicitation::Decline,
            reads: vec!["*".to_owned()],
            attach_s: attach(),
            call_s: call(),
        }
    }

    /// A program, all of whose tools read.
    pub fn program(name: impl Into<String>, command: impl Into<String>, args: Vec<String>) -> Self {
        Self { command: Some(command.into()), args, ..Self::new(name) }
    }

    /// An address, all of whose tools read.
    pub fn at(name: impl Into<String>, url: impl Into<String>) -> Self {
        Self { url: Some(url.into()), ..Self::new(name) }
    }

    pub(super) fn reads_with(&self, tool: &str) -> bool {
        self.reads.iter().any(|name| name == "*" || name == tool)
    }

    /// Whether a person's login is what it may lack.
    pub(super) fn logs_in(&self) -> bool {
        self.oauth.as_ref().is_some_and(|oauth| oauth.grant == Grant::AuthorizationCode)
    }

    pub(super) fn attach_limit(&self) -> Duration {
        Duration::from_secs(self.attach_s.into())
    }

    pub(super) fn call_limit(&self) -> Duration {
        Duration::from_secs(self.call_s.into())
    }

    /// The environment of the program, secrets read from their files.
    pub(super) fn environment(&self) -> Result<BTreeMap<String, String>, String> {
        let mut all: BTreeMap<String, String> =
            self.env.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned())).collect();
        for (name, path) in &self.env_files {
            all.insert(name.clone(), from_file("env_files", path)?);
        }
        Ok(all)
    }

    /// The headers of each request, the key among them.
    pub(super) fn all_headers(&self) -> Result<BTreeMap<String, String>, String> {
        let mut all: BTreeMap<String, String> =
            self.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.reveal().to_owned())).collect();
        if let Some(key) = self.bearer()? {
            all.entry("authorization".to_owned()).or_insert_with(|| format!("Bearer {key}"));
        }
        Ok(all)
    }

    fn bearer(&self) -> Result<Option<String>, String> {
        if let Some(path) = &self.key_file {
            return from_file("key_file", path).map(Some);
        }
        if let Some(name) = &self.key_env {
            let value = std::env::var(name).unwrap_or_default();
            return match value.trim() {
                "" => Err(format!("key_env: the variable {name} is not set")),
                value => Ok(Some(value.to_owned())),
            };
        }
        Ok(self.key.as_ref().map(|key| key.reveal().trim().to_owned()))
    }

    /// What is wrong, found without asking anybody.
    pub fn problems(&self) -> Vec<String> {
        let mut found = Vec::new();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if self.name.is_empty() || !self.name.chars().all(plain) || self.name.len() > 32 {
            found.push("`name` has to be 1 to 32 letters, digits, `-` or `_`: tools are called after it".to_owned());
        }
        match (&self.command, &self.url) {
            (None, None) | (Some(_), Some(_)) => found.push("give either `command` or `url`".to_owned()),
            (Some(command), None) if command.trim().is_empty() => found.push("`command` is empty".to_owned()),
            (Some(_), None) => found.extend(self.only_of_an_address()),
            (None, Some(url)) => {
                // not repeated: it may hold a key
                if !reqwest::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
                {
                    found.push("`url` is no http or https address".to_owned());
                }
                if !(self.args.is_empty() && self.env.is_empty() && self.env_files.is_empty()) {
                    found.push("`args`, `env` and `env_files` belong to a `command`".to_owned());
                }
            }
        }
        let given = [self.key.is_some(), self.key_file.is_some(), self.key_env.is_some()];
        if given.iter().filter(|one| **one).count() > 1 {
            found.push("give one of `key`, `key_file` and `key_env`".to_owned());
        }
        if let Some(oauth) = &self.oauth {
            found.extend(oauth.problems());
            if given.contains(&true) || self.transport == Transport::Sse {
                found.push("`oauth` goes with `transport: http`, and without a `key`".to_owned());
            }
        }
        for (name, value) in &self.headers {
            let good = http::HeaderName::from_bytes(name.as_bytes()).is_ok()
                && http::HeaderValue::from_str(value.reveal()).is_ok();
            if !good {
                found.push(format!("`headers`: `{name}` is no header"));
            }
        }
        if self.reads.is_empty() {
            found.push("`reads` is empty: name the tools that only read, or nothing of it is offered".to_owned());
        }
        if self.attach_s == 0 || self.call_s == 0 {
            found.push("`attach_s` and `call_s` have to be at least 1".to_owned());
        }
        found
    }

    fn only_of_an_address(&self) -> Option<String> {
        let none = self.headers.is_empty()
            && self.key.is_none()
            && self.key_file.is_none()
            && self.key_env.is_none()
            && self.oauth.is_none()
            && self.ca_file.is_none();
        (!none).then(|| {
            "`headers`, `key`, `oauth` and `ca_file` belong to a `url`; a program gets its secrets by `env`".to_owned()
        })
    }
}

pub(super) fn from_file(field: &str, path: &Path) -> Result<String, String> {
    let text = read_to_string(path).map_err(|error| format!("{field} {}: {error}", path.display()))?;
    match text.trim() {
        "" => Err(format!("{field} {}: the file is empty", path.display())),
        value => Ok(value.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::ToolServer;

    fn read(json: serde_json::Value) -> ToolServer {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn what_cannot_work_is_told_at_once() {
        let wrong = |json| read(json).problems().join("; ");
        use serde_json::json;
        assert_eq!(wrong(json!({"name": "time", "command": "uvx", "args": ["mcp-server-time"], "reads": ["now"]})), "");
        assert_eq!(wrong(json!({"name": "grafana", "url": "https://g/mcp", "key_env": "KEY", "reads": ["*"]})), "");
        assert!(wrong(json!({"name": "a b", "command": "x", "reads": ["*"]})).contains("`name`"));
        assert!(wrong(json!({"name": "a", "reads": ["*"]})).contains("either"));
        assert!(wrong(json!({"name": "a", "command": "x", "url": "http://x", "reads": ["*"]})).contains("either"));
        assert!(wrong(json!({"name": "a", "command": "x", "key": "k", "reads": ["*"]})).contains("by `env`"));
        assert!(wrong(json!({"name": "a", "url": "http://x", "args": ["k"], "reads": ["*"]})).contains("`command`"));
        assert!(wrong(json!({"name": "a", "url": "file:///x", "reads": []})).contains("no http"));
        assert!(wrong(json!({"name": "a", "url": "http://x", "reads": []})).contains("`reads` is empty"));
        let oauth = |oauth| wrong(json!({"name": "a", "url": "http://x", "oauth": oauth, "reads": ["*"]}));
        assert_eq!(oauth(json!({})), "");
        assert!(oauth(json!({"grant": "client_credentials", "client_id": "me"})).contains("client_secret_file"));
        assert!(oauth(json!({"client_secret": "hush"})).contains("needs its `client_id`"));
        let secret = read(json!({"name": "a", "url": "http://x", "headers": {"x-key": "hunter2"}, "reads": ["*"]}));
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
