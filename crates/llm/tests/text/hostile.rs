//! Mutated and hostile replies: no panic, nothing taken from a cut reply, work that grows with the length only.

use llm::text::{json, tame};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json as value;

use crate::rows::{calls, parse, rows, tools};

fn cases() -> u32 {
    std::env::var("FUZZ_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2_000)
}

const PIECES: [&str; 22] = [
    "<tool_call>",
    "</tool_call>",
    "<｜tool▁sep｜>",
    "{\"",
    "\"}",
    "[TOOL_CALLS]",
    "<function=",
    "<parameter=x>",
    "</think>",
    "<think>",
    "```json\n",
    "```",
    "<|channel|>",
    "<|message|>",
    " to=functions.x",
    "\\",
    "“",
    "<invoke name=\"",
    "✿ARGS✿",
    "(",
    "}}",
    "<|open|>",
];

#[test]
fn mutated_samples_never_panic() {
    let (tools, rows) = (tools(), rows());
    let mutation =
        (0..rows.len(), proptest::collection::vec((0_usize..4, any::<prop::sample::Index>(), 0..PIECES.len()), 1..6));
    let mut runner = TestRunner::new(Config { cases: cases(), failure_persistence: None, ..Config::default() });
    let run = runner.run(&mutation, |(row, edits)| {
        let mut text: Vec<char> = rows[row].text.chars().collect();
        for (kind, place, piece) in edits {
            let at = place.index(text.len() + 1);
            match kind {
                0 => text.truncate(at),
                1 => text.splice(at..at, PIECES[piece].chars()).for_each(drop),
                2 => text.drain(at..(at + 7).min(text.len())).for_each(drop),
                _ => {
                    text = text[..at]
                        .iter()
                        .chain(&rows[(row + piece) % rows.len()].text.chars().collect::<Vec<_>>())
                        .copied()
                        .collect()
                }
            }
        }
        let text: String = text.into_iter().collect();
        let parsed = parse(&text, &tools);
        prop_assert!(parsed.calls.is_empty() || !parsed.truncated);
        let _ = json::lenient(&text);
        let _ = tame(&text);
        Ok(())
    });
    run.unwrap();
}

#[test]
fn a_cut_value_never_runs() {
    let tools = tools();
    let long = "web-production-7c9d";
    let forms = [
        format!("<tool_call>\n{{\"name\": \"pods_get\", \"arguments\": {{\"name\": \"{long}\"}}}}\n</tool_call>"),
        format!("<tool_call>\n<function=pods_get>\n<parameter=name>\n{long}\n</parameter>\n</function>\n</tool_call>"),
        format!("<tool_call>pods_get\n<arg_key>name</arg_key>\n<arg_value>{long}</arg_value>\n</tool_call>"),
        format!(
            "<｜DSML｜tool_calls><｜DSML｜invoke name=\"pods_get\"><｜DSML｜parameter name=\"name\" string=\"true\">{long}</｜DSML｜parameter>"
        ),
        format!("[TOOL_CALLS]pods_get[ARGS]{{\"name\": \"{long}\"}}"),
        format!("<|channel|>commentary to=functions.pods_get<|message|>{{\"name\": \"{long}\"}}<|call|>"),
        format!("[pods_get(name=\"{long}\")]"),
        format!("Action: pods_get\nAction Input: {{\"name\": \"{long}\"}}"),
        format!("```json\n{{\"name\": \"pods_get\", \"arguments\": {{\"name\": \"{long}\"}}}}\n```"),
        format!("<|tool_call>call:pods_get{{name:<|\"|>{long}<|\"|>}}<tool_call|>"),
    ];
    for text in forms {
        assert_eq!(calls(&parse(&text, &tools)), value!([{"name": "pods_get", "arguments": {"name": long}}]), "{text}");
        for (at, _) in text.char_indices() {
            for call in parse(&text[..at], &tools).calls {
                assert_eq!(value!(call.arguments), value!({"name": long}), "{}", &text[..at]);
            }
        }
    }
}

/// A megabyte of each piece, read whole and in pieces; the figures are printed, and the machine's speed asserts nothing.
#[test]
#[ignore = "a measurement: run it with --ignored --nocapture"]
fn a_megabyte_of_each_piece() {
    let tools = tools();
    for piece in PIECES.iter().chain(&[
        "<tool_call>{\"a\": \"",
        "[[",
        "{\"a\":",
        "<",
        "Action: x\n",
        "events_list\n",
        "<|\"|>",
        "a ",
    ]) {
        let time = |length: usize| {
            let text = piece.repeat(length / piece.len());
            let begin = std::time::Instant::now();
            let mut parser = llm::text::Parser::new(&tools);
            text.as_bytes().chunks(4096).for_each(|_| ());
            parser.push(&text);
            parser.finish();
            begin.elapsed()
        };
        println!("{piece:?}: {:?} for 256 KB, {:?} for 1 MB", time(1 << 18), time(1 << 20));
    }
}
