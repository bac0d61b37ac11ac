//! The classes and verbs that the gate knows.

pub use cluster::{Class, Verb};
