//! Talk to a model: one vocabulary, one wire format a file, and tool calls found wherever the model writes them.

mod assemble;
mod attempt;
mod dialect;
pub mod error;
mod ladder;
mod memory;
mod models;
mod names;
mod normalise;
mod prepare;
#[cfg(feature = "pretend")]
pub mod pretend;
mod probe;
pub mod provider;
pub mod refusal;
mod reply;
mod request;
mod schema;
pub mod settings;
mod shrink;
mod sse;
pub mod text;
pub mod tokens;
mod transport;
mod turn;
mod wait;

pub use assemble::{Finished, calls_in};
pub use dialect::{Decoder, join};
pub use error::{Class, Error, Tried};
pub use models::{Answer, MOST_EXTRA, Models};
pub use probe::{Failed, Probe, Thinks, Works, probe};
pub use refusal::Refusal;
pub use reply::{Event, Problem, Reply, Stop, ToolCall, Usage};
pub use request::{Message, Request, Thinking, Tool};
pub use settings::{Dialect, Settings, SettingsError};
