//! The crate from outside: rendering, pretend servers, vendors' SDKs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop at the first surprise")]

mod config;
mod mail;
mod render;
mod sample;
mod sdk;
mod send;
