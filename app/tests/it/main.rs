//! The integration tests: one binary, one file for each path.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

mod accepted;
mod advice;
mod approvals;
#[cfg(feature = "failpoints")]
mod approvals_crash;
mod approvals_helm;
mod approvals_http;
mod ask;
mod asked;
mod audit;
mod captures;
mod cases;
mod cli;
mod config;
mod cost;
mod deliver;
mod deliver_escape;
mod deliver_store;
mod deploy;
mod disk;
mod enemy;
mod enemy_agent;
mod evals;
#[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "the shim is Linux's"))]
mod faultfs;
mod faults;
mod gaps;
mod gate;
mod harness;
mod intake;
mod mcp;
mod model;
mod model_bed;
#[cfg(feature = "failpoints")]
mod model_crash;
mod model_faults;
mod people;
mod planted;
#[cfg(target_os = "linux")]
mod powercut;
mod program;
mod proxy;
mod runs;
mod sdk;
mod seed;
mod senders;
mod small_model;
mod states;
#[cfg(target_os = "linux")]
mod storefaults;
#[cfg(target_os = "linux")]
mod talk;
#[cfg(target_os = "linux")]
mod terminal;
mod testbed;
mod tool_servers;
mod tool_servers_login;
mod verdict;
