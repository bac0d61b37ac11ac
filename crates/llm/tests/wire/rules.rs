//! The rules of assembly, one small stream each, in the ways in which servers bend OpenAI's format.

use llm::{Dialect, Problem, Reply, Stop};
use serde_json::{Value, json};

use crate::ask::{request, user};
use crate::samples::decode;

fn chunk(delta: &Value, reason: Option<&str>) -> String {
    format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}))
}

fn reply(deltas: &[Value], reason: &str) -> Reply {
    let mut body: String = deltas.iter().map(|delta| chunk(delta, None)).collect();
    body.push_str(&chunk(&json!({}), Some(reason)));
    body.push_str("data: [DONE]\n\n");
    decode(Dialect::OpenaiChat, &request(vec![user("?")]), [body.as_bytes()]).reply
}

/// The calls out of pieces `[index, id, name, arguments]`, each in a delta of its own; `null` is left out.
fn calls(pieces: &Value) -> Vec<(String, String, Value)> {
    let delta = |piece: &Value| {
        let mut call = json!({"type": "function", "function": {}});
        for (at, member) in ["index", "id"].iter().enumerate() {
            if !piece[at].is_null() {
                call[member] = piece[at].clone();
            }
        }
        for (at, member) in [(2, "name"), (3, "arguments")] {
            if !piece[at].is_null() {
                call["function"][member] = piece[at].clone();
            }
        }
        json!({"tool_calls": [call]})
    };
    let deltas: Vec<Value> = pieces.as_array().unwrap().iter().map(delta).collect();
    let reply = reply(&deltas, "tool_calls");
    assert_eq!(reply.problem, None, "{pieces}");
    reply.calls.into_iter().map(|call| (call.id, call.name, Value::Object(call.arguments))).collect()
}

