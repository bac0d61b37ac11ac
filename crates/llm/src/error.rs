//! Why a model gave no answer: the classes of refusals, and the error that is left when every model was tried.

use serde::{Deserialize, Serialize};

/// What kind of refusal or failure it is; decides what is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    Auth,
    Quota,
    ModelNotFound,
    RateLimit,
    Overloaded,
    GatewayTimeout,
    TransientEmpty,
    ToolsUnsupported,
    ToolChoiceUnsupported,
    ToolUseFailed,
    ToolNameInvalid,
    TooManyTools,
    ToolSchemaInvalid,
    ReasoningMissing,
    ReasoningForbidden,
    StreamRequired,
    ParamUnsupported,
    MaxTokensRange,
    SystemRoleUnsupported,
    PrefillForbidden,
    ContentShape,
    RoleOrder,
    ToolPairing,
    ToolCallIdFormat,
    ArgsInvalidJson,
    SignatureMissing,
    ContextLength,
    ContentFilter,
    EmptyToolCalls,
    EmptyAnswer,
    BadRequestUnknown,
    /// the address could not be reached: refused, no such name, TLS
    Unreachable,
    /// nothing came for too long
    Timeout,
    /// the answer broke off
    IncompleteStream,
    /// the answer is larger than anybody needs
    TooLarge,
    /// no model is configured
    NoModel,
}

impl Class {
    /// As it is written in records, metrics and tables.
    pub fn name(self) -> String {
        serde_json::to_value(self).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// What a person can do about it.
    pub fn advice(self) -> &'static str {
        match self {
            Self::Auth => "check key, key_file or key_env of this model",
            Self::Quota => "the account has no credit left: top it up, or configure another model",
            Self::ModelNotFound => "check url (with its version, such as /v1) and model",
            Self::RateLimit => "the provider limits the requests: configure another model to fall back to",
            Self::Unreachable => "check url, proxy and ca_file, and whether the server runs",
            Self::NoModel => "configure one under models:",
            Self::ContextLength => "set context to what the server takes, or choose a model with a larger one",
            Self::Timeout | Self::GatewayTimeout => "the model is too slow: raise deadline_s, or choose a faster one",
            Self::ContentFilter => "the provider's filter refused the evidence: configure another model",
            Self::Overloaded | Self::TransientEmpty | Self::IncompleteStream => {
                "the provider has trouble: configure another model to fall back to"
            }
            Self::ToolsUnsupported
            | Self::ToolChoiceUnsupported
            | Self::ToolUseFailed
            | Self::ToolNameInvalid
            | Self::TooManyTools
            | Self::ToolSchemaInvalid
            | Self::ReasoningMissing
            | Self::ReasoningForbidden
            | Self::StreamRequired
            | Self::ParamUnsupported
            | Self::MaxTokensRange
            | Self::SystemRoleUnsupported
            | Self::PrefillForbidden
            | Self::ContentShape
            | Self::RoleOrder
            | Self::ToolPairing
            | Self::ToolCallIdFormat
            | Self::ArgsInvalidJson
            | Self::SignatureMissing
            | Self::EmptyToolCalls
            | Self::EmptyAnswer
            | Self::TooLarge
            | Self::BadRequestUnknown => "see `midwatch models probe`; check dialect and model",
        }
    }
}

/// One model that was asked and gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    pub model: String,
    pub class: Class,
    pub why: String,
    pub requests: u32,
}

/// No model answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub class: Class,
    /// what went wrong, and what to configure
    pub message: String,
    pub tried: Vec<Tried>,
}

impl Error {
    pub(crate) fn of(tried: Vec<Tried>) -> Self {
        let class = tried.last().map_or(Class::NoModel, |last| last.class);
        let told = |one: &Tried| format!("{}: {} ({}; {})", one.model, one.why, one.class.name(), one.class.advice());
        let message = match tried.is_empty() {
            true => format!("no model is configured: {}", class.advice()),
            false => tried.iter().map(told).collect::<Vec<_>>().join("; "),
        };
        Self { class, message, tried }
    }
}
