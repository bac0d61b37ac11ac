//! The hub: knows every leaf and composes them.

pub mod cli;
pub mod investigate;
pub mod prometheus;
