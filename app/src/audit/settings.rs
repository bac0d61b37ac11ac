//! The section `audit` of the configuration.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Seconds between signed checkpoints, while there is something new.
    pub checkpoint_seconds: u64,
    /// A file outside the data directory to which each checkpoint is appended as a line of JSON, so that a cut or
    /// rewritten log shows. Each is also written to the program's own log.
    pub checkpoint_file: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { checkpoint_seconds: 60, checkpoint_file: None }
    }
}
