//! Secrets in the configuration: written inline or read from a file at each use, never printed.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize, Serializer};

use crate::error::SendError;

/// A secret value. As `Debug` and when serialized it is three stars.
#[derive(Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Wrap a value.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

/// The value of a secret that may stand inline or in a file. A file is read each time, so that rotation needs no restart.
pub fn optional(name: &str, inline: Option<&Secret>, file: Option<&Path>) -> Result<Option<String>, SendError> {
    let Some(path) = file else {
        return Ok(inline.map(|s| s.0.clone()));
    };
    let text =
        std::fs::read_to_string(path).map_err(|e| SendError::config(format!("{name}_file {}: {e}", path.display())))?;
    let value = text.trim();
    if value.is_empty() {
        return Err(SendError::config(format!("{name}_file {}: the file is empty", path.display())));
    }
    Ok(Some(value.to_owned()))
}

/// As [`optional`], but the secret must be there.
pub(crate) fn required(name: &str, inline: Option<&Secret>, file: Option<&Path>) -> Result<String, SendError> {
    optional(name, inline, file)?.ok_or_else(|| SendError::config(format!("set {name} or {name}_file")))
}

/// A problem with a secret's two fields, found without reading the file.
pub(crate) fn problem(name: &str, inline: Option<&Secret>, file: Option<&Path>, must: bool) -> Option<String> {
    match (inline, file) {
        (Some(_), Some(_)) => Some(format!("set {name} or {name}_file, not both")),
        (None, None) if must => Some(format!("set {name} or {name}_file")),
        (Some(s), None) if s.0.trim().is_empty() => Some(format!("{name} is empty")),
        (Some(_), None) | (None, Some(_)) | (None, None) => None,
    }
}
