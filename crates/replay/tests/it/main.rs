//! What clients of a recorded cluster see: typed clients, raw requests, all layouts.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod client;
mod harness;
mod layouts;
mod recording;
mod requests;
mod selectors;
