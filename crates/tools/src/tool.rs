//! One tool: the text that a model sees beside the code that runs.

pub mod alerts_list;
pub mod apply_preview;
pub mod changes;
pub mod configuration_contexts_list;
pub mod configuration_view;
pub mod describe;
pub mod diagnose;
pub mod events_list;
pub mod evidence;
pub mod explain;
pub mod helm_install;
pub mod helm_list;
pub mod helm_uninstall;
pub mod logs_search;
pub mod namespaces_list;
pub mod nodes_log;
pub mod nodes_stats_summary;
pub mod nodes_top;
pub mod pods_delete;
pub mod pods_exec;
pub mod pods_get;
pub mod pods_list;
pub mod pods_list_in_namespace;
pub mod pods_log;
pub mod pods_run;
pub mod pods_top;
pub mod projects_list;
pub mod proposal_status;
pub mod query_metrics;
pub mod resources_create_or_update;
pub mod resources_delete;
pub mod resources_get;
pub mod resources_list;
pub mod resources_scale;
pub mod rollout;
pub mod search;
pub mod wait_for;
pub mod who_can;

use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::answer::Answer;
use crate::context::Context;
use crate::trouble::Trouble;
use cluster::Class;

pub type Arguments = Map<String, Value>;
pub type Call = for<'a> fn(&'a Context, Arguments) -> BoxFuture<'a, Result<Answer, Trouble>>;

/// Groups of tools that the configuration switches on and off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Set {
    Core,
    Config,
    Helm,
    Ours,
}

impl Set {
    pub const ALL: [Self; 4] = [Self::Core, Self::Config, Self::Helm, Self::Ours];

    pub fn name(self) -> &'static str {
        match self {
            Self::Core => "core",
            Self::Config => "config",
            Self::Helm => "helm",
            Self::Ours => "ours",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|set| set.name() == name)
    }
}

pub struct Tool {
    pub name: &'static str,
    pub title: &'static str,
    /// When to use it, in few words: small models read this.
    pub description: &'static str,
    /// The least class that a call can have. Annotations follow from it.
    pub class: Class,
    pub set: Set,
    /// Whether it reads or changes a cluster: then it takes `context` where there are several.
    pub cluster_aware: bool,
    /// JSON schema of the arguments, without `$ref`. Checked before `call` runs.
    pub input: fn() -> Value,
    /// JSON schema of `Answer::data`.
    pub output: fn() -> Value,
    /// Spellings of arguments that older clients use, each with today's name. They are accepted and not listed.
    pub old_spellings: &'static [(&'static str, &'static str)],
    pub call: Call,
}

/// What the four hints of MCP say of a class. They inform; nothing is enforced by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hints {
    pub read_only: bool,
    pub destructive: bool,
    pub idempotent: bool,
    pub open_world: bool,
}

impl Hints {
    pub fn of(class: Class) -> Self {
        let (read_only, destructive) = match class {
            Class::R | Class::S => (true, false),
            Class::W => (false, false),
            Class::D | Class::X | Class::N => (false, true),
        };
        // what a cluster holds is written by anyone, so every answer comes from an open world
        Self { read_only, destructive, idempotent: read_only, open_world: true }
    }
}
