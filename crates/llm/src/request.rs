//! What a model is asked: a conversation, the tools it may call, and how it should answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::reply::ToolCall;

/// One turn's question to a model, in no provider's wire format.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Request {
    pub messages: Vec<Message>,
    pub tools: Vec<Tool>,
    /// the most tokens of the answer; the provider's own limit without it
    pub max_tokens: Option<u32>,
    pub thinking: Thinking,
    /// a JSON schema that the answer has to follow, where the server can enforce one
    pub schema: Option<Value>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "role", rename_all = "snake_case")]
pub enum Message {
    System {
        content: String,
    },
    User {
        content: String,
    },
    Assistant {
        content: String,
        /// what the model thought; kept because some APIs want it back, never shown as evidence
        #[serde(default)]
        reasoning: String,
        #[serde(default)]
        calls: Vec<ToolCall>,
    },
    /// The result of the call with this id.
    Tool {
        id: String,
        name: String,
        content: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    pub name: String,
    pub description: String,
    /// JSON schema of the arguments, an object's
    pub parameters: Value,
}

/// How much the model should think before it answers, where it can be told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Thinking {
    Off,
    Low,
    /// nothing is sent: the provider's own default
    #[default]
    Default,
}
