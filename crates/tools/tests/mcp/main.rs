//! The server over HTTP as its clients and its attackers meet it: the requirements M1 to M18 on an MCP server, each under its
//! number, and random input.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on should stop there")]

mod approvals;
mod bearers;
mod calls;
mod door;
mod fuzz;
mod hands;
mod harness;
mod protocol;
mod sessions;
mod sse;
