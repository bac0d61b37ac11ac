//! The right to send one exact request, once.

use crate::canonical::Digest;

/// Built only where the approval of this request was consumed. `execute` takes it, so it cannot be used twice.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit {
    digest: Digest,
}

impl Permit {
    pub fn new(digest: Digest) -> Self {
        Self { digest }
    }

    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}
