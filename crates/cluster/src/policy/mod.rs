//! What may happen: rules over the canonical request, of which a deny always wins.

mod decide;
mod file;
mod read;
mod rule;
mod several;
mod span;
mod terms;
mod watch;
mod when;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::{Digest, Request};
use crate::class::{Classified, Scope};
use crate::identity::Identity;
use crate::limits::{Limits, Windows};
use rule::Rule;

pub use terms::Terms;
pub use watch::{Change, Found, PolicyFile};

/// Something in a policy file that has to be mended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Problem {
    pub line: usize,
    pub text: String,
}

/// What is to be decided.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    pub request: &'a Request,
    pub classified: &'a Classified,
    /// The object as it is, where there is one.
    pub live: Option<&'a Value>,
    pub identity: &'a Identity,
    pub now: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    pub effect: Effect,
    /// The rule that decided, as `rules[2]`, or `built-in`.
    pub rule: String,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    Allow,
    Approve(Terms),
    Deny,
}

/// A policy that was read without a problem.
#[derive(Debug, Clone)]
pub struct Policy {
    digest: Digest,
    /// The author's own number.
    number: u32,
    zone: jiff::tz::TimeZone,
    scope: Scope,
    rules: Vec<Rule>,
    limits: Limits,
    freeze: Windows,
}

const DEFAULT: &str = include_str!("default.yaml");

impl Policy {
    /// The policy that holds where no file is given.
    pub fn default_text() -> &'static str {
        DEFAULT
    }

    /// The JSON schema of a policy file.
    pub fn schema() -> String {
        let schema =
            schemars::generate::SchemaSettings::draft07().into_generator().into_root_schema_for::<file::File>();
        let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
        format!("{text}\n")
    }

    /// Of the text, so that every change is another version.
    pub fn version(&self) -> Digest {
        self.digest
    }

    /// The number that the author gave it.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// What has to be known about the cluster to put requests into classes.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    pub fn freeze(&self) -> &Windows {
        &self.freeze
    }
}
