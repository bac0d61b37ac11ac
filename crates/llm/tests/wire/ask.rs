//! A client of a few lines: asks the pretend server and decodes what comes.

use std::time::Duration;

use llm::pretend::Model;
use llm::provider::Quirks;
use llm::{Dialect, Event, Finished, Message, Request};
use serde_json::Value;

pub const ALL: [Dialect; 5] =
    [Dialect::OpenaiChat, Dialect::OpenaiResponses, Dialect::Anthropic, Dialect::Gemini, Dialect::Ollama];

pub fn quirks(stream: bool) -> Quirks {
    let model = llm::settings::Model::new("pretend", "http://127.0.0.1/v1", "m");
    Quirks { stream, ..Quirks::of(&model) }
}

pub fn request(messages: Vec<Message>) -> Request {
    Request { messages, tools: super::samples::tools(), ..Request::default() }
}

pub fn user(content: &str) -> Message {
    Message::User { content: content.to_owned() }
}

pub async fn post(model: &Model, dialect: Dialect, request: &Request, stream: bool) -> reqwest::Response {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let quirks = quirks(stream);
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap();
    let url = format!("{}{}", model.root, dialect.path(&quirks));
    let mut post = client.post(url).json(&dialect.body(request, &quirks));
    for (name, value) in dialect.headers(Some("key")) {
        post = post.header(name, value);
    }
    post.send().await.unwrap()
}

/// The answer with all its events, and whether its body came to an end.
pub async fn ask(model: &Model, dialect: Dialect, request: &Request, stream: bool) -> (Finished, bool) {
    let mut response = post(model, dialect, request, stream).await;
    let mut decoder = dialect.decoder(request);
    let mut events = Vec::new();
    let whole = loop {
        match response.chunk().await {
            Ok(Some(bytes)) => events.extend(decoder.feed(&bytes)),
            Ok(None) => break true,
            Err(_) => break false,
        }
    };
    let mut finished = decoder.finish();
    events.append(&mut finished.events);
    (Finished { events, ..finished }, whole)
}

pub fn shown(events: &[Event]) -> (String, String, Vec<String>) {
    let (mut text, mut thoughts, mut calls) = (String::new(), String::new(), Vec::new());
    for event in events {
        match event {
            Event::Text { text: piece } => text.push_str(piece),
            Event::Reasoning { text: piece } => thoughts.push_str(piece),
            Event::Call { name } => calls.push(name.clone()),
            Event::Step { .. } | Event::Restart { .. } => panic!("no event of a stream: {event:?}"),
        }
    }
    (text, thoughts, calls)
}

/// The raw body of an answer.
pub async fn body(model: &Model, dialect: Dialect, stream: bool) -> Vec<u8> {
    let response = post(model, dialect, &request(vec![user("why?")]), stream).await;
    response.bytes().await.unwrap().to_vec()
}

pub fn json(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap()
}
