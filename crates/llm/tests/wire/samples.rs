//! Recorded streams with what a client must make of them, whole and cut at every byte.

use llm::{Dialect, Finished, Problem, Request, Stop, Tool};
use serde_json::{Value, json};

const ROWS: &str = include_str!("../data/stream_samples.jsonl");
const CALLS_IN_TEXT: &str = include_str!("../data/toolcall_samples.jsonl");
const TOOLS: &str = include_str!("../data/toolcall_tools.json");

pub fn tools() -> Vec<Tool> {
    let list: Vec<Value> = serde_json::from_str(TOOLS).unwrap();
    list.iter()
        .map(|entry| Tool {
            name: entry["function"]["name"].as_str().unwrap().to_owned(),
            description: String::new(),
            parameters: entry["function"]["parameters"].clone(),
        })
        .collect()
}

pub fn rows() -> Vec<Value> {
    ROWS.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub fn decode<'a>(dialect: Dialect, request: &Request, chunks: impl IntoIterator<Item = &'a [u8]>) -> Finished {
    let mut decoder = dialect.decoder(request);
    let mut events = Vec::new();
    for chunk in chunks {
        events.extend(decoder.feed(chunk));
    }
    let mut finished = decoder.finish();
    events.append(&mut finished.events);
    finished.events = events;
    finished
}

fn problem(problem: &Problem) -> Value {
    match problem {
        Problem::Upstream(code) => json!(format!("upstream:{code}")),
        other => serde_json::to_value(other).unwrap(),
    }
}

fn differs(finished: &Finished, expected: &Value) -> Option<String> {
    let reply = &finished.reply;
    let calls: Vec<Value> =
        reply.calls.iter().map(|call| json!({"name": call.name, "arguments": call.arguments})).collect();
    let got = json!({"content": reply.content, "reasoning": reply.reasoning, "tool_calls": calls,
        "stop": reply.stop, "error": reply.problem.as_ref().map(problem)});
    let mut wanted = expected.clone();
    for (at, call) in wanted["tool_calls"].as_array_mut().unwrap().iter_mut().enumerate() {
        if let Some(id) = call.as_object_mut().unwrap().remove("id") {
            assert_eq!(reply.calls[at].id, id, "the provider's own id");
        }
    }
    wanted["error"] = expected.get("error").cloned().unwrap_or_default();
    (got != wanted).then(|| format!("got {got}\nnot {wanted}"))
}

#[test]
fn samples_whole_and_cut_at_every_byte() {
    let mut wrong = Vec::new();
    for with_tools in [true, false] {
        let request = Request { tools: if with_tools { tools() } else { Vec::new() }, ..Request::default() };
        for row in rows() {
            let body = row["sse"].as_str().unwrap().as_bytes();
            let whole = decode(Dialect::OpenaiChat, &request, [body]);
            if let Some(how) = differs(&whole, &row["expected"]) {
                wrong.push(format!("{} tools: {with_tools}\n{how}", row["id"]));
                continue;
            }
            let shown = crate::ask::shown(&whole.events);
            // thoughts that turn out to be some only at their end were shown before it
            assert!(shown.0.ends_with(&whole.reply.content), "{}: {} was shown", row["id"], shown.0);
            for at in 0..=body.len() {
                let halves = decode(Dialect::OpenaiChat, &request, [&body[..at], &body[at..]]);
                assert_eq!(halves.reply, whole.reply, "{} cut at {at}", row["id"]);
            }
            assert_eq!(
                decode(Dialect::OpenaiChat, &request, body.chunks(1)).reply,
                whole.reply,
                "{} in bytes",
                row["id"]
            );
            let crlf = row["sse"].as_str().unwrap().replace('\n', "\r\n");
            assert_eq!(decode(Dialect::OpenaiChat, &request, [crlf.as_bytes()]).reply, whole.reply, "{}", row["id"]);
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_stream_cut_anywhere_gives_no_call_that_was_not_whole() {
    let request = Request { tools: tools(), ..Request::default() };
    for row in rows() {
        let body = row["sse"].as_str().unwrap().as_bytes();
        let whole = decode(Dialect::OpenaiChat, &request, [body]).reply;
        for at in 0..body.len() {
            let cut = decode(Dialect::OpenaiChat, &request, [&body[..at]]).reply;
            for call in &cut.calls {
                let same = |other: &llm::ToolCall| (&other.name, &other.arguments) == (&call.name, &call.arguments);
                // a call whose arguments have not begun stands there without any
                assert!(
                    whole.calls.iter().any(same) || call.arguments.is_empty(),
                    "{} cut at {at}: {call:?}",
                    row["id"]
                );
            }
            assert!(cut.stop != Stop::ToolCalls || !cut.calls.is_empty(), "{} cut at {at}", row["id"]);
        }
    }
}

/// Wraps a text into a stream of one character an event.
fn streamed(text: &str) -> String {
    let chunk =
        |piece: String| format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": piece}}]}));
    let events: String = text.chars().map(|character| chunk(character.to_string())).collect();
    events + "data: {\"choices\": [{\"index\": 0, \"delta\": {}, \"finish_reason\": \"stop\"}]}\n\ndata: [DONE]\n\n"
}

#[test]
fn calls_in_text_come_through_a_stream_and_are_not_shown() {
    let request = Request { tools: tools(), ..Request::default() };
    for (at, line) in CALLS_IN_TEXT.lines().enumerate() {
        let row: Value = serde_json::from_str(line).unwrap();
        let body = streamed(row["text"].as_str().unwrap());
        let finished = decode(Dialect::OpenaiChat, &request, [body.as_bytes()]);
        let calls = finished.reply.calls.iter().map(|call| json!({"name": call.name, "arguments": call.arguments}));
        assert_eq!(Value::Array(calls.collect()), row["expected"], "row {at} {}", row["id"]);
        let ids: Vec<&str> = finished.reply.calls.iter().map(|call| call.id.as_str()).collect();
        let wanted: Vec<String> = (1..=ids.len()).map(|number| format!("call_0_{number}")).collect();
        assert_eq!(ids, wanted, "{}: ids that differ from turn to turn", row["id"]);
        if row["visible"].is_string() {
            assert_eq!(json!(finished.reply.content), row["visible"], "{}", row["id"]);
        }
    }
}
