//! A recorded cluster: loads a folder, serves it as a Kubernetes API, records one from a live cluster.

mod catalog;
mod kinds;
mod load;
mod metrics;
pub mod record;
mod recording;
mod secret;
mod selector;
mod serve;

pub use load::LoadError;
pub use metrics::Metrics;
pub use recording::Recording;
pub use serve::Replay;