#[test]
fn pieces_find_their_call() {
    let (events, spaces, get) = ("events_list", "namespaces_list", "pods_list_in_namespace");
    let (a, b) = (r#"{"namespace": "aiops"}"#, r#"{"namespace": "shop"}"#);
    let one = json!([[events, {"namespace": "aiops"}]]);
    let two = json!([[get, {"namespace": "aiops"}], [events, {"namespace": "aiops"}]]);
    let both = json!([[events, {"namespace": "aiops"}], [events, {"namespace": "shop"}]]);
    let rows = [
        ("ids and arguments come late", json!([[0, null, events, null], [0, "x", null, ""], [0, null, null, a]]), &one),
        (
            "a new id in every piece",
            json!([[0, "x", events, ""], [0, "y", null, "{\"namespace\": "], [0, "z", null, "\"aiops\"}"]]),
            &one,
        ),
        ("a new id and no index", json!([[null, "x", events, ""], [null, "y", null, a]]), &one),
        ("an empty id later", json!([[0, "x", events, ""], [0, "", "", a]]), &one),
        (
            "a tail of an unknown index",
            json!([[0, "x", events, "{\"namespace\": "], [1, null, null, "\"aiops\"}"]]),
            &one,
        ),
        ("a tail without index", json!([[0, "x", events, "{\"namespace\": "], [null, null, null, "\"aiops\"}"]]), &one),
        ("index 0 everywhere, no ids", json!([[0, null, get, a], [0, null, events, a]]), &two),
        ("no index and no ids", json!([[null, null, get, a], [null, null, events, a]]), &two),
        ("the same name, no ids", json!([[0, null, events, a], [0, null, events, b]]), &both),
        ("the same id for all", json!([[0, "c", get, a], [1, "c", events, a]]), &two),
        ("two objects in one text", json!([[0, "x", events, format!("{a}{b}")]]), &both),
        (
            "the whole again",
            json!([[0, "x", events, "{\"namespace\": "], [0, null, null, "\"aiops\"}"], [0, null, events, a]]),
            &one,
        ),
        ("the whole again as an object", json!([[0, "x", events, a], [0, "x", events, {"namespace": "aiops"}]]), &one),
        ("a first guess of nothing", json!([[0, "x", events, "{}"], [0, null, null, a]]), &one),
        ("a name in pieces", json!([[0, "x", "events", ""], [0, null, "_list", null], [0, null, null, a]]), &one),
        ("a name that grows", json!([[0, "x", "events_", ""], [0, "x", "events_list", a]]), &one),
        ("encoded twice", json!([[0, "x", events, json!(a).to_string()]]), &one),
        ("order by first appearance", json!([[1, "y", get, a], [0, "x", events, a]]), &two),
    ];
    for (what, pieces, expected) in rows {
        let got: Vec<Value> = calls(&pieces).into_iter().map(|(_, name, arguments)| json!([name, arguments])).collect();
        assert_eq!(&json!(got), expected, "{what}");
    }
    for nothing in [json!(null), json!(""), json!("{}"), json!("null"), json!({}), json!("\"\""), json!(" ")] {
        let got = calls(&json!([[0, "x", spaces, nothing]]));
        assert_eq!(got, [("x".to_owned(), spaces.to_owned(), json!({}))], "{nothing}");
    }
    let got = calls(&json!([[null, null, spaces, null], [null, null, events, a]]));
    assert_eq!(got.len(), 2, "a call without arguments before another");
}

#[test]
fn ids_are_the_providers_or_ours_and_never_twice() {
    let ids = |pieces: Value| calls(&pieces).into_iter().map(|(id, _, _)| id).collect::<Vec<_>>();
    let a = r#"{"namespace": "a"}"#;
    assert_eq!(ids(json!([[0, "functions.events_list:0", "events_list", a]])), ["functions.events_list:0"]);
    assert_eq!(ids(json!([[0, null, "events_list", a], [1, "", "pods_get", a]])), ["call_1_1", "call_1_2"]);
    assert_eq!(ids(json!([[0, "c", "events_list", a], [1, "c", "pods_get", a]])), ["c", "call_1_1"]);
    let longer = request(vec![user("?"), user("?"), user("?")]);
    let delta = json!({"tool_calls": [{"function": {"name": "events_list", "arguments": a}}]});
    let body = chunk(&delta, Some("stop"));
    let later = decode(Dialect::OpenaiChat, &longer, [body.as_bytes()]).reply;
    assert_eq!(later.calls[0].id, "call_3_1", "another one than in an earlier turn");
}

#[test]
fn what_must_go_back_with_a_call_is_kept() {
    let call = json!({"index": 0, "id": "x", "function": {"name": "events_list", "arguments": "{}"},
        "extra_content": {"google": {"thought_signature": "s"}}});
    let got = reply(&[json!({"tool_calls": [call]})], "stop");
    assert_eq!(got.calls[0].extra, Some(json!({"extra_content": {"google": {"thought_signature": "s"}}})));
}

#[test]
fn arguments_that_are_cut_are_no_call() {
    let call = |arguments: &str| json!({"tool_calls": [{"index": 0, "id": "x", "function": {"name": "events_list", "arguments": arguments}}]});
    for arguments in ["{\"namespace\": \"ai", "{\"namespace\": ", "{", "{\"namespace\": \"a\"", "[1]", "7"] {
        for (reason, stop) in [("length", Stop::Length), ("tool_calls", Stop::Stop), ("stop", Stop::Stop)] {
            let got = reply(&[call(arguments)], reason);
            let seen = (got.calls.len(), got.stop, got.problem);
            assert_eq!(seen, (0, stop, Some(Problem::TruncatedCall)), "{arguments} {reason}");
        }
        let cut = chunk(&call(arguments), None);
        let got = decode(Dialect::OpenaiChat, &request(vec![user("?")]), [cut.as_bytes()]).reply;
        assert_eq!(
            (got.calls.len(), got.stop, got.problem),
            (0, Stop::Error, Some(Problem::IncompleteStream)),
            "{arguments}"
        );
    }
}

#[test]
fn ends_of_all_kinds() {
    let text = [json!({"content": "ok"})];
    let rows: [(&[Value], &str, Stop, Option<Problem>); 9] = [
        (&text, "stop", Stop::Stop, None),
        (&text, "length", Stop::Length, None),
        (&text, "some_new_word", Stop::Stop, None),
        (&text, "tool_calls", Stop::Stop, Some(Problem::EmptyToolCalls)),
        (&[], "tool_calls", Stop::Stop, Some(Problem::EmptyToolCalls)),
        (&[], "stop", Stop::Stop, Some(Problem::EmptyAnswer)),
        (&[], "length", Stop::Length, Some(Problem::EmptyAnswer)),
        (&text, "model_context_window_exceeded", Stop::Length, Some(Problem::ContextLength)),
        (&text, "error", Stop::Error, Some(Problem::Upstream("error".to_owned()))),
    ];
    for (deltas, reason, stop, problem) in rows {
        let got = reply(deltas, reason);
        assert_eq!((got.stop, got.problem), (stop, problem), "{reason} {deltas:?}");
    }
    let whole = |body: &str| decode(Dialect::OpenaiChat, &request(vec![user("?")]), [body.as_bytes()]).reply;
    let no_reason = chunk(&text[0], None);
    assert_eq!(whole(&no_reason).problem, Some(Problem::IncompleteStream));
    assert_eq!(whole(&format!("{no_reason}data: [DONE]\n\n")).problem, None);
    assert_eq!(whole(": keep-alive\n\n: keep-alive\n\n").problem, Some(Problem::EmptyBody));
    assert_eq!(whole("data: [DONE]\n\n").problem, Some(Problem::EmptyBody));
    assert_eq!(
        whole(&no_reason.replace("null", "\"\"")).problem,
        Some(Problem::IncompleteStream),
        "an empty word is none"
    );
}

#[test]
fn thoughts_under_all_their_names() {
    let rows = [
        json!({"reasoning_content": "r"}),
        json!({"reasoning": "r", "reasoning_content": "r"}),
        json!({"reasoning": "", "reasoning_details": [{"type": "reasoning.text", "text": "r"}]}),
        json!({"reasoning_details": [{"type": "reasoning.summary", "summary": "r"}, {"type": "reasoning.encrypted", "data": "x"}]}),
        json!({"thinking": "r"}),
        json!({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "r"}]}]}),
        json!({"content": [{"type": "thinking", "thinking": "r"}]}),
    ];
    for delta in rows {
        let got = reply(&[delta.clone(), json!({"content": [{"type": "text", "text": "o"}, "k"]})], "stop");
        assert_eq!((got.reasoning.as_str(), got.content.as_str()), ("r", "ok"), "{delta}");
    }
}

