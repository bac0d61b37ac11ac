//! Tool servers of other people, attached over HTTP, and what hostile ones can do: nothing.

mod contained;
mod server;
mod sse;
