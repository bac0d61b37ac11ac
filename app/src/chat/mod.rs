//! Questions and orders in a person's own words.
//!
//! [`question`] and [`order`] read a text without a model and without a cluster; [`known`] finds the object among the names
//! that there are; the [`Room`] answers with rules and tools, and turns an order into a proposal.

pub mod answer;
pub mod known;
mod looks;
mod names;
pub mod order;
mod orders;
pub mod phrases;
pub mod question;
mod room;
mod words;

#[cfg(test)]
mod tests;

pub use answer::{Answer, Outcome, Used};
pub use room::Room;
