//! The loop against a scripted model: every way in which a run can go, and that it ends with an answer.
#![expect(clippy::unwrap_used, reason = "a helper of a test ends the test")]

mod endings;
mod harness;
mod replies;
mod resume;
