//! Tool servers of other people, attached over HTTP, and what hostile ones can do: nothing.
#![expect(clippy::unwrap_used, reason = "a helper of a test ends the test")]

mod contained;
mod orders;
mod server;
mod sse;
