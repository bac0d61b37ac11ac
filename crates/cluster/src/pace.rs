//! How much one client may ask of an API server, and how long it waits.

use std::time::Duration;

#[derive(Debug, Clone)]
pub struct Limits {
    /// For one request: queue, answer, retries and body together.
    pub timeout: Duration,
    /// How long a watch or a followed log may stay open; its first answer still has to come within `timeout`.
    pub stream: Duration,
    /// Requests under way at once. A stream gives its place back when it is open.
    pub concurrency: usize,
    /// Requests per second that may leave in the long run; 0 counts as 1.
    pub rate: u32,
    /// Requests that may leave at once after a rest; 0 counts as 1.
    pub burst: u32,
    /// Bytes of one body after decompression, or of one line of a stream.
    pub body: usize,
    /// How often a 429 or 503 that names `Retry-After` is tried again.
    pub retries: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(15),
            stream: Duration::from_secs(600),
            concurrency: 16,
            // A diagnosis asks some 30 times: ten begin at once, and three a second go on in a storm.
            rate: 100,
            burst: 300,
            body: 64 << 20,
            retries: 2,
        }
    }
}
