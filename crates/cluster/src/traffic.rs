//! Counts what went through the gate.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

#[derive(Debug, Default)]
pub struct Traffic {
    requests: AtomicU64,
    bytes: AtomicU64,
    retries: AtomicU64,
    denied: AtomicU64,
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Requests that left, retries included.
    pub requests: u64,
    /// Body bytes read, after decompression.
    pub bytes: u64,
    pub retries: u64,
    /// Requests refused before they left.
    pub denied: u64,
}

impl Traffic {
    pub fn snapshot(&self) -> Totals {
        Totals {
            requests: self.requests.load(Relaxed),
            bytes: self.bytes.load(Relaxed),
            retries: self.retries.load(Relaxed),
            denied: self.denied.load(Relaxed),
        }
    }

    pub(crate) fn request(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn retry(&self) {
        self.retries.fetch_add(1, Relaxed);
    }

    pub(crate) fn deny(&self) {
        self.denied.fetch_add(1, Relaxed);
    }
}
