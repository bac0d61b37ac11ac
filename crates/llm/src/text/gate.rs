//! What of a stream may be shown already: everything up to the place that could still become a marker or a call.

use super::markers::{begins_literal, literal, role};
use super::tag;
use super::tools::Tools;
use super::{react, weak};

/// The longest that is held back for a head of a tag; a longer one is no marker.
const LONGEST: usize = 96;

enum Look {
    Show,
    /// the next piece decides
    Wait,
    /// a marker: the rest is shown at the end, by what it turned out to be
    Hold,
}

#[derive(Debug, Default)]
pub struct Gate {
    /// looked at up to here
    at: usize,
    /// shown up to here
    shown: usize,
    held: bool,
}

const FRAMES: [&str; 13] = [
    "function<",
    "commentary to=",
    "analysis to=",
    "assistant to=",
    "to=functions.",
    "assistantcommentary",
    "assistantanalysis",
    "assistantfinal",
    "functools[",
    "function call",
    ">>>",
    "print(default_api.",
    "await ",
];

impl Gate {
    /// What may be shown of `text` now that has not been shown before.
    pub fn open<'a>(&mut self, text: &'a str, tools: &Tools) -> &'a str {
        while !self.held && self.at < text.len() {
            match look(text, self.at, tools) {
                Look::Show => self.at += text[self.at..].chars().next().map_or(1, char::len_utf8),
                Look::Wait => break,
                Look::Hold => self.held = true,
            }
        }
        if self.shown == 0 {
            let lead = &text[..self.at];
            self.shown = lead.len() - lead.trim_start().len();
        }
        let end = text[..self.at].trim_end().len();
        if end <= self.shown {
            return "";
        }
        let from = std::mem::replace(&mut self.shown, end);
        &text[from..end]
    }
}

fn look(text: &str, at: usize, tools: &Tools) -> Look {
    let rest = &text[at..];
    let Some(c) = rest.chars().next() else { return Look::Wait };
    let first = at < LONGEST && text[..at].trim().is_empty();
    if first && matches!(c, '{' | '[') || literal(rest).is_some() {
        return Look::Hold;
    }
    match c {
        '<' => tag_head(text, at, tools),
        '[' | ']' | '✿' | '#' if begins_literal(rest) => Look::Wait,
        '[' => bracket(&rest[1..], tools),
        '{' => match rest[1..].trim_start().chars().next() {
            None if rest.len() > LONGEST => Look::Show,
            None => Look::Wait,
            Some('"' | '\'' | '“' | '{') => Look::Hold,
            Some(_) => Look::Show,
        },
        '`' => fence(rest),
        _ => word(text, at, tools),
    }
}

fn tag_head(text: &str, at: usize, tools: &Tools) -> Look {
    let Some(head) = tag::head(text, at) else { return Look::Show };
    if head.bars {
        return Look::Hold;
    }
    let name = &text[head.at..];
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | ':' | '.' | '-' | '|'));
    match end {
        None if name.len() > LONGEST => Look::Show,
        None => Look::Wait,
        Some(0) => Look::Show,
        Some(end) => {
            let lower = name[..end].to_ascii_lowercase();
            let glued = lower.strip_suffix("name").unwrap_or(&lower);
            let token = lower.ends_with('|');
            let known = token || [lower.as_str(), glued].iter().any(|name| role(name, false, head.close).is_some());
            if known || tools.known(&name[..end]).is_some() { Look::Hold } else { Look::Show }
        }
    }
}

fn bracket(rest: &str, tools: &Tools) -> Look {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '-' | '.'));
    match end {
        None if rest.len() > LONGEST => Look::Show,
        None => Look::Wait,
        Some(end) if tools.known(&rest[..end]).is_some() => Look::Hold,
        Some(0) if rest.trim_start().starts_with(['{', '[']) => Look::Hold,
        Some(0) if rest.trim_start().is_empty() && rest.len() < LONGEST => Look::Wait,
        Some(_) => Look::Show,
    }
}

fn fence(rest: &str) -> Look {
    let ticks = rest.len() - rest.trim_start_matches('`').len();
    if ticks == rest.len() && ticks < 3 {
        return Look::Wait;
    }
    let Some(inner) = rest.strip_prefix("```") else { return Look::Show };
    let Some(end) = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_') else {
        return if inner.len() > LONGEST { Look::Show } else { Look::Wait };
    };
    if weak::language(&inner[..end]) { Look::Hold } else { Look::Show }
}

/// Words that begin a call only at the beginning of a word or of a line.
fn word(text: &str, at: usize, tools: &Tools) -> Look {
    let before = text[..at].chars().next_back();
    if before.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Look::Show;
    }
    let rest = &text[at..];
    if FRAMES.iter().any(|frame| rest.starts_with(frame)) {
        return Look::Hold;
    }
    // decoration before a label is short
    let before = text[..at].chars().rev().take(12).find(|c| !matches!(c, ' ' | '*' | '#' | '-' | '_'));
    let line_start = before.is_none_or(|c| c == '\n');
    let waits = |word: &str| word.len() > rest.len() && word.starts_with(rest);
    if FRAMES.iter().any(|frame| waits(frame)) {
        return Look::Wait;
    }
    if !line_start {
        return Look::Show;
    }
    let line = rest.split('\n').next().unwrap_or(rest);
    if react::begins(line) {
        return Look::Hold;
    }
    let named = |name: &str| {
        let name = name.to_ascii_lowercase().replace('-', "_");
        let plain = line.to_ascii_lowercase().replace('-', "_");
        let plain = ["functions.", "function"].iter().find_map(|p| plain.strip_prefix(p)).unwrap_or(&plain).to_owned();
        (plain.starts_with(&name), name.starts_with(&plain))
    };
    let mut waiting = react::may_begin(rest) || ["default_api.", "functions.", "print("].iter().any(|word| waits(word));
    for name in tools.names() {
        let (holds, waits) = named(name);
        if holds || rest.starts_with("functions.") {
            return Look::Hold;
        }
        waiting |= waits && line.len() == rest.len();
    }
    if waiting { Look::Wait } else { Look::Show }
}
