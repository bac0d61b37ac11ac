//! How often one caller may call.

use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::trouble::Trouble;

pub struct Limit {
    per_minute: NonZeroU32,
    limiter: DefaultKeyedRateLimiter<String>,
}

impl Limit {
    pub fn new(per_minute: NonZeroU32) -> Self {
        // names come from verified callers, so the map is as large as the list of people
        Self { per_minute, limiter: RateLimiter::keyed(Quota::per_minute(per_minute)) }
    }

    pub fn admit(&self, caller: &str) -> Result<(), Trouble> {
        self.limiter.check_key(&caller.to_owned()).map_err(|until| {
            let seconds = until.wait_time_from(DefaultClock::default().now()).as_secs() + 1;
            Trouble::Refused(format!(
                "Too many calls: {} a minute are allowed. Wait {seconds} seconds, and ask for more with one call.",
                self.per_minute
            ))
        })
    }
}
