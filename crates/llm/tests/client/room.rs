//! A context that is too small: what goes is the oldest result, and its place says so.

use std::fmt::Write as _;

use llm::pretend::{Model as Server, Turn};
use llm::settings::Model;
use llm::{Message, Request, tokens};
use serde_json::{Value, json};

use super::{ask, call, models, several, text, tool, user};

/// Some rounds of long results.
fn long(rounds: usize, lines: usize) -> Request {
    let mut messages = vec![Message::System { content: "Be short.".to_owned() }, user("why is it slow")];
    for round in 0..rounds {
        let id = format!("call_{round}");
        let mut content = String::new();
        for line in 0..lines {
            writeln!(content, "round {round} line {line}: nothing happened here at all").unwrap();
        }
        messages.push(Message::Assistant {
            content: String::new(),
            reasoning: String::new(),
            calls: vec![call(&id, "events_list")],
        });
        messages.push(Message::Tool { id, name: "events_list".to_owned(), content });
    }
    Request { messages, tools: vec![tool("events_list")], ..Request::default() }
}

fn size(body: &Value) -> u32 {
    tokens::of(&body["messages"].to_string())
}

#[tokio::test]
async fn the_oldest_result_goes_first() {
    let server = Server::start(vec![Turn::text("done")]).await.unwrap();
    let model = Model { context: Some(6_000), ..Model::new("one", &server.url, "m") };
    let answer = ask(&several(vec![model]), &long(4, 150)).await.unwrap();
    assert!(answer.steps[0].contains("events_list"), "{:?}", answer.steps);
    let body = server.requests().remove(0);
    assert!(size(&body) < 6_000, "{}", size(&body));
    assert!(text(&body["messages"][3]).contains("left out"), "the first result");
    assert!(text(&body["messages"][9]).contains("round 3 line 149"), "the last result keeps its end");
    assert!(server.violations().is_empty());
}

#[tokio::test]
async fn one_huge_result_keeps_its_ends() {
    let server = Server::start(vec![Turn::text("done")]).await.unwrap();
    let model = Model { context: Some(6_000), ..Model::new("one", &server.url, "m") };
    ask(&several(vec![model]), &long(1, 20_000)).await.unwrap();
    let body = server.requests().remove(0);
    let result = text(&body["messages"][3]);
    assert!(result.starts_with("round 0 line 0:") && result.contains("line 19999") && result.contains("left out"));
    assert!(size(&body) < 6_000, "{}", size(&body));
}

#[tokio::test]
async fn a_limit_that_the_server_names_is_learnt() {
    let server = Server::acting(|body| match size(body) > 4_096 {
        true => {
            let why = format!("request ({} tokens) exceeds the available context size (4096 tokens)", size(body));
            Turn::status(400, &json!({"error": {"message": why, "type": "exceed_context_size_error", "n_prompt_tokens": size(body), "n_ctx": 4096}}))
        }
        false => Turn::text("done"),
    })
    .await
    .unwrap();
    let list = models(&server);
    let first = ask(&list, &long(4, 150)).await.unwrap();
    assert!(first.requests <= 3, "{:?}", first.steps);
    assert_eq!(ask(&list, &long(4, 150)).await.unwrap().requests, 1);
    assert_eq!(list.known().unwrap().0.context, Some(4_096));
}

#[tokio::test]
async fn a_limit_that_nobody_names_is_found_by_halves() {
    let server = Server::acting(|body| match size(body) > 4_096 {
        true => Turn::status(413, &json!({})),
        false => Turn::text("done"),
    })
    .await
    .unwrap();
    let answer = ask(&models(&server), &long(4, 150)).await.unwrap();
    assert!(answer.requests <= 4, "{:?}", answer.steps);
}

#[tokio::test]
async fn an_answer_that_wants_too_much_room_gets_less() {
    let server = Server::acting(|body| match body["max_tokens"].as_u64() > Some(3_000) {
        true => {
            let why = "This endpoint's maximum context length is 4096 tokens. However, you requested about 5096 tokens (1096 of text input, 4000 in the output).";
            Turn::status(400, &json!({"error": {"message": why, "code": 400}}))
        }
        false => Turn::text("done"),
    })
    .await
    .unwrap();
    let request = Request { messages: vec![user("why")], max_tokens: Some(4_000), ..Request::default() };
    let answer = ask(&models(&server), &request).await.unwrap();
    assert_eq!(answer.requests, 2);
    assert_eq!(text(&server.requests()[1]["messages"][0]), "why", "the question is whole");
}

#[tokio::test]
async fn a_server_that_cuts_in_silence_is_told() {
    let body = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"done\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":4096,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n";
    let server = Server::start(vec![Turn::raw(body)]).await.unwrap();
    let answer = ask(&models(&server), &long(4, 300)).await.unwrap();
    assert!(answer.steps[0].contains("num_ctx"), "{:?}", answer.steps);
}
