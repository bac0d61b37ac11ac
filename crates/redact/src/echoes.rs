//! Further copies of what was found, plain and in base64: the same password without its name.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use crate::{Span, values};

/// Shorter values, and more of them, would hit words that have nothing to do with them.
const SHORTEST: usize = 8;
const MOST: usize = 1000;

pub fn mark(text: &str, spans: &mut Vec<Span>) {
    let mut needles: Vec<String> = Vec::new();
    let mut classes = Vec::new();
    for span in spans.iter().take(MOST) {
        let value = &text[span.start..span.end];
        if value.len() < SHORTEST || value.len() > 512 || !values::random(value) {
            continue;
        }
        needles.push(value.to_owned());
        needles.push(STANDARD_NO_PAD.encode(value));
        classes.extend([span.class, span.class]);
    }
    let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(&needles);
    // A text with too many values for the automaton keeps what the other rules found.
    let Ok(automaton) = automaton else {
        return;
    };
    let found = automaton.find_iter(text).map(|found| {
        let padding = text[found.end()..].bytes().take_while(|byte| *byte == b'=').count();
        Span { start: found.start(), end: found.end() + padding, class: classes[found.pattern().as_usize()] }
    });
    let found: Vec<Span> = found.collect();
    spans.extend(found);
}