#[test]
fn events_in_odd_wrapping() {
    let whole = |body: &str| decode(Dialect::OpenaiChat, &request(vec![user("?")]), [body.as_bytes()]).reply;
    let (first, last) = (chunk(&json!({"content": "o"}), None), chunk(&json!({"content": "k"}), Some("stop")));
    let plain = format!("{first}{last}");
    for body in [
        plain.replace("data: ", "data:"),
        plain.replace("\n\n", "\n"),
        plain.replace("data: ", ""),
        plain.replace("data: ", "id: 7\nevent: message\nretry: 5\ndata: "),
        format!("data: OPENROUTER PROCESSING\n\n{plain}"),
        format!("data: null\n\ndata: 7\n\n{plain}"),
        plain.trim_end().to_owned(),
        format!("\u{feff}{plain}"),
    ] {
        let got = whole(&body);
        assert_eq!((got.content.as_str(), got.problem), ("ok", None), "{body}");
    }
    // a second choice is not mixed in
    let other = r#"data: {"choices": [{"index": 1, "delta": {"content": "no"}}]}"#;
    assert_eq!(whole(&format!("{first}{other}\n\n{last}")).content, "ok");
}

#[test]
fn an_old_function_call_is_a_call() {
    let deltas = [
        json!({"function_call": {"name": "events_list", "arguments": ""}}),
        json!({"function_call": {"arguments": "{\"namespace\": \"a\"}"}}),
    ];
    let got = reply(&deltas, "function_call");
    assert_eq!((got.calls[0].name.as_str(), got.stop), ("events_list", Stop::ToolCalls));
}

#[test]
fn a_thousand_calls_are_taken_and_a_flood_is_not() {
    let call = |index: usize| {
        let arguments = json!({"namespace": index.to_string()}).to_string();
        json!({"tool_calls": [{"index": index, "id": format!("c{index}"), "function": {"name": "events_list", "arguments": arguments}}]})
    };
    let deltas: Vec<Value> = (0..1000).map(call).collect();
    assert_eq!(reply(&deltas, "tool_calls").calls.len(), 1000);
    let deltas: Vec<Value> = (0..20_000).map(call).collect();
    let calls = reply(&deltas, "tool_calls").calls;
    assert_eq!((calls.len(), calls[1023].arguments["namespace"].as_str()), (1024, Some("1023")));
}

#[test]
fn a_megabyte_of_arguments_byte_by_byte() {
    let piece = |text: &str| json!({"tool_calls": [{"index": 0, "function": {"arguments": text}}]});
    let mut deltas = vec![
        json!({"tool_calls": [{"index": 0, "id": "x", "function": {"name": "events_list", "arguments": "{\"namespace\": \""}}]}),
    ];
    deltas.extend((0..50_000).map(|_| piece("{}{}{}{}{}{}{}{}{}{}")));
    deltas.push(piece("\"}"));
    let got = reply(&deltas, "stop");
    assert_eq!(got.calls[0].arguments["namespace"].as_str().map(str::len), Some(1_000_000));
}
