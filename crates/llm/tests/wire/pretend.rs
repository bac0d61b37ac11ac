//! Each wire format there and back through the scripted model, and the model's faults.

use std::time::{Duration, Instant};

use llm::pretend::{Model, Turn};
use llm::{Dialect, Event, Message, Problem, Stop, ToolCall};
use serde_json::json;

use crate::ask::{ALL, ask, body, json, post, request, shown, user};

fn turn() -> Turn {
    Turn::text("PVC 未绑定，先看事件。")
        .reasoning("想一想 which namespace")
        .and_call("events_list", json!({"namespace": "aiops"}))
        .and_call("namespaces_list", json!({}))
        .and_call("events_list", json!({"namespace": "shop"}))
}

#[tokio::test]
async fn text_thoughts_and_calls_in_every_format() {
    for dialect in ALL {
        for stream in [true, false] {
            let model = Model::start(vec![turn()]).await.unwrap();
            let (finished, whole) = ask(&model, dialect, &request(vec![user("why?")]), stream).await;
            let reply = &finished.reply;
            let calls: Vec<_> = reply.calls.iter().map(|call| json!([call.name, call.arguments])).collect();
            assert_eq!(
                json!(calls),
                json!([["events_list", {"namespace": "aiops"}], ["namespaces_list", {}],
                ["events_list", {"namespace": "shop"}]]),
                "{dialect:?} stream: {stream}"
            );
            assert_eq!(
                (reply.content.as_str(), reply.reasoning.as_str()),
                ("PVC 未绑定，先看事件。", "想一想 which namespace")
            );
            assert_eq!((reply.stop, &reply.problem, whole), (Stop::ToolCalls, &None, true), "{dialect:?}");
            let cached = if dialect == Dialect::Ollama { 0 } else { 60 };
            assert_eq!((reply.usage.input, reply.usage.cached), (100, cached), "{dialect:?} stream: {stream}");
            assert!(reply.usage.output > 20, "{dialect:?}: {:?}", reply.usage);
            let names = ["events_list", "namespaces_list", "events_list"].map(str::to_owned).to_vec();
            assert_eq!(shown(&finished.events), (reply.content.clone(), reply.reasoning.clone(), names), "{dialect:?}");
            assert_eq!(model.open(), 0);
        }
    }
}

