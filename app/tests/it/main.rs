//! The integration tests: one binary, one file for each path.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop there")]

mod asked;
mod audit;
mod captures;
mod cases;
mod cli;
mod config;
mod deliver;
mod deliver_escape;
mod deliver_store;
mod disk;
mod faults;
mod gaps;
mod harness;
mod intake;
mod people;
mod sdk;
mod seed;
mod senders;
mod states;
mod testbed;
mod torture;
