//! Questions and orders in a person's own words.
//!
//! [`question`] and [`order`] read a text without a model and without a cluster; [`known`] finds the object among the names
//! that there are.

pub mod known;
pub mod order;
pub mod question;
mod words;

#[cfg(test)]
mod tests;
