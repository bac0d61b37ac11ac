//! How long to wait before a request is sent again: what the provider says, else longer each time.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

const LONGEST: Duration = Duration::from_secs(30);

/// Headers by their lower-case name.
pub type Header<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The wait that an answer asks for: by a header, by its details, or in its words.
pub fn asked(header: Header<'_>, body: &Value, words: &str, now: Timestamp) -> Option<Duration> {
    let exact = header("retry-after-ms").and_then(|text| text.trim().parse::<f64>().ok()).map(|ms| ms / 1e3);
    exact
        .and_then(seconds)
        .or_else(|| header("retry-after").and_then(|text| retry_after(&text, header, now)))
        .or_else(|| reset(header))
        .or_else(|| in_words(words))
        .or_else(|| retry_info(body))
}

fn seconds(value: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(value.clamp(0.0, 86_400.0)).ok()
}

/// Seconds, a span such as `7s`, or a date, which counts from the answer's own date where it has one.
fn retry_after(text: &str, header: Header<'_>, now: Timestamp) -> Option<Duration> {
    let date = |text: &str| jiff::fmt::rfc2822::parse(text.trim()).ok().map(|date| date.timestamp());
    if let Some(until) = date(text) {
        let since = header("date").and_then(|text| date(&text)).unwrap_or(now);
        return seconds(until.duration_since(since).as_secs_f64());
    }
    span(text.trim())
}

/// `x-ratelimit-reset-*`: the window that is used up, else the one that takes longest.
fn reset(header: Header<'_>) -> Option<Duration> {
    let windows = ["requests", "tokens", "input-tokens", "output-tokens"];
    let all = windows.iter().filter_map(|window| {
        let left = header(&format!("x-ratelimit-remaining-{window}"));
        let wait = header(&format!("x-ratelimit-reset-{window}")).and_then(|text| span(text.trim()))?;
        Some((left.is_some_and(|left| left.trim() == "0"), wait))
    });
    let named = all.max().map(|(_, wait)| wait);
    named.or_else(|| {
        header("x-ratelimit-reset").and_then(|text| span(text.trim())).filter(|wait| wait.as_secs() < 86_400)
    })
}

/// `try again in 94ms`, `retry after 3 seconds`, `请在 5 秒后重试`.
fn in_words(words: &str) -> Option<Duration> {
    let starts = [
        "try again in ",
        "retry in ",
        "retry after ",
        "try again after ",
        "retry-after: ",
        "wait for ",
        "wait ",
        "请在",
    ];
    let rest = starts.iter().find_map(|start| words.split_once(start)).map(|(_, rest)| rest.trim_start())?;
    let end = rest
        .char_indices()
        .find(|(i, c)| {
            !(c.is_ascii_alphanumeric() || *c == '.' && rest[i + 1..].starts_with(|c: char| c.is_ascii_digit()))
        })
        .map_or(rest.len(), |(i, _)| i);
    let (first, after) = rest.split_at(end);
    let unit = after.trim_start();
    let minutes = unit.starts_with("minute") || unit.starts_with("分");
    match first.parse::<f64>() {
        Ok(value) if unit.starts_with("ms") || unit.starts_with("millisecond") => seconds(value / 1e3),
        Ok(value) => seconds(value * if minutes { 60.0 } else { 1.0 }),
        Err(_) => span(first),
    }
}

/// Google's `RetryInfo` among the details of an error.
fn retry_info(body: &Value) -> Option<Duration> {
    let body = body.get(0).unwrap_or(body);
    let details = body["error"]["details"].as_array()?;
    details.iter().find_map(|detail| detail["retryDelay"].as_str()).and_then(span)
}

/// `6m0s`, `7.66s`, `76ms`, `1h`, and a bare number of seconds.
fn span(text: &str) -> Option<Duration> {
    if let Ok(value) = text.parse::<f64>() {
        return seconds(value);
    }
    let mut total = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|end| *end > 0)?;
        let (number, after) = rest.split_at(digits);
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let factor = match &after[..unit] {
            "ms" => 1e-3,
            "s" | "sec" | "seconds" => 1.0,
            "m" | "min" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            _ => return None,
        };
        total += number.parse::<f64>().ok()? * factor;
        rest = &after[unit..];
    }
    seconds(total)
}

/// The wait before the attempt with this number, where nobody says: anything up to 1 s, 2 s, 4 s ... 30 s.
pub fn backoff(attempt: u32, chance: f64) -> Duration {
    let most = Duration::from_secs(1 << attempt.min(5)).min(LONGEST);
    most.mul_f64(chance.clamp(0.0, 1.0))
}

/// A number from 0 to 1 that differs between processes and calls: no secret hangs on it.
pub fn chance() -> f64 {
    use std::hash::{BuildHasher, RandomState};
    let bits = RandomState::new().hash_one(0_u8) >> 11;
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit an f64")]
    let value = bits as f64 / (1_u64 << 53) as f64;
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(headers: &[(&str, &str)], words: &str, body: Value) -> Option<u128> {
        let header = |name: &str| headers.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let now = "2026-11-24T03:00:00Z".parse().unwrap();
        asked(&header, &body, words, now).map(|wait| wait.as_millis())
    }

    #[test]
    fn every_way_to_name_a_wait() {
        assert_eq!(with(&[("retry-after-ms", "1500"), ("retry-after", "9")], "", Value::Null), Some(1_500));
        assert_eq!(with(&[("retry-after", "Tue, 24 Nov 2026 03:00:30 GMT")], "", Value::Null), Some(30_000));
        let dated = [("retry-after", "Wed, 21 Oct 2026 07:28:10 GMT"), ("date", "Wed, 21 Oct 2026 07:28:00 GMT")];
        assert_eq!(with(&dated, "", Value::Null), Some(10_000));
        assert_eq!(with(&[("x-ratelimit-reset-requests", "6m0s")], "", Value::Null), Some(360_000));
        let used_up = [
            ("x-ratelimit-reset-requests", "6m0s"),
            ("x-ratelimit-remaining-requests", "9"),
            ("x-ratelimit-reset-tokens", "76ms"),
            ("x-ratelimit-remaining-tokens", "0"),
        ];
        assert_eq!(with(&used_up, "", Value::Null), Some(76));
        assert_eq!(with(&[], "please try again in 7.66s. visit", Value::Null), Some(7_660));
        assert_eq!(with(&[], "please retry after 3 seconds.", Value::Null), Some(3_000));
        assert_eq!(with(&[], "try again in 94ms.", Value::Null), Some(94));
        let google = serde_json::json!([{"error": {"details": [{"retryDelay": "34s"}]}}]);
        assert_eq!(with(&[], "", google), Some(34_000));
        assert_eq!(with(&[("retry-after", "soon")], "rate limit", Value::Null), None);
    }

    #[test]
    fn backoff_grows_to_its_bound() {
        let full = [0, 1, 2, 3, 4, 5, 9].map(|attempt| backoff(attempt, 1.0).as_secs());
        assert_eq!(full, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(backoff(9, 0.0), Duration::ZERO);
    }
}
