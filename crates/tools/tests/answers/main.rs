//! What the tools answer: facts that must be there, within bounds, the same bytes for the same input.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod bounds;
mod catalogue;
mod drop_in;
mod harness;
mod ours;
mod proposals;
mod server;
