//! Talk to a model: one vocabulary, one wire format a file, and tool calls found wherever the model writes them.

mod assemble;
mod dialect;
#[cfg(feature = "pretend")]
pub mod pretend;
pub mod provider;
mod reply;
mod request;
pub mod settings;
mod sse;

pub use assemble::Finished;
pub use dialect::Decoder;
pub use reply::{Event, Problem, Reply, Stop, ToolCall, Usage};
pub use request::{Message, Request, Thinking, Tool};
pub use settings::{Dialect, Settings, SettingsError};
