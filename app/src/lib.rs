//! The hub: knows every leaf and composes them.

pub mod alerts;
pub mod cli;
pub mod config;
pub mod failpoint;
pub mod http;
pub mod investigate;
pub mod jobs;
pub mod message;
pub mod prometheus;
pub mod store;
