//! The states of a proposal and every way from one to another. Pure: who may cause an event is decided elsewhere.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits for people.
    Proposed,
    /// Enough people said yes; runs once the hold-off has passed.
    Approved,
    /// Written down that it is about to be sent. From here nobody else may send it.
    Intended,
    /// The API server said that it is done.
    Executed,
    /// The API server refused it, or it never left.
    Failed,
    /// Sent, and no answer came.
    Unknown,
    /// Was unknown; reading the object told what became of it.
    Resolved,
    Denied,
    Expired,
    Withdrawn,
    /// The object, the policy or the preview is no longer what was approved.
    Stale,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Event {
    /// The last yes that was needed.
    Agreed,
    Refused,
    TakenBack,
    TimeOut,
    /// Something is not as it was when the proposal was made.
    Moved,
    /// The intent is on disk.
    Intend,
    /// The API server's yes.
    Done,
    /// The API server's no, or nothing was sent.
    NotDone,
    /// The answer is missing.
    Lost,
    /// Reading the object told what became of a lost one.
    Found,
}

impl State {
    pub const ALL: [Self; 11] = [
        Self::Proposed,
        Self::Approved,
        Self::Intended,
        Self::Executed,
        Self::Failed,
        Self::Unknown,
        Self::Resolved,
        Self::Denied,
        Self::Expired,
        Self::Withdrawn,
        Self::Stale,
    ];

    /// The state after the event; None where the event has no place.
    pub fn after(self, event: Event) -> Option<Self> {
        match self {
            Self::Proposed => match event {
                Event::Agreed => Some(Self::Approved),
                Event::Refused => Some(Self::Denied),
                Event::TakenBack => Some(Self::Withdrawn),
                Event::TimeOut => Some(Self::Expired),
                Event::Moved => Some(Self::Stale),
                Event::Intend | Event::Done | Event::NotDone | Event::Lost | Event::Found => None,
            },
            Self::Approved => match event {
                Event::Intend => Some(Self::Intended),
                Event::Refused => Some(Self::Denied),
                Event::TakenBack => Some(Self::Withdrawn),
                Event::TimeOut => Some(Self::Expired),
                Event::Moved => Some(Self::Stale),
                Event::Agreed | Event::Done | Event::NotDone | Event::Lost | Event::Found => None,
            },
            Self::Intended => match event {
                Event::Done => Some(Self::Executed),
                Event::NotDone => Some(Self::Failed),
                Event::Moved => Some(Self::Stale),
                Event::Lost => Some(Self::Unknown),
                Event::Agreed | Event::Refused | Event::TakenBack | Event::TimeOut | Event::Intend | Event::Found => {
                    None
                }
            },
            Self::Unknown => (event == Event::Found).then_some(Self::Resolved),
            Self::Executed
            | Self::Failed
            | Self::Resolved
            | Self::Denied
            | Self::Expired
            | Self::Withdrawn
            | Self::Stale => None,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Approved => "approved",
            Self::Intended => "intended",
            Self::Executed => "executed",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Resolved => "resolved",
            Self::Denied => "denied",
            Self::Expired => "expired",
            Self::Withdrawn => "withdrawn",
            Self::Stale => "stale",
        }
    }

    pub fn read(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Nothing happens to it any more.
    pub fn is_over(self) -> bool {
        match self {
            Self::Proposed | Self::Approved | Self::Intended | Self::Unknown => false,
            Self::Executed
            | Self::Failed
            | Self::Resolved
            | Self::Denied
            | Self::Expired
            | Self::Withdrawn
            | Self::Stale => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const EVENTS: [Event; 10] = [
        Event::Agreed,
        Event::Refused,
        Event::TakenBack,
        Event::TimeOut,
        Event::Moved,
        Event::Intend,
        Event::Done,
        Event::NotDone,
        Event::Lost,
        Event::Found,
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// Whatever happens in whatever order: intended once at most, and only after an agreement.
        #[test]
        fn no_order_of_events_intends_twice_or_without_agreement(order in prop::collection::vec(0usize..10, 0..40)) {
            let (mut state, mut agreed, mut intended) = (State::Proposed, 0, 0);
            for event in order.into_iter().map(|n| EVENTS[n]) {
                let Some(next) = state.after(event) else { continue };
                prop_assert!(!state.is_over(), "{state:?} is over and went to {next:?}");
                agreed += usize::from(event == Event::Agreed);
                intended += usize::from(next == State::Intended);
                prop_assert!(intended <= agreed && intended <= 1);
                prop_assert!(!matches!(next, State::Executed | State::Unknown | State::Resolved) || intended == 1);
                state = next;
            }
        }
    }

    #[test]
    fn names_are_read_back_and_what_is_over_has_no_way_on() {
        for state in State::ALL {
            assert_eq!(State::read(state.name()), Some(state));
            assert_eq!(state.is_over(), EVENTS.iter().all(|event| state.after(*event).is_none()), "{state:?}");
        }
    }
}
