//! Questions and orders in a person's own words.
//!
//! [`question`] and [`order`] read a text without a model and without a cluster; [`known`] finds the object among the names
//! that there are; the [`Room`] answers with rules and tools, and turns an order into a proposal. What they cannot answer goes to a
//! [`model`], whose words [`check`] holds against what was read.

mod advise;
pub mod answer;
pub mod check;
pub mod clean;
pub mod known;
mod looks;
pub mod model;
mod names;
pub mod order;
mod orders;
pub mod phrases;
pub mod prompt;
pub mod question;
mod room;
mod words;

#[cfg(test)]
mod tests;

pub use answer::{Answer, Outcome, Used};
pub use model::Advisor;
pub use room::{News, Room};
