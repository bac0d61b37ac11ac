//! The wire formats against recorded streams, the pretend server and the vendors' own SDKs.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod samples;
