//! How fast a robot may speak: sliding windows over its last messages, and silence after a punishment. Pure: time is
//! passed in.
//!
//! Windows slide instead of refilling a bucket, because a bucket lets twice its size through around a minute's border
//! and DingTalk answers that with ten minutes of silence.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// At most `count` messages in any span of `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Messages.
    pub count: usize,
    /// Span.
    pub per: Duration,
}

impl Window {
    /// A window.
    pub const fn new(count: usize, per: Duration) -> Self {
        Self { count, per }
    }
}

/// One robot's pace.
#[derive(Clone, Debug)]
pub struct Limiter {
    windows: Vec<Window>,
    sent: VecDeque<Timestamp>,
    muted_until: Option<Timestamp>,
}

impl Limiter {
    /// A robot that has not spoken yet.
    pub fn new(windows: &[Window]) -> Self {
        Self { windows: windows.to_vec(), sent: VecDeque::new(), muted_until: None }
    }

    /// Tell it of a message that was sent before (by another process, before a restart), oldest first.
    pub fn record(&mut self, at: Timestamp) {
        self.sent.push_back(at);
        let most = self.windows.iter().map(|w| w.count).max().unwrap_or(0);
        while self.sent.len() > most {
            self.sent.pop_front();
        }
    }

    /// When `parts` messages may be sent together at the earliest: `now` if at once.
    pub fn ready_at(&self, parts: usize, now: Timestamp) -> Timestamp {
        let mut ready = self.muted_until.map_or(now, |until| until.max(now));
        for window in &self.windows {
            // More parts than the window holds can never fit: they go when the window is empty.
            let room_for = parts.min(window.count);
            let Some(blocking) = (self.sent.len() + room_for).checked_sub(window.count + 1) else {
                continue;
            };
            if let Some(at) = self.sent.get(blocking) {
                // A clock that was set back must not silence the robot for longer than the window.
                ready = ready.max(plus((*at).min(now), window.per));
            }
        }
        ready
    }

    /// Take room for `parts` messages at `now`, or say when to come back.
    pub fn take(&mut self, parts: usize, now: Timestamp) -> Result<(), Timestamp> {
        let ready = self.ready_at(parts, now);
        if ready > now {
            return Err(ready);
        }
        for _ in 0..parts {
            self.record(now);
        }
        Ok(())
    }

    /// Be silent for `pause` from `now`: the channel said so.
    pub fn mute(&mut self, pause: Duration, now: Timestamp) {
        let until = plus(now, pause);
        self.muted_until = Some(self.muted_until.map_or(until, |old| old.max(until)));
    }

    /// Whether it is silent because of a punishment.
    pub fn muted_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.muted_until.filter(|until| *until > now)
    }
}

fn plus(at: Timestamp, span: Duration) -> Timestamp {
    SignedDuration::try_from(span).ok().and_then(|span| at.checked_add(span).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + ms).unwrap()
    }

    #[test]
    fn waits_for_the_window_not_for_a_token() {
        let mut robot = Limiter::new(&[Window::new(2, Duration::from_secs(60))]);
        assert_eq!(robot.take(1, at(0)), Ok(()));
        assert_eq!(robot.take(1, at(30_000)), Ok(()));
        assert_eq!(robot.take(1, at(31_000)), Err(at(60_000)));
        assert_eq!(robot.take(2, at(60_000)), Err(at(90_000)), "two parts need both places");
        assert_eq!(robot.take(1, at(60_000)), Ok(()));
        assert_eq!(robot.take(1, at(60_001)), Err(at(90_000)));
    }

    #[test]
    fn punishment_counts_from_now_and_never_shrinks() {
        let mut robot = Limiter::new(&[Window::new(20, Duration::from_secs(60))]);
        robot.mute(Duration::from_secs(600), at(0));
        robot.mute(Duration::from_secs(5), at(1000));
        assert_eq!(robot.take(1, at(2000)), Err(at(600_000)));
        assert_eq!(robot.muted_until(at(2000)), Some(at(600_000)));
        assert_eq!(robot.take(1, at(600_000)), Ok(()));
        assert_eq!(robot.muted_until(at(600_000)), None);
    }

    #[test]
    fn a_clock_set_back_costs_one_window_at_most() {
        let mut robot = Limiter::new(&[Window::new(1, Duration::from_secs(60))]);
        assert_eq!(robot.take(1, at(3_600_000)), Ok(()));
        assert_eq!(robot.take(1, at(0)), Err(at(60_000)));
    }

    proptest! {
        #[test]
        fn never_more_than_any_window_allows(steps in prop::collection::vec((0i64..4000, 1usize..3), 1..300)) {
            let windows = [Window::new(20, Duration::from_secs(60)), Window::new(3, Duration::from_secs(1))];
            let mut robot = Limiter::new(&windows);
            let (mut now, mut sent) = (0i64, Vec::new());
            for (wait, parts) in steps {
                now += wait;
                if let Err(ready) = robot.take(parts, at(now)) {
                    prop_assert!(ready > at(now));
                    now = ready.as_millisecond() - 1_700_000_000_000;
                    prop_assert_eq!(robot.take(parts, at(now)), Ok(()), "the named time must be true");
                }
                sent.extend(std::iter::repeat_n(now, parts));
            }
            for window in windows {
                let per = i64::try_from(window.per.as_millis()).unwrap();
                for (i, first) in sent.iter().enumerate() {
                    let in_window = sent[i..].iter().take_while(|t| **t - first < per).count();
                    prop_assert!(in_window <= window.count);
                }
            }
        }
    }
}
