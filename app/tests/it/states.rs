//! Episodes and parsing under inputs that nobody thought of.

use midwatch::alerts::Settings;
use midwatch::alerts::episodes::{Effect, Episode, Event, Speaker, State, Suppression, Track, step};
use midwatch::alerts::parse::parse;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

const START: i64 = 1_800_000_000_000;

/// What a sender may say at a time, its clock and its order being what they are.
fn event() -> impl Strategy<Value = (Event, i64)> {
    let time = proptest::option::of((-3_600_000..600_000_i64).prop_map(|offset| offset));
    let speaker = prop_oneof![Just(Speaker::Notifier), Just(Speaker::Pusher), Just(Speaker::Asked)];
    let kinds = prop_oneof![
        (time.clone(), proptest::option::of(0..600_000_i64), speaker)
            .prop_map(|(starts_at, expires_at, speaker)| { Event::Firing { starts_at, expires_at, speaker } }),
        (time.clone(), time.clone()).prop_map(|(starts_at, ends_at)| Event::Resolved { starts_at, ends_at }),
        (time, prop_oneof![Just(Suppression::Silence), Just(Suppression::Inhibition)])
            .prop_map(|(starts_at, by)| Event::Suppressed { starts_at, by }),
        Just(Event::Absent { asked_at: 0 }),
        Just(Event::Tick),
    ];
    (kinds, 0..400_000_i64)
}

/// Offsets become times around `now`.
fn at(event: Event, now: i64) -> Event {
    let shift = |time: Option<i64>| time.map(|offset| now + offset);
    match event {
        Event::Firing { starts_at, expires_at, speaker } => {
            Event::Firing { starts_at: shift(starts_at), expires_at: shift(expires_at), speaker }
        }
        Event::Resolved { starts_at, ends_at } => {
            Event::Resolved { starts_at: shift(starts_at), ends_at: shift(ends_at) }
        }
        Event::Suppressed { starts_at, by } => Event::Suppressed { starts_at: shift(starts_at), by },
        Event::Absent { .. } => Event::Absent { asked_at: now },
        Event::Tick => Event::Tick,
    }
}

fn is_open(track: &Track) -> bool {
    track.episode.as_ref().is_some_and(|episode| episode.state.is_open())
}

proptest! {
    #![proptest_config(Config { cases: 400, failure_persistence: None, ..Config::default() })]

    /// What was told agrees with what is: never two beginnings or two ends in a row, whatever the order of messages.
    #[test]
    fn beginnings_and_ends_alternate(events in proptest::collection::vec(event(), 1..60)) {
        let settings = Settings::default();
        let (mut track, mut now, mut told_open) = (Track::default(), START, false);
        let mut starts = std::collections::BTreeMap::new();
        for (event, pause) in events {
            now += pause;
            let before = track.clone();
            let after = step(&settings, track, at(event, now), now);
            for effect in &after.effects {
                match effect {
                    // Out of a silence it is told as new, or told again.
                    Effect::Released => told_open = true,
                    Effect::Opened | Effect::Reopened => {
                        prop_assert!(!told_open, "{effect:?} twice");
                        told_open = true;
                    }
                    Effect::Resolved | Effect::Stale => told_open = false,
                    Effect::FlappingStarted => told_open = true,
                    Effect::Suppressed | Effect::ResolvedOnly | Effect::FlappingEnded => {}
                }
            }
            track = after.track;
            if let Some(episode) = &track.episode {
                prop_assert!(episode.ends_at.is_none_or(|end| end >= episode.starts_at));
                prop_assert_eq!(episode.state.is_open(), episode.ends_at.is_none());
                prop_assert!(episode.starts_at <= now);
                // A new episode begins after all earlier ones: the store's key stays unique.
                let known = starts.insert(episode.starts_at, ());
                let same = before.episode.as_ref().is_some_and(|old| old.starts_at == episode.starts_at);
                prop_assert!(same || known.is_none());
            }
            // What is kept in silence may have been told before or not; what fires or is over is as it was told.
            let silent = track.episode.as_ref().is_some_and(|e| matches!(e.state, State::Silenced | State::Inhibited));
            if !track.flapping && !silent {
                prop_assert_eq!(told_open, is_open(&track), "{:?}", track);
            }
        }
        // Nothing stays open when nobody speaks any more.
        for _ in 0..2 {
            now += i64::from(settings.stale_after_s) * 1_000 + 1;
            track = step(&settings, track, Event::Tick, now).track;
        }
        prop_assert!(!is_open(&track) && !track.flapping);
    }

    /// A message that comes twice says nothing the second time.
    #[test]
    fn repetition_changes_nothing(events in proptest::collection::vec(event(), 1..30)) {
        let settings = Settings::default();
        let (mut track, mut now) = (Track::default(), START);
        for (event, pause) in events {
            now += pause;
            let event = at(event, now);
            let once = step(&settings, track, event, now);
            let twice = step(&settings, once.track.clone(), event, now);
            if !matches!(event, Event::Tick) {
                prop_assert!(twice.effects.is_empty(), "{:?}", twice.effects);
            }
            // a second listing may vouch for it longer
            let until = once.track.episode.as_ref().and_then(|episode| episode.expires_at);
            let again = twice.track.episode.map(|episode| Episode { expires_at: until, ..episode });
            prop_assert_eq!(&again, &once.track.episode);
            track = once.track;
        }
    }
}

