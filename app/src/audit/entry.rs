//! One row of the log: who did what, under which rule, with what outcome.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::store::Millis;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[clap(rename_all = "snake_case")]
pub enum Action {
    /// A tool or a page was asked for, and the gate said yes or no.
    Decided,
    Proposed,
    Approved,
    Denied,
    Withdrawn,
    Expired,
    /// The change is about to be sent; stands in the log before the first byte leaves.
    Intended,
    Executed,
    Refused,
    /// Sent, and no answer came: what became of it is found by reading.
    Unknown,
    Resolved,
    HealthChecked,
    Granted,
    Revoked,
    Paused,
    Resumed,
    LoggedIn,
    LoginFailed,
    LoggedOut,
    UserChanged,
    TokenMade,
    TokenRevoked,
    PolicyLoaded,
    /// What a tool server says of a tool now was accepted.
    ToolTrusted,
}

/// What is to be written. Texts are redacted on the way into the log.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    pub action: Action,
    /// Who did it: a person's name, or `midwatch` for what runs by itself.
    pub actor: String,
    /// The person whose rights are used, where that is somebody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// The canonical Kubernetes request, or the arguments of the tool.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// `allow`, `approve` or `deny`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// The rule of the policy that decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The API server's status code and its `Audit-Id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// resourceVersion before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl Entry {
    pub fn new(action: Action, actor: impl Into<String>) -> Self {
        Self {
            action,
            actor: actor.into(),
            on_behalf_of: None,
            session: None,
            tool: None,
            request: None,
            class: None,
            decision: None,
            rule: None,
            proposal: None,
            digest: None,
            code: None,
            audit_id: None,
            uid: None,
            before: None,
            after: None,
            note: None,
        }
    }

    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(note.into());
        self
    }
}

/// An entry with its place in the log: the text that is stored and hashed is this, as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Numbered {
    pub seq: i64,
    pub at: Millis,
    #[serde(flatten)]
    pub entry: Entry,
}
