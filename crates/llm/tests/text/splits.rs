//! A reply cut at any place is the same reply, and what is shown meanwhile is text without markers.

use llm::Tool;
use llm::text::{Parsed, Parser};

use crate::rows::{Row, parse, rows, tools};

fn pieces<'a>(pieces: impl Iterator<Item = &'a str>, tools: &[Tool]) -> (String, Parsed) {
    let mut parser = Parser::new(tools);
    let shown: String = pieces.map(|piece| parser.push(piece)).collect();
    (shown, parser.finish())
}

/// Markers of all dialects: none of them may be shown.
const MARKERS: [&str; 16] = [
    "<|",
    "<｜",
    "<‖",
    "DSML",
    "tool_call",
    "<function",
    "<invoke",
    "<param",
    "[TOOL_",
    "[ARGS]",
    "[THINK]",
    "]<]minimax",
    "✿",
    "to=functions",
    "arg_key",
    "functools[",
];

/// Text before a lone end of thinking cannot be told from an answer while it streams.
fn lone_end_of_thinking(row: &Row) -> bool {
    row.text.contains("</think>") && !row.text.contains("<think>")
}

fn check(row: &Row, whole: &Parsed, shown: &str, parsed: &Parsed, at: usize) {
    assert_eq!(parsed, whole, "{} cut at {at}", row.id);
    for marker in MARKERS {
        assert!(!shown.contains(marker), "{} cut at {at} shows {marker}: {shown}", row.id);
    }
    if !lone_end_of_thinking(row) {
        assert!(
            whole.visible.starts_with(shown),
            "{} cut at {at}: {shown:?} is not the beginning of {:?}",
            row.id,
            whole.visible
        );
    }
}

#[test]
fn every_sample_cut_at_every_place_is_the_same() {
    let tools = tools();
    for row in rows() {
        let whole = parse(&row.text, &tools);
        for (at, _) in row.text.char_indices() {
            let (head, tail) = row.text.split_at(at);
            let (shown, parsed) = pieces([head, tail].into_iter(), &tools);
            check(&row, &whole, &shown, &parsed, at);
        }
        let ends: Vec<usize> = row.text.char_indices().map(|(at, c)| at + c.len_utf8()).collect();
        let single = row.text.char_indices().zip(&ends).map(|((at, _), end)| &row.text[at..*end]);
        let (shown, parsed) = pieces(single, &tools);
        check(&row, &whole, &shown, &parsed, row.text.len());
    }
}

#[test]
fn text_is_shown_while_it_streams() {
    let tools = tools();
    let text = "The claim test-data asks for 5Gi, a < b, and x[0] is {job} of `kubectl get pods`.\nAll of it is text.";
    let mut parser = Parser::new(&tools);
    let shown: String = text.split_inclusive(' ').map(|piece| parser.push(piece)).collect();
    assert_eq!(shown, text);
}
