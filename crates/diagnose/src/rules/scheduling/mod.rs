//! Pods that no node takes, and the one constraint that counts.

mod choose;
mod fit;
mod message;
mod placement;
mod resources;
mod waiting;

pub use waiting::scheduling;
