//! What an action can do at worst, and the verbs of the Kubernetes API.

use serde::{Deserialize, Serialize};

/// Classes of actions in rising order: read, sensitive read, reversible write, destructive write, execution, never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Class {
    R,
    S,
    W,
    D,
    X,
    N,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    Get,
    List,
    Watch,
    Create,
    Update,
    Patch,
    Apply,
    Delete,
    DeleteCollection,
    Connect,
}
