//! Our MCP server: tools for any agent, one a file under `tool/`, the page that lists them in `list.rs`.
//!
//! A tool turns arguments into an answer and knows nothing of the protocol. The server around it checks the arguments
//! against the tool's schema, asks the hub whether this caller may, bounds and redacts what comes back.

mod age;
mod answer;
mod arguments;
mod change;
mod columns;
mod context;
mod diff;
mod doc;
mod events;
mod fold;
mod hands;
mod helm;
pub mod http;
mod kind;
mod list;
mod listing;
mod manifest;
mod page;
mod pods;
mod proposing;
mod read;
mod revisions;
mod schema;
pub mod scope;
mod seal;
mod server;
mod shape;
mod stdio;
mod target;
pub mod tool;
mod trim;
mod trouble;
mod usage;
mod yaml;

pub use answer::{Answer, cut};
pub use context::{Caller, Context, Progress, Step};
pub use doc::tools_doc;
pub use hands::{Change, ContextName, Decision, Document, Hands, OnlyReading, Proposed, Standing};
pub use helm::Helm;
pub use list::TOOLS;
pub use schema::accept;
pub use seal::{Bound, Seals};
pub use server::{Server, Settings};
pub use stdio::serve as serve_stdio;
pub use tool::{Arguments, Call, Set, Tool};
pub use trouble::Trouble;