#[tokio::test]
async fn the_next_turn_carries_calls_and_results_back() {
    for dialect in ALL {
        let model = Model::start(vec![turn(), Turn::text("好。")]).await.unwrap();
        let mut messages = vec![Message::System { content: "s".to_owned() }, user("why?")];
        let (first, _) = ask(&model, dialect, &request(messages.clone()), true).await;
        let calls = first.reply.calls.clone();
        let ids: std::collections::BTreeSet<&String> = calls.iter().map(|call| &call.id).collect();
        assert_eq!(ids.len(), 3, "{dialect:?}: ids differ");
        messages.push(Message::Assistant {
            content: first.reply.content,
            reasoning: String::new(),
            calls: calls.clone(),
        });
        let result = |call: &ToolCall| Message::Tool {
            id: call.id.clone(),
            name: call.name.clone(),
            content: "nothing".to_owned(),
        };
        messages.extend(calls.iter().map(result));
        let (second, _) = ask(&model, dialect, &request(messages.clone()), true).await;
        assert_eq!((second.reply.content.as_str(), second.reply.stop), ("好。", Stop::Stop), "{dialect:?}");
        assert_eq!(model.violations(), Vec::<String>::new(), "{dialect:?}");
        let sent = model.requests()[1].to_string();
        match dialect {
            Dialect::OpenaiChat | Dialect::Ollama => {}
            Dialect::OpenaiResponses | Dialect::Anthropic | Dialect::Gemini => {
                assert_eq!(
                    sent.matches("c2VhbGVk").count(),
                    1,
                    "{dialect:?}: the sealed thought goes back once: {sent}"
                );
            }
        }

        messages.pop();
        let refused = post(&model, dialect, &request(messages), true).await;
        assert_eq!(refused.status(), 400, "{dialect:?}: a call without its result");
        assert_eq!(model.violations().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_that_is_too_long_says_so() {
    for dialect in ALL {
        let model =
            Model::start(vec![Turn::text("abc").length(), Turn::text("").reasoning("hm").length()]).await.unwrap();
        let (half, _) = ask(&model, dialect, &request(vec![user("?")]), true).await;
        assert_eq!((half.reply.stop, half.reply.problem), (Stop::Length, None), "{dialect:?}");
        let (none, _) = ask(&model, dialect, &request(vec![user("?")]), true).await;
        assert_eq!((none.reply.stop, none.reply.problem), (Stop::Length, Some(Problem::EmptyAnswer)), "{dialect:?}");
    }
}

#[tokio::test]
async fn a_stream_that_breaks_is_no_answer() {
    for dialect in ALL {
        let model = Model::start(vec![Turn::text("a b c d e f g h i j k l").cut(300)]).await.unwrap();
        let (cut, whole) = ask(&model, dialect, &request(vec![user("?")]), true).await;
        assert!(!whole, "{dialect:?}: the connection broke");
        assert_eq!((cut.reply.stop, cut.reply.problem), (Stop::Error, Some(Problem::IncompleteStream)), "{dialect:?}");
    }
}

#[tokio::test]
async fn pages_and_nothing_at_all() {
    for dialect in ALL {
        let model = Model::start(vec![Turn::empty(), Turn::html(200)]).await.unwrap();
        let (empty, _) = ask(&model, dialect, &request(vec![user("?")]), true).await;
        assert_eq!(empty.reply.problem, Some(Problem::EmptyBody), "{dialect:?}");
        let (page, _) = ask(&model, dialect, &request(vec![user("?")]), true).await;
        assert_eq!(page.reply.problem, Some(Problem::IncompleteStream), "{dialect:?}");
    }
}

#[tokio::test]
async fn errors_inside_a_stream_carry_their_code() {
    let rows = [
        (Dialect::OpenaiChat, json!({"error": {"code": 502, "message": "m"}}), "502"),
        (Dialect::OpenaiChat, json!({"code": 20015, "message": "m", "data": null}), "20015"),
        (Dialect::OpenaiResponses, json!({"type": "error", "code": "server_error", "message": "m"}), "server_error"),
        (
            Dialect::OpenaiResponses,
            json!({"type": "response.failed", "response": {"status": "failed", "error": {"code": "rate_limit_exceeded"}}}),
            "rate_limit_exceeded",
        ),
        (Dialect::Anthropic, json!({"type": "error", "error": {"type": "overloaded_error"}}), "overloaded_error"),
        (Dialect::Gemini, json!([{"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}]), "429"),
        (Dialect::Gemini, json!({"promptFeedback": {"blockReason": "SAFETY"}}), "SAFETY"),
        (Dialect::Ollama, json!({"error": "model requires more system memory"}), "error"),
    ];
    for (dialect, event, code) in rows {
        let bodies = [event.to_string(), format!("{event:#}"), format!("data: {event}\n\n")];
        for body in bodies {
            let model = Model::start(vec![Turn::raw(body)]).await.unwrap();
            let (failed, _) = ask(&model, dialect, &request(vec![user("?")]), true).await;
            assert_eq!(failed.reply.problem, Some(Problem::Upstream(code.to_owned())), "{dialect:?}");
            assert_eq!(failed.reply.stop, Stop::Error);
            assert!(failed.error.is_some(), "{dialect:?}: the error itself is kept");
        }
    }
}

#[tokio::test]
async fn statuses_headers_and_the_end_of_the_script() {
    let busy = Turn::status(429, &json!({"error": {"message": "slow down"}})).header("retry-after", "7");
    let model = Model::start(vec![busy]).await.unwrap();
    let response = post(&model, Dialect::OpenaiChat, &request(vec![user("?")]), true).await;
    assert_eq!((response.status().as_u16(), response.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    assert_eq!(json(&response.bytes().await.unwrap()), json!({"error": {"message": "slow down"}}));
    let over = post(&model, Dialect::OpenaiChat, &request(vec![user("?")]), true).await;
    assert_eq!(over.status(), 500);
    let asked = &model.asked()[0];
    assert_eq!(asked.path, "/chat/completions");
    assert!(asked.headers.contains(&("authorization".to_owned(), "Bearer key".to_owned())));
}

#[tokio::test]
async fn a_script_that_acts_on_what_is_asked() {
    let model =
        Model::acting(|body| Turn::text(body["messages"][0]["content"].as_str().unwrap_or("nothing"))).await.unwrap();
    let (echo, _) = ask(&model, Dialect::OpenaiChat, &request(vec![user("say this")]), true).await;
    assert_eq!(echo.reply.content, "say this");
}

#[tokio::test]
async fn an_endless_answer_stops_when_nobody_listens() {
    for dialect in ALL {
        let model = Model::start(vec![Turn::text("again and again").endless().rate(1000)]).await.unwrap();
        let mut response = post(&model, dialect, &request(vec![user("?")]), true).await;
        let mut decoder = dialect.decoder(&request(vec![user("?")]));
        let mut text = String::new();
        while text.len() < 100 {
            let bytes = response.chunk().await.unwrap().unwrap();
            for event in decoder.feed(&bytes) {
                if let Event::Text { text: piece } = event {
                    text.push_str(&piece);
                }
            }
        }
        assert_eq!(model.open(), 1, "{dialect:?}");
        drop(response);
        while model.open() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn bytes_one_by_one_are_the_same_answer() {
    let slow = turn().drip(Duration::ZERO).delay(Duration::from_millis(50));
    let model = Model::start(vec![slow, turn()]).await.unwrap();
    let began = Instant::now();
    let one_by_one = body(&model, Dialect::Anthropic, true).await;
    assert!(began.elapsed() >= Duration::from_millis(50), "the first byte waits");
    assert_eq!(one_by_one, body(&model, Dialect::Anthropic, true).await);
}
