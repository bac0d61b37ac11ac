//! The HTTP side: who may speak, what is accepted, what is answered.

pub mod approvals;
pub mod auth;
mod body;
mod error;
mod health;
mod incidents;
pub mod login;
mod meters;
pub mod router;
pub mod serve;
mod settings;
mod webhooks;

use std::sync::Arc;
use std::time::Duration;

pub use approvals::Desk;
pub use error::ApiError;
pub use login::{Doors, Someone};
pub use meters::install as install_metrics;
pub use router::{desk, pages, people, router};
pub use serve::serve;
pub use settings::{Credential, Proof, Settings, Signature};

use crate::alerts::Intake;

/// A client for asking other programs on the network.
pub fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder().connect_timeout(Duration::from_secs(5)).timeout(Duration::from_secs(10)).build()
}

/// Parts other than the store that are not ready, each with the reason.
pub type Unready = Box<dyn Fn() -> Vec<(String, String)> + Send + Sync>;

/// What the handlers share.
pub struct Http {
    intake: Intake,
    auth: auth::Auth,
    settings: Settings,
    bodies: body::Bodies,
    metrics: Option<meters::Handle>,
    started_at: crate::store::Millis,
    unready: Unready,
}

impl Http {
    pub fn new(intake: Intake, settings: Settings, unready: Unready) -> Arc<Self> {
        Arc::new(Self {
            intake,
            auth: auth::Auth::new(&settings),
            bodies: body::Bodies::new(),
            metrics: meters::install(),
            started_at: crate::store::now(),
            unready,
            settings,
        })
    }
}
