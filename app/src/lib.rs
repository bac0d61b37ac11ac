//! The hub: knows every leaf and composes them.

pub mod alerts;
pub mod app;
pub mod approvals;
pub mod audit;
pub mod chat;
pub mod cli;
pub mod config;
pub mod deliver;
pub mod doctor;
pub mod eval;
pub mod failpoint;
pub mod hands;
pub mod http;
pub mod investigate;
pub mod jobs;
pub mod log;
pub mod lookup;
pub mod mcp;
pub mod message;
pub mod people;
pub mod prometheus;
pub mod runs;
pub mod store;
pub mod toolbox;
