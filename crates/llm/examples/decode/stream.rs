//! The mode `stream`: the body of an answer, and what a client must make of it.

use llm::{Dialect, Problem, Request, Tool};
use serde_json::{Map, Value, json};

use crate::Decoded;

pub fn decode(row: &Map<String, Value>, tools: &[Tool]) -> Decoded {
    let body = row.get("sse").and_then(Value::as_str).ok_or("`sse` is missing or no text")?;
    let request = Request { tools: tools.to_vec(), ..Request::default() };
    let mut decoder = dialect(body).decoder(&request);
    decoder.feed(body.as_bytes());
    let reply = decoder.finish().reply;
    let calls = reply.calls.iter().map(|call| json!({"name": call.name, "arguments": call.arguments, "id": call.id}));
    let mut expected = json!({
        "content": reply.content,
        "reasoning": reply.reasoning,
        "tool_calls": calls.collect::<Vec<_>>(),
        "stop": reply.stop,
    });
    if let Some(problem) = &reply.problem {
        expected["error"] = problem_word(problem).into();
    }
    Ok(Map::from_iter([("expected".to_owned(), expected)]))
}

/// The wire format by its marks: a row does not say which one it is.
fn dialect(body: &str) -> Dialect {
    let has = |mark: &str| body.contains(mark);
    if has("\"choices\"") {
        Dialect::OpenaiChat
    } else if has("\"message_start\"") || has("\"content_block_") || has("event: ping") {
        Dialect::Anthropic
    } else if has("\"response.") {
        Dialect::OpenaiResponses
    } else if has("\"candidates\"") {
        Dialect::Gemini
    } else if has("\"done\"") {
        Dialect::Ollama
    } else {
        Dialect::OpenaiChat
    }
}

fn problem_word(problem: &Problem) -> String {
    match problem {
        Problem::IncompleteStream => "incomplete_stream".to_owned(),
        Problem::TruncatedCall => "truncated_call".to_owned(),
        Problem::EmptyToolCalls => "empty_tool_calls".to_owned(),
        Problem::EmptyAnswer => "empty_answer".to_owned(),
        Problem::EmptyBody => "empty_body".to_owned(),
        Problem::ContextLength => "context_length".to_owned(),
        Problem::Upstream(code) => format!("upstream:{code}"),
    }
}
