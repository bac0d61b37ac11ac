//! The client against scripted servers: refusals, the ladder, fall-back, deadlines.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may stop at the first surprise")]

mod fallback;
mod history;
mod ladder;
mod refusals;
mod room;

use std::time::Duration;

use llm::pretend::Model as Server;
use llm::settings::Model;
use llm::{Answer, Error, Event, Message, Models, Request, Settings, Tool, ToolCall};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

/// One model at this server.
fn models(server: &Server) -> Models {
    several(vec![Model::new("one", &server.url, "m")])
}

fn several(models: Vec<Model>) -> Models {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Models::new(&Settings { models }, None).expect("the settings are sound")
}

async fn ask(models: &Models, request: &Request) -> Result<Answer, Error> {
    ask_within(models, request, Duration::from_secs(60)).await.0
}

async fn ask_within(models: &Models, request: &Request, time: Duration) -> (Result<Answer, Error>, Vec<Event>) {
    let mut events = Vec::new();
    let answer = models.ask(request, Instant::now() + time, &mut |event| events.push(event)).await;
    (answer, events)
}

fn user(text: &str) -> Message {
    Message::User { content: text.to_owned() }
}

fn tool(name: &str) -> Tool {
    let parameters =
        json!({"type": "object", "properties": {"namespace": {"type": "string"}}, "required": ["namespace"]});
    Tool { name: name.to_owned(), description: "Lists events.".to_owned(), parameters }
}

fn call(id: &str, name: &str) -> ToolCall {
    ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: Map::new(), extra: None }
}

/// A question after one round of calls.
fn conversation() -> Request {
    Request {
        messages: vec![
            Message::System { content: "You look into clusters.".to_owned() },
            user("Why is shop/cart not ready?"),
            Message::Assistant {
                content: String::new(),
                reasoning: "I should read the events.".to_owned(),
                calls: vec![call("call_0fypS1hVX", "events_list")],
            },
            Message::Tool {
                id: "call_0fypS1hVX".to_owned(),
                name: "events_list".to_owned(),
                content: "5Gi".to_owned(),
            },
        ],
        tools: vec![tool("events_list")],
        ..Request::default()
    }
}

fn refused(message: &str) -> Value {
    json!({"error": {"message": message, "type": "invalid_request_error", "param": null, "code": null}})
}

fn text(message: &Value) -> &str {
    message["content"].as_str().unwrap_or_default()
}
