//! The black box: a run of a model as one document, told to people, and run again without a cluster.

pub mod clean;
mod figures;
mod replay;
mod tape;
mod tell;
mod transcript;

pub use figures::Figures;
pub use replay::{Replayed, Wish, replay};
pub use tell::{Length, page, side_by_side};
pub use transcript::{Stamped, Transcript, Verdict};
