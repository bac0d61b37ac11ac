//! Folds a log: lines that say the same but for times, numbers and ids become one with a count.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

static VARYING: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b0x[0-9a-f]+|\b[0-9a-f]*[0-9][0-9a-f]{5,}\b|[0-9]+").ok()
});

/// What a line says, without what changes from one to the next.
pub fn pattern(line: &str) -> Cow<'_, str> {
    match VARYING.as_ref() {
        Some(varying) => varying.replace_all(line, "#"),
        None => Cow::Borrowed(line),
    }
}

/// Lines in their order. A run of alike lines (also of two or three that alternate) is shown by its last, with its count.
pub fn fold(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let patterns: Vec<Cow<'_, str>> = lines.iter().map(|line| pattern(line)).collect();
    let mut folded = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let (period, times) = run(&patterns[at..]);
        if times < 2 || (times == 2 && period == 1) {
            folded.push(lines[at].to_owned());
            at += 1;
            continue;
        }
        let last = at + period * (times - 1);
        folded.extend(lines[last..last + period].iter().map(|line| (*line).to_owned()));
        let what = if period == 1 { "the line above".to_owned() } else { format!("the {period} lines above") };
        folded.push(format!("... {what}: {times} times alike, the last is shown"));
        at += period * times;
    }
    folded
}

/// How long the piece is that repeats at the start, and how often.
fn run(patterns: &[Cow<'_, str>]) -> (usize, usize) {
    for period in 1..=3.min(patterns.len()) {
        let piece = &patterns[..period];
        let times = patterns.chunks_exact(period).take_while(|chunk| *chunk == piece).count();
        if times > 2 {
            return (period, times);
        }
    }
    (1, 1)
}

/// The last lines that fit into `room` bytes, and how many are left out before them.
pub fn tail(lines: &[String], room: usize) -> (usize, &[String]) {
    let mut used = 0;
    let fits = lines.iter().rev().take_while(|line| {
        used += line.len() + 1;
        used <= room
    });
    let from = lines.len() - fits.count();
    (from, &lines[from..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alike_lines_are_counted_and_the_last_is_shown() {
        let text = "start\nGET /1 200 3ms\nGET /2 200 4ms\nGET /3 200 9ms\npanic: no route";
        let folded = fold(text);
        assert_eq!(
            folded,
            ["start", "GET /3 200 9ms", "... the line above: 3 times alike, the last is shown", "panic: no route"]
        );
    }

    #[test]
    fn lines_that_alternate_are_one_piece() {
        let text = "try 1\nfailed 1\ntry 2\nfailed 2\ntry 3\nfailed 3\nbye";
        assert_eq!(fold(text), ["try 3", "failed 3", "... the 2 lines above: 3 times alike, the last is shown", "bye"]);
    }

    #[test]
    fn different_lines_stay_as_they_are() {
        let text = "alpha\nbeta\ngamma\nbeta\nalpha";
        assert_eq!(fold(text).join("\n"), text);
    }

    #[test]
    fn the_tail_counts_what_it_leaves_out() {
        let lines: Vec<String> = (0..10).map(|n| format!("line {n}")).collect();
        let (cut, kept) = tail(&lines, 21);
        assert_eq!((cut, kept.len()), (7, 3));
        assert_eq!(kept[2], "line 9");
        assert_eq!(tail(&lines, 0).1.len(), 0);
    }
}
