//! Times in which nothing is changed: from one moment to another, or each week.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, civil::Weekday};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// A time such as 2026-12-24T00:00:00Z, or an hour such as 18:00 that comes every day.
    pub from: String,
    /// Likewise; an hour before `from` is one of the next day.
    pub until: String,
    /// With hours: the days on which it begins (mon, tue, ...). Without: every day.
    #[serde(default)]
    pub days: Vec<Day>,
    /// Told to whoever is stopped by it.
    #[serde(default)]
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Day {
    Mon,
    Tue,
    Wed,
    Thu,
    Fri,
    Sat,
    Sun,
}

impl Day {
    fn weekday(self) -> Weekday {
        match self {
            Self::Mon => Weekday::Monday,
            Self::Tue => Weekday::Tuesday,
            Self::Wed => Weekday::Wednesday,
            Self::Thu => Weekday::Thursday,
            Self::Fri => Weekday::Friday,
            Self::Sat => Weekday::Saturday,
            Self::Sun => Weekday::Sunday,
        }
    }
}

/// The freezes of a policy, read, in its time zone.
#[derive(Debug, Clone)]
pub struct Windows {
    zone: TimeZone,
    list: Vec<(Window, String)>,
}

#[derive(Debug, Clone)]
enum Window {
    Once(Timestamp, Timestamp),
    Weekly { days: Vec<Weekday>, from: Time, until: Time },
}

impl Default for Windows {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, list: Vec::new() }
    }
}

impl Windows {
    /// The index of a freeze that cannot be read comes with the reason.
    pub fn read(freezes: &[Freeze], zone: TimeZone) -> Result<Self, Vec<(usize, String)>> {
        let (mut list, mut problems) = (Vec::new(), Vec::new());
        for (index, freeze) in freezes.iter().enumerate() {
            let reason = freeze.reason.clone().unwrap_or_else(|| format!("freeze until {}", freeze.until));
            match window(freeze) {
                Ok(window) => list.push((window, reason)),
                Err(why) => problems.push((index, why)),
            }
        }
        if problems.is_empty() { Ok(Self { zone, list }) } else { Err(problems) }
    }

    /// The reason of a freeze in which a moment lies.
    pub fn holds(&self, now: Timestamp) -> Option<&str> {
        let local = now.to_zoned(self.zone.clone());
        let (day, time) = (local.weekday(), local.time());
        let inside = |window: &Window| match window {
            Window::Once(from, until) => *from <= now && now < *until,
            Window::Weekly { days, from, until } => {
                let on = |day: Weekday| days.is_empty() || days.contains(&day);
                match from < until {
                    true => on(day) && *from <= time && time < *until,
                    false => (on(day) && *from <= time) || (on(day.previous()) && time < *until),
                }
            }
        };
        self.list.iter().find(|(window, _)| inside(window)).map(|(_, reason)| reason.as_str())
    }
}

fn window(freeze: &Freeze) -> Result<Window, String> {
    let days: Vec<Weekday> = freeze.days.iter().map(|day| day.weekday()).collect();
    if let (Ok(from), Ok(until)) = (freeze.from.parse::<Timestamp>(), freeze.until.parse::<Timestamp>()) {
        if !days.is_empty() {
            return Err("days only go with hours such as 18:00".to_owned());
        }
        return if from < until { Ok(Window::Once(from, until)) } else { Err("it ends before it begins".to_owned()) };
    }
    match (hour(&freeze.from), hour(&freeze.until)) {
        (Some(from), Some(until)) if from != until => Ok(Window::Weekly { days, from, until }),
        (Some(_), Some(_)) => Err("it begins and ends at the same hour".to_owned()),
        _ => {
            Err("from and until are both a time such as 2026-12-24T00:00:00Z or both an hour such as 18:00".to_owned())
        }
    }
}

fn hour(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let two = |part: &str| (part.len() == 2).then(|| part.parse::<i8>().ok()).flatten();
    Time::new(two(hour)?, two(minute)?, 0, 0).ok()
}

#[cfg(test)]
mod test {
    use super::*;

    fn freeze(from: &str, until: &str, days: &[Day]) -> Freeze {
        Freeze { from: from.to_owned(), until: until.to_owned(), days: days.to_vec(), reason: None }
    }

    fn holds(freezes: &[Freeze], zone: &str, now: &str) -> bool {
        let windows = Windows::read(freezes, TimeZone::get(zone).unwrap()).unwrap();
        windows.holds(now.parse().unwrap()).is_some()
    }

    #[test]
    fn hours_are_those_of_the_zone_and_may_cross_midnight() {
        let nights = [freeze("18:00", "08:00", &[Day::Fri])];
        for (now, expected) in [
            ("2026-11-27T09:59:00Z", false),
            ("2026-11-27T10:00:00Z", true),
            ("2026-11-27T23:59:00Z", true),
            ("2026-11-28T00:00:00Z", false),
            ("2026-11-28T10:30:00Z", false),
        ] {
            assert_eq!(holds(&nights, "Asia/Shanghai", now), expected, "{now}");
        }
        let lunch = [freeze("12:00", "13:00", &[])];
        assert!(holds(&lunch, "UTC", "2026-11-24T12:00:00Z") && !holds(&lunch, "UTC", "2026-11-24T13:00:00Z"));
    }

    #[test]
    fn a_time_is_a_time_and_mistakes_are_told() {
        let feast = [freeze("2026-12-24T00:00:00Z", "2026-12-27T00:00:00Z", &[])];
        assert!(holds(&feast, "UTC", "2026-12-26T23:59:59Z") && !holds(&feast, "UTC", "2026-12-27T00:00:00Z"));
        for wrong in [
            freeze("18:00", "2026-12-27T00:00:00Z", &[]),
            freeze("25:00", "08:00", &[]),
            freeze("8:00", "09:00", &[]),
            freeze("18:00", "18:00", &[]),
            freeze("2026-12-27T00:00:00Z", "2026-12-24T00:00:00Z", &[]),
            freeze("2026-12-24T00:00:00Z", "2026-12-27T00:00:00Z", &[Day::Mon]),
        ] {
            assert_eq!(Windows::read(&[wrong], TimeZone::UTC).unwrap_err()[0].0, 0);
        }
    }
}
