//! Calls printed as text: every sample, cut everywhere, in noise, mutated; and ordinary text, which has none.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop at the first surprise")]

mod hostile;
mod negatives;
mod rows;
mod samples;
mod splits;
