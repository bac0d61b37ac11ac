//! The opaque token that says where the next page of a list starts.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use super::failure::Failure;
use crate::catalog::Object;

#[derive(Serialize, Deserialize)]
pub(super) struct Token {
    resource_version: String,
    namespace: String,
    name: String,
}

impl Token {
    pub fn after(object: &Object, resource_version: &str) -> Self {
        Self {
            resource_version: resource_version.to_owned(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
        }
    }

    pub fn write(&self) -> String {
        let json = serde_json::to_string(self).unwrap_or_default();
        json.bytes().fold(String::new(), |mut hex, byte| {
            let _ = write!(hex, "{byte:02x}");
            hex
        })
    }

    pub fn read(text: &str, resource_version: &str) -> Result<Self, Failure> {
        let token = bytes_of(text).and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok());
        token.filter(|token| token.resource_version == resource_version).ok_or_else(|| {
            Failure::expired(
                "The provided continue parameter is too old to display a consistent list result. \
                 You must start a new list without the continue parameter.",
            )
        })
    }

    pub fn is_before(&self, object: &Object) -> bool {
        (self.namespace.as_str(), self.name.as_str()) < (object.namespace.as_str(), object.name.as_str())
    }
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    if !hex.is_ascii() || !hex.len().is_multiple_of(2) {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
}
