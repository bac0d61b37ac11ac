//! One alert over time: from first sight to its end, whatever is late, lost, doubled or out of order. Pure.
//!
//! Messages are matched by the alert's labels and by overlap in time, where an open episode reaches to infinity: a sender
//! may end and refire between two messages, and then names a start that we never heard of.

use serde::{Deserialize, Serialize};

use super::settings::Settings;
use crate::store::Millis;

/// A firing message this soon after the end is one that was overtaken by it, not news.
const LATE: Millis = 60_000;
/// A source that was asked this shortly after an alert's message may not know it yet.
const HEARD_JUST_NOW: Millis = 10_000;
/// For this long a listed alert is believed when its pusher falls silent.
const LISTED: Millis = 300_000;
/// Changes remembered to tell the usual period of a flapping alert.
const MOST_FLIPS: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Firing,
    Silenced,
    Inhibited,
    /// It fired, and then nobody said anything any more.
    Stale,
    Resolved,
    /// The first thing heard of it was its end.
    ResolvedOnly,
}

impl State {
    /// True while the trouble is there as far as is known.
    pub fn is_open(self) -> bool {
        match self {
            Self::Firing | Self::Silenced | Self::Inhibited => true,
            Self::Stale | Self::Resolved | Self::ResolvedOnly => false,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    pub state: State,
    /// The start that was heard first; with the alert's id the episode's key, so it never changes.
    pub starts_at: Millis,
    pub ends_at: Option<Millis>,
    /// Until when a push vouches for it.
    pub expires_at: Option<Millis>,
    pub last_seen: Millis,
    /// Times it ended and began again unseen.
    pub refires: u32,
}

/// What is remembered of one alert: its latest episode and its changes of state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Track {
    pub episode: Option<Episode>,
    pub flips: Vec<Millis>,
    pub flapping: bool,
    /// While flapping: when it has been quiet for long enough.
    pub hold_until: Option<Millis>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Firing {
        starts_at: Option<Millis>,
        expires_at: Option<Millis>,
        speaker: Speaker,
    },
    Resolved {
        starts_at: Option<Millis>,
        ends_at: Option<Millis>,
    },
    Suppressed {
        starts_at: Option<Millis>,
        by: Suppression,
    },
    /// The source, asked at this time, does not list it.
    Absent {
        asked_at: Millis,
    },
    /// Time passed.
    Tick,
}

/// What the sender of a firing message knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// An Alertmanager: does not send what it silences, but may be overtaken by its own later messages.
    Notifier,
    /// A Prometheus: knows no silences.
    Pusher,
    /// An API that was asked just now.
    Asked,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suppression {
    Silence,
    Inhibition,
}

/// What has to be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Opened,
    /// It had been told as over and is not.
    Reopened,
    Resolved,
    ResolvedOnly,
    Stale,
    Suppressed,
    /// The silence or inhibition is over and the alert is not.
    Released,
    FlappingStarted,
    FlappingEnded,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub track: Track,
    pub effects: Vec<Effect>,
}

/// The next state of `track`, and what has to be told of the change. Repeating an event changes nothing.
pub fn step(settings: &Settings, mut track: Track, event: Event, now: Millis) -> Step {
    let told = match event {
        Event::Firing { starts_at, expires_at, speaker } => {
            firing(&mut track, starts_at.unwrap_or(now).min(now), expires_at, speaker, now)
        }
        Event::Resolved { starts_at, ends_at } => {
            let end = ends_at.unwrap_or(now).min(now);
            resolved(&mut track, starts_at.unwrap_or(end).min(end), end, now)
        }
        Event::Suppressed { starts_at, by } => suppressed(&mut track, starts_at.unwrap_or(now).min(now), by, now),
        Event::Absent { asked_at } => absent(&mut track, asked_at, now),
        Event::Tick => return tick(settings, track, now),
    };
    let mut effects = Vec::new();
    if let Some(effect) = told {
        effects = flapping(settings, &mut track, effect, now);
    }
    Step { track, effects }
}

fn firing(
    track: &mut Track,
    start: Millis,
    expires_at: Option<Millis>,
    speaker: Speaker,
    now: Millis,
) -> Option<Effect> {
    let fresh =
        Episode { state: State::Firing, starts_at: start, ends_at: None, expires_at, last_seen: now, refires: 0 };
    let Some(episode) = &mut track.episode else {
        track.episode = Some(fresh);
        return Some(Effect::Opened);
    };
    match episode.state {
        State::Firing => {
            // Replicas differ in the start by an evaluation; a start after the last message is another outbreak.
            if start > episode.last_seen {
                episode.refires += 1;
                track.flips.extend([now, now]);
            }
            heard(episode, expires_at, speaker, now);
            None
        }
        State::Silenced | State::Inhibited => {
            heard(episode, expires_at, speaker, now);
            if speaker == Speaker::Pusher {
                return None;
            }
            episode.state = State::Firing;
            Some(Effect::Released)
        }
        State::Stale => {
            heard(episode, expires_at, speaker, now);
            episode.state = State::Firing;
            episode.ends_at = None;
            Some(Effect::Reopened)
        }
        State::Resolved | State::ResolvedOnly => {
            let end = episode.ends_at.unwrap_or(episode.starts_at);
            if start > end {
                track.episode = Some(fresh);
                return Some(Effect::Opened);
            }
            if speaker != Speaker::Asked && now - episode.last_seen <= LATE {
                return None;
            }
            heard(episode, expires_at, speaker, now);
            episode.state = State::Firing;
            episode.ends_at = None;
            Some(Effect::Reopened)
        }
    }
}

