//! Talk to a model: one vocabulary, one wire format a file, and tool calls found wherever the model writes them.

pub mod provider;
mod reply;
mod request;
pub mod settings;

pub use reply::{Event, Problem, Reply, Stop, ToolCall, Usage};
pub use request::{Message, Request, Thinking, Tool};
pub use settings::{Dialect, Settings, SettingsError};
