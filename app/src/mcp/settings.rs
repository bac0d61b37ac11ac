//! The section `mcp` of the configuration.

use std::num::NonZeroU32;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The tools of an MCP server that any agent may use.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Serve `/mcp`. On an address other than loopback this needs `people`.
    pub enabled: bool,
    /// Serve `/sse` and `/messages` too, for clients that know only the transport of 2024.
    pub sse: bool,
    pub toolsets: Vec<Toolset>,
    /// Neither list nor run tools that propose changes.
    pub read_only: bool,
    /// Text of one answer at most, in KiB; 1 to 64.
    pub max_answer_kib: usize,
    /// Calls of one person in a minute.
    pub rate_per_minute: NonZeroU32,
    /// Names, with or without port, under which clients reach this server, such as `midwatch.monitoring.svc`. Loopback names
    /// and the host of `public_url` always work.
    pub allowed_hosts: Vec<String>,
    /// Origins of web pages that may call, such as `https://inspector.example:443`.
    pub allowed_origins: Vec<String>,
    /// Renders charts for `helm_install`. Without one, charts are not installed.
    pub helm: Option<Helm>,
}

/// A helm program of version 3 or 4. It only runs `helm template`; what the chart makes is proposed like any other change.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Helm {
    pub program: PathBuf,
    /// Beginnings of the references that may be rendered, such as `oci://registry.example.com/charts/`.
    pub charts: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            enabled: true,
            sse: false,
            toolsets: vec![Toolset::Core, Toolset::Config, Toolset::Ours],
            read_only: false,
            max_answer_kib: 8,
            rate_per_minute: NonZeroU32::MIN.saturating_add(599),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            helm: None,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Toolset {
    Core,
    Config,
    Helm,
    Ours,
}

impl From<Toolset> for tools::Set {
    fn from(set: Toolset) -> Self {
        match set {
            Toolset::Core => Self::Core,
            Toolset::Config => Self::Config,
            Toolset::Helm => Self::Helm,
            Toolset::Ours => Self::Ours,
        }
    }
}

impl From<Helm> for tools::Helm {
    fn from(Helm { program, charts }: Helm) -> Self {
        Self { program, charts }
    }
}

impl Settings {
    pub fn server(&self, lang: diagnose::Lang) -> tools::Settings {
        tools::Settings {
            sets: self.toolsets.iter().copied().map(tools::Set::from).collect(),
            read_only: self.read_only,
            room: self.max_answer_kib.clamp(1, 64) << 10,
            lang,
            rate_per_minute: self.rate_per_minute,
        }
    }
}
