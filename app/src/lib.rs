//! The hub: knows every leaf and composes them.

pub mod cli;
pub mod config;
pub mod investigate;
pub mod message;
pub mod prometheus;
