//! What a model answered, and the events while it answers.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A whole answer, assembled from its stream.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reply {
    /// what a reader sees: no reasoning, no calls, no markers
    pub content: String,
    pub reasoning: String,
    pub calls: Vec<ToolCall>,
    pub stop: Stop,
    pub usage: Usage,
    /// what is wrong with an answer that came with status 200
    pub problem: Option<Problem>,
    /// why a call was not taken, in words for the model
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invalid: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// the provider's own id, or one of ours where it gave none
    pub id: String,
    pub name: String,
    pub arguments: Map<String, Value>,
    /// what the provider wants back with the call, unread (a thought signature)
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Value>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    ToolCalls,
    #[default]
    Stop,
    Length,
    Error,
}

/// Tokens as the provider counts them; zero where it does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    pub input: u64,
    pub cached: u64,
    pub output: u64,
}

/// What can be wrong with an answer although the server said 200.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Problem {
    IncompleteStream,
    TruncatedCall,
    EmptyToolCalls,
    EmptyAnswer,
    EmptyBody,
    ContextLength,
    /// an error inside the stream, with its code
    Upstream(String),
}

/// What happens while a model answers, in the order in which it happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// text for the reader, never a part of a marker or of a call
    Text {
        text: String,
    },
    Reasoning {
        text: String,
    },
    /// a call begins; its arguments are not known yet
    Call {
        name: String,
    },
    /// something was switched off or changed so that the provider accepts the request, in one line for people
    Step {
        model: String,
        what: String,
    },
    /// another provider of the list is asked from here on; what was streamed so far is void
    Restart {
        model: String,
        why: String,
    },
}
