//! The wire formats against recorded streams, the pretend server and the vendors' own SDKs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop at the first surprise")]

mod ask;
mod bodies;
mod models;
mod pretend;
mod properties;
mod rules;
mod samples;
mod sdk;