fn heard(episode: &mut Episode, expires_at: Option<Millis>, speaker: Speaker, now: Millis) {
    episode.last_seen = episode.last_seen.max(now);
    episode.expires_at = match speaker {
        Speaker::Notifier | Speaker::Pusher => expires_at,
        // Who is asked vouches for no time; what a pusher vouched for goes on a little.
        Speaker::Asked => episode.expires_at.map(|at| at.max(now + LISTED)),
    };
}

fn resolved(track: &mut Track, start: Millis, end: Millis, now: Millis) -> Option<Effect> {
    let Some(episode) = &mut track.episode else {
        track.episode = Some(resolved_only(start, end, now));
        return Some(Effect::ResolvedOnly);
    };
    if end < episode.starts_at {
        // The end of an outbreak before this one.
        return None;
    }
    match episode.state {
        State::Firing | State::Silenced | State::Inhibited | State::Stale => {
            let was_told = episode.state != State::Stale;
            episode.state = State::Resolved;
            episode.ends_at = Some(end);
            episode.last_seen = episode.last_seen.max(now);
            was_told.then_some(Effect::Resolved)
        }
        State::Resolved | State::ResolvedOnly => {
            let known = episode.ends_at.unwrap_or(episode.starts_at);
            if start > known {
                track.episode = Some(resolved_only(start, end, now));
                return Some(Effect::ResolvedOnly);
            }
            episode.ends_at = Some(known.max(end));
            None
        }
    }
}

fn resolved_only(start: Millis, end: Millis, now: Millis) -> Episode {
    Episode {
        state: State::ResolvedOnly,
        starts_at: start,
        ends_at: Some(end),
        expires_at: None,
        last_seen: now,
        refires: 0,
    }
}

fn suppressed(track: &mut Track, start: Millis, by: Suppression, now: Millis) -> Option<Effect> {
    let state = match by {
        Suppression::Silence => State::Silenced,
        Suppression::Inhibition => State::Inhibited,
    };
    match &mut track.episode {
        Some(episode) if episode.state.is_open() => {
            let news = episode.state == State::Firing;
            episode.state = state;
            episode.last_seen = episode.last_seen.max(now);
            news.then_some(Effect::Suppressed)
        }
        Some(episode) if start <= episode.ends_at.unwrap_or(episode.starts_at) => {
            // Reported over, and still there: it goes on in silence.
            episode.state = state;
            episode.ends_at = None;
            episode.last_seen = episode.last_seen.max(now);
            None
        }
        _ => {
            track.episode =
                Some(Episode { state, starts_at: start, ends_at: None, expires_at: None, last_seen: now, refires: 0 });
            Some(Effect::Suppressed)
        }
    }
}

fn absent(track: &mut Track, asked_at: Millis, now: Millis) -> Option<Effect> {
    let episode = track.episode.as_ref().filter(|episode| episode.state.is_open() || episode.state == State::Stale)?;
    if episode.last_seen > asked_at - HEARD_JUST_NOW {
        return None;
    }
    let start = episode.starts_at;
    resolved(track, start, asked_at.max(start), now)
}

fn tick(settings: &Settings, mut track: Track, now: Millis) -> Step {
    let mut effects = Vec::new();
    if track.flapping && track.hold_until.is_none_or(|until| until <= now) {
        track.flapping = false;
        track.hold_until = None;
        track.flips.clear();
        effects.push(Effect::FlappingEnded);
        if track.episode.as_ref().is_some_and(|episode| !episode.state.is_open()) {
            effects.push(Effect::Resolved);
        }
    }
    let stale_after = Millis::from(settings.stale_after_s) * 1_000;
    if let Some(episode) = track.episode.as_mut().filter(|episode| episode.state.is_open())
        && (episode.expires_at.is_some_and(|at| at <= now) || episode.last_seen + stale_after <= now)
    {
        episode.state = State::Stale;
        episode.ends_at = Some(now);
        // Silence is no flapping: what is heard next is news again.
        track.flapping = false;
        track.hold_until = None;
        track.flips.clear();
        effects.push(Effect::Stale);
    }
    Step { track, effects }
}

/// Counts a change, and replaces what would be told of it while the alert flaps.
fn flapping(settings: &Settings, track: &mut Track, effect: Effect, now: Millis) -> Vec<Effect> {
    match effect {
        Effect::Opened | Effect::Reopened | Effect::Resolved | Effect::ResolvedOnly => track.flips.push(now),
        Effect::Stale | Effect::Suppressed | Effect::Released | Effect::FlappingStarted | Effect::FlappingEnded => {
            return vec![effect];
        }
    }
    let window = settings.flapping.window();
    track.flips.retain(|flip| *flip > now - window);
    let surplus = track.flips.len().saturating_sub(MOST_FLIPS);
    track.flips.drain(..surplus);
    let enough = track.flips.len() >= settings.flapping.changes.max(2) as usize;
    if !track.flapping && !enough {
        return vec![effect];
    }
    let started = !track.flapping;
    track.flapping = true;
    track.hold_until = Some(now + settings.flapping.quiet().max(3 * median_period(&track.flips)));
    if started { vec![Effect::FlappingStarted] } else { Vec::new() }
}

fn median_period(flips: &[Millis]) -> Millis {
    let mut periods: Vec<Millis> = flips.windows(2).map(|pair| pair[1] - pair[0]).collect();
    periods.sort_unstable();
    periods.get(periods.len() / 2).copied().unwrap_or(0)
}
