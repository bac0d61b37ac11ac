//! Talk to a model: one vocabulary, one wire format a file, and tool calls found wherever the model writes them.

mod reply;
mod request;

pub use reply::{Event, Problem, Reply, Stop, ToolCall, Usage};
pub use request::{Message, Request, Thinking, Tool};