#[test]
fn a_refire_between_two_messages_is_one_episode_that_ends() {
    let settings = Settings::default();
    let firing = |start: i64| Event::Firing { starts_at: Some(start), expires_at: None, speaker: Speaker::Notifier };
    let first = step(&settings, Track::default(), firing(START), START + 1_000);
    assert_eq!(first.effects, [Effect::Opened]);
    let end = Event::Resolved { starts_at: Some(START + 27_000), ends_at: Some(START + 37_000) };
    let last = step(&settings, first.track, end, START + 40_000);
    assert_eq!(last.effects, [Effect::Resolved]);
    let episode = last.track.episode.clone().unwrap();
    assert_eq!((episode.starts_at, episode.ends_at), (START, Some(START + 37_000)));
    let late = step(&settings, last.track, firing(START), START + 50_000);
    assert_eq!((late.effects.len(), late.track.episode.unwrap().state), (0, State::Resolved));
}

#[test]
fn an_alert_that_comes_and_goes_is_told_once_until_it_is_quiet() {
    let settings = Settings::default();
    let (mut track, mut told) = (Track::default(), Vec::new());
    let mut now = START;
    for _ in 0..20 {
        for event in [
            Event::Firing { starts_at: Some(now), expires_at: None, speaker: Speaker::Notifier },
            Event::Resolved { starts_at: Some(now), ends_at: Some(now + 500) },
        ] {
            now += 500;
            let step = step(&settings, track, event, now);
            track = step.track;
            told.extend(step.effects);
        }
    }
    assert_eq!(told, [Effect::Opened, Effect::Resolved, Effect::Opened, Effect::FlappingStarted]);
    assert!(step(&settings, track.clone(), Event::Tick, now + 599_000).effects.is_empty());
    let quiet = step(&settings, track, Event::Tick, now + 601_000);
    assert_eq!(quiet.effects, [Effect::FlappingEnded, Effect::Resolved]);
}

/// Changes bodies at random: bytes flipped, cut, doubled and moved. `TORTURE=1` does 100,000, else 5,000.
#[test]
fn no_mutation_of_a_body_makes_the_parser_panic() {
    let bodies: Vec<Vec<u8>> = include_str!("data/alerts_captures.jsonl")
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["body"].to_string().into_bytes())
        .collect();
    let cases = if std::env::var_os("TORTURE").is_some() { 100_000 } else { 5_000 };
    let change = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..5_u8, any::<u8>());
    let input = (any::<prop::sample::Index>(), proptest::collection::vec(change, 1..6));
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let result = runner.run(&input, |(which, changes)| {
        let mut body = which.get(&bodies).clone();
        for (from, to, kind, byte) in changes {
            if body.is_empty() {
                break;
            }
            let (a, b) = (from.index(body.len()), to.index(body.len()));
            let (a, b) = (a.min(b), a.max(b));
            match kind {
                0 => body[a] = byte,
                1 => body.truncate(b),
                2 => drop(body.drain(a..b)),
                3 => body.insert(a, byte),
                _ => {
                    let piece = body[a..b].to_vec();
                    body.splice(a..a, piece);
                }
            }
        }
        match parse(&body, START) {
            // Whatever was understood is an alert that can be told apart.
            Ok(batch) => prop_assert!(batch.alerts.iter().all(|alert| !alert.labels.is_empty())),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn depth_is_no_way_to_break_the_parser() {
    let deep =
        format!(r#"{{"alerts":[{{"labels":{{"alertname":"A"}},"x":{}{}}}]}}"#, "[".repeat(50_000), "]".repeat(50_000));
    let batch = parse(deep.as_bytes(), START).unwrap();
    assert_eq!((batch.alerts.len(), batch.invalid.len()), (0, 1));
}
