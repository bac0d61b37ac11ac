//! Quiet hours: until when a message that is not critical has to wait. Pure.

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use crate::config::QuietHours;
use crate::store::Millis;

#[derive(Debug, Clone, Default)]
pub struct Quiet {
    spans: Vec<Span>,
}

#[derive(Debug, Clone)]
struct Span {
    from: Time,
    to: Time,
    zone: TimeZone,
    channels: Vec<String>,
}

impl Quiet {
    /// Entries that cannot be read are left out; the configuration check names them.
    pub fn new(hours: &[QuietHours]) -> Self {
        let span = |hours: &QuietHours| {
            let time = |text: &str| Time::strptime("%H:%M", text).ok();
            let zone = hours.timezone.as_deref().map_or(Some(TimeZone::UTC), |name| TimeZone::get(name).ok())?;
            Some(Span { from: time(&hours.from)?, to: time(&hours.to)?, zone, channels: hours.channels.clone() })
        };
        Self { spans: hours.iter().filter_map(span).collect() }
    }

    /// The end of the quiet time that holds at `now` for this channel, if any.
    pub fn until(&self, channel: &str, critical: bool, now: Millis) -> Option<Millis> {
        if critical {
            return None;
        }
        let now = Timestamp::from_millisecond(now).ok()?;
        let holds = |span: &&Span| span.channels.is_empty() || span.channels.iter().any(|name| name == channel);
        self.spans.iter().filter(holds).filter_map(|span| span.end(&now)).max()
    }
}

impl Span {
    fn end(&self, now: &Timestamp) -> Option<Millis> {
        let local = now.to_zoned(self.zone.clone());
        let time = local.time();
        let inside = if self.from <= self.to {
            self.from <= time && time < self.to
        } else {
            self.from <= time || time < self.to
        };
        if !inside {
            return None;
        }
        let day = if time < self.to { local.date() } else { local.date().tomorrow().ok()? };
        let end: Zoned = day.to_datetime(self.to).to_zoned(self.zone.clone()).ok()?;
        Some(end.timestamp().as_millisecond())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Millis {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    #[test]
    fn a_night_in_shanghai_ends_in_the_morning_and_never_holds_a_critical_alert() {
        let night = QuietHours {
            from: "22:00".to_owned(),
            to: "07:30".to_owned(),
            timezone: Some("Asia/Shanghai".to_owned()),
            channels: vec!["ops".to_owned()],
        };
        let quiet = Quiet::new(&[night]);
        // 23:00 and 03:00 in Shanghai
        assert_eq!(quiet.until("ops", false, at("2026-11-24T15:00:00Z")), Some(at("2026-11-24T23:30:00Z")));
        assert_eq!(quiet.until("ops", false, at("2026-11-24T19:00:00Z")), Some(at("2026-11-24T23:30:00Z")));
        assert_eq!(quiet.until("ops", false, at("2026-11-24T23:30:00Z")), None);
        assert_eq!(quiet.until("ops", true, at("2026-11-24T15:00:00Z")), None);
        assert_eq!(quiet.until("pager", false, at("2026-11-24T15:00:00Z")), None);
    }
}
