//! The first door: what monitoring systems send, made into alerts, episodes and incidents, stored before the answer.

pub mod alert;
pub mod apply;
pub mod episodes;
pub mod group;
pub mod identity;
pub mod ingest;
pub mod object;
pub mod parse;
mod queue;
pub mod reconcile;
mod settings;
pub mod sweep;
pub mod tell;

pub use alert::{Alert, Batch, Severity, Source};
pub use ingest::{Accepted, Intake};
pub use queue::Queue;
pub use settings::Settings;
pub use tell::{IncidentView, Routes};
