//! The loop against a scripted model: every way in which a run can go, and that it ends with an answer.

mod endings;
mod harness;
mod replies;
mod resume;
