//! How long ago, as `kubectl` writes it: `45s`, `3m20s`, `90m`, `7h5m`, `30h`, `5d2h`, `40d`, `2y10d`.

use jiff::Timestamp;

/// The age at `now`; `-` without a time, `0s` for one that lies ahead.
pub fn age(since: Option<Timestamp>, now: Timestamp) -> String {
    since.map_or_else(|| "-".to_owned(), |since| duration(now.as_second() - since.as_second()))
}

pub fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    if seconds < 120 {
        return format!("{seconds}s");
    }
    if minutes < 10 {
        return two(minutes, "m", seconds % 60, "s");
    }
    if minutes < 180 {
        return format!("{minutes}m");
    }
    if hours < 8 {
        return two(hours, "h", minutes % 60, "m");
    }
    if hours < 48 {
        return format!("{hours}h");
    }
    if days < 8 {
        return two(days, "d", hours % 24, "h");
    }
    if days < 730 {
        return format!("{days}d");
    }
    two(days / 365, "y", days % 365, "d")
}

fn two(large: i64, unit: &str, small: i64, small_unit: &str) -> String {
    if small == 0 { format!("{large}{unit}") } else { format!("{large}{unit}{small}{small_unit}") }
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn the_unit_grows_with_the_age() {
        let cases = [
            (-5, "0s"),
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (200, "3m20s"),
            (5400, "90m"),
            (25_500, "7h5m"),
            (108_000, "30h"),
            (439_200, "5d2h"),
            (3_456_000, "40d"),
            (63_936_000, "2y10d"),
        ];
        for (seconds, text) in cases {
            assert_eq!(duration(seconds), text, "{seconds}");
        }
    }
}
