//! Why a message was not taken, in the five kinds that a sender can act on.

use std::time::Duration;

/// A message that a channel did not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct SendError {
    /// What to do about it.
    pub class: Class,
    /// What happened, for a person. Holds no secret: addresses with keys are never part of it.
    pub text: String,
    /// How many parts of the rendered message the channel had taken before: skip them on the next try.
    pub sent: usize,
}

/// What to do about a message that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// It may work later: try again, not before `after` if the channel named a time.
    Retry {
        /// The channel's own wish.
        after: Option<Duration>,
    },
    /// Too many messages: send nothing through this robot for `pause`.
    RateLimited {
        /// How long the robot must be silent.
        pause: Duration,
    },
    /// Too long or too rich: render it smaller and try again.
    TooLong,
    /// A person must change the configuration; use the fallback channel meanwhile.
    Config,
    /// This message will never be taken here.
    Dead,
}

impl SendError {
    pub(crate) fn new(class: Class, text: impl Into<String>) -> Self {
        Self { class, text: text.into(), sent: 0 }
    }

    pub(crate) fn retry(text: impl Into<String>) -> Self {
        Self::new(Class::Retry { after: None }, text)
    }

    pub(crate) fn config(text: impl Into<String>) -> Self {
        Self::new(Class::Config, text)
    }

    pub(crate) fn after_parts(mut self, sent: usize) -> Self {
        self.sent = sent;
        self
    }
}
