//! Every sample gives its calls and its visible text; the strong ones also in the midst of much prose.

use serde_json::json;

use crate::rows::{calls, parse, rows, tools};

const WEAK: [&str; 4] = ["fenced_json", "bare_json", "react", "pythonic"];

#[test]
fn every_sample_gives_its_calls() {
    let tools = tools();
    let rows = rows();
    assert_eq!(rows.len(), 383, "the file is read");
    for row in rows {
        let parsed = parse(&row.text, &tools);
        assert_eq!(calls(&parsed), row.expected, "{}: {}", row.id, row.text);
        if let Some(visible) = row.visible {
            assert_eq!(parsed.visible, visible, "{}: {}", row.id, row.text);
        }
    }
}

/// Is the call opened by a marker that also stands out in prose?
fn strong(text: &str) -> bool {
    let openers = [
        "<tool_call>",
        "<｜tool▁calls▁begin｜>",
        "<｜DSML｜",
        "<|tool_calls_section_begin|>",
        "[TOOL_CALLS]",
        "<minimax:tool_call>",
        "<function_calls>",
        "<|FunctionCallBegin|>",
        "<seed:tool_call>",
        "<|action_start|>",
        "<start_function_call>",
        "functools[",
    ];
    openers.iter().any(|opener| text.starts_with(opener))
}

#[test]
fn strong_samples_are_found_in_the_midst_of_prose() {
    let tools = tools();
    let prose = "The pod web-1 waits for its volume. 存储卷 test-data 仍未绑定, see the events: 3 of 5 are warnings.\n"
        .repeat(220);
    assert!(prose.len() > 20_000);
    let mut seen = 0;
    for row in rows()
        .iter()
        .filter(|row| !WEAK.contains(&row.dialect.as_str()) && strong(&row.text) && row.expected != json!([]))
    {
        // a reply that lacks its closing tag cannot be followed by prose
        for text in [format!("{prose}\n{}", row.text), format!("{prose}\n{}\n\n{prose}", row.text)] {
            assert_eq!(calls(&parse(&text, &tools)), row.expected, "{}", row.id);
        }
        seen += 1;
    }
    assert!(seen > 50, "only {seen}");
}

#[test]
fn without_tools_only_strong_shapes_are_calls() {
    let strong = parse("<tool_call>{\"name\": \"anything\", \"arguments\": {\"a\": 1}}</tool_call>", &[]);
    assert_eq!(calls(&strong), json!([{"name": "anything", "arguments": {"a": 1}}]));
    for text in [
        "{\"name\": \"anything\", \"arguments\": {}}",
        "```json\n{\"name\": \"x\", \"arguments\": {}}\n```",
        "[x(a=1)]",
    ] {
        let weak = parse(text, &[]);
        assert_eq!((weak.calls.len(), weak.visible.as_str()), (0, text));
    }
}

#[test]
fn a_cut_call_is_truncated_and_a_broken_one_says_why() {
    let tools = tools();
    let cut = parse("<tool_call>\n{\"name\": \"pods_get\", \"arguments\": {\"name\": \"we", &tools);
    assert!(cut.truncated && cut.calls.is_empty());
    let schema = parse(
        "<tool_call>{\"name\": \"events_list\", \"arguments\": {\"type\": \"object\", \"properties\": {}}}</tool_call>",
        &tools,
    );
    assert!(schema.calls.is_empty() && schema.invalid[0].contains("schema"), "{:?}", schema.invalid);
}
