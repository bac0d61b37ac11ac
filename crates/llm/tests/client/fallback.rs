//! Several models: who is asked, what a reader is told, and what is left when nobody answers.

use std::time::Duration;

use llm::pretend::{Model as Server, Turn};
use llm::settings::{Model, Secret};
use llm::{Class, Event, Models, Settings, Works, probe};
use serde_json::json;

use super::{ask, ask_within, conversation, models, refused, several};

/// An address where nobody listens.
async fn nobody() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}/v1", listener.local_addr().unwrap())
}

#[tokio::test]
async fn the_next_one_answers() {
    let locked = Server::acting(|_| Turn::status(401, &refused("Incorrect API key provided"))).await.unwrap();
    let page = Server::acting(|_| Turn::html(404)).await.unwrap();
    let good = Server::start(vec![Turn::text("done")]).await.unwrap();
    let list = several(vec![
        Model::new("gone", nobody().await, "m"),
        Model::new("locked", &locked.url, "m"),
        Model::new("page", &page.url, "m"),
        Model::new("good", &good.url, "m"),
    ]);
    let (answer, events) = ask_within(&list, &conversation(), Duration::from_secs(60)).await;
    let answer = answer.unwrap();
    assert_eq!((answer.model.as_str(), answer.requests), ("good", 4));
    let told: Vec<&str> = events
        .iter()
        .filter_map(|event| match event {
            Event::Restart { model, .. } => Some(model.as_str()),
            Event::Text { .. } | Event::Reasoning { .. } | Event::Call { .. } | Event::Step { .. } => None,
        })
        .collect();
    assert_eq!(told, ["locked", "page", "good"]);
}

#[tokio::test]
async fn a_name_chooses_who_is_first() {
    let one = Server::start(vec![Turn::text("one")]).await.unwrap();
    let two = Server::start(vec![Turn::text("two")]).await.unwrap();
    let list = several(vec![Model::new("a", &one.url, "m"), Model::new("b", &two.url, "m")]);
    let answer = ask(&list.with_first("b").unwrap(), &conversation()).await.unwrap();
    assert_eq!(answer.reply.content, "two");
    assert!(list.with_first("c").is_none() && one.requests().is_empty());
}

#[tokio::test]
async fn a_model_that_never_ends_leaves_room_for_the_next() {
    let slow = Server::start(vec![Turn::text("word ").rate(50).endless()]).await.unwrap();
    let good = Server::start(vec![Turn::text("done")]).await.unwrap();
    let endless = Model { deadline_s: 1, ..Model::new("endless", &slow.url, "m") };
    let list = several(vec![endless, Model::new("good", &good.url, "m")]);
    let (answer, events) = ask_within(&list, &conversation(), Duration::from_secs(60)).await;
    assert_eq!(answer.unwrap().reply.content, "done");
    let shown = events.iter().position(|event| matches!(event, Event::Text { .. }));
    let void = events.iter().position(|event| matches!(event, Event::Restart { .. }));
    assert!(shown < void, "{events:?}");
}

#[tokio::test]
async fn the_deadline_ends_a_turn_and_its_connection() {
    let slow = Server::start(vec![Turn::text("word ").rate(50).endless()]).await.unwrap();
    let (answer, _) = ask_within(&models(&slow), &conversation(), Duration::from_millis(300)).await;
    assert_eq!(answer.unwrap_err().class, Class::Timeout);
    while slow.open() > 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_once_more() {
    let cut = || Turn::text("half of a long sentence that goes on and on").cut(150);
    let server = Server::start(vec![cut(), Turn::text("whole")]).await.unwrap();
    let answer = ask(&models(&server), &conversation()).await.unwrap();
    assert_eq!((answer.reply.content.as_str(), answer.requests), ("whole", 2));
    let server = Server::start(vec![cut(), cut(), cut()]).await.unwrap();
    let error = ask(&models(&server), &conversation()).await.unwrap_err();
    assert_eq!((error.class, server.requests().len()), (Class::IncompleteStream, 2));
}

#[tokio::test]
async fn an_error_says_what_to_configure_and_hides_keys() {
    let server = Server::acting(|_| Turn::status(401, &refused("Incorrect API key provided"))).await.unwrap();
    let model = Model { key: Some(Secret::new("sk-very-secret")), ..Model::new("one", &server.url, "m") };
    assert!(!format!("{model:?}").contains("very-secret"));
    let list = several(vec![model]);
    let error = ask(&list, &conversation()).await.unwrap_err();
    assert!(error.message.contains("key_file") && !error.message.contains("very-secret"), "{}", error.message);
    let sent = server.asked().remove(0);
    assert!(sent.headers.contains(&("authorization".to_owned(), "Bearer sk-very-secret".to_owned())));
    let error = ask(&Models::new(&Settings::default(), None).unwrap(), &conversation()).await.unwrap_err();
    assert_eq!(error.class, Class::NoModel);
}

#[tokio::test]
async fn own_headers_and_prices() {
    let server = Server::start(vec![Turn::text("done")]).await.unwrap();
    let mut model = Model { price_in: Some(2.0), price_out: Some(8.0), ..Model::new("one", &server.url, "m") };
    model.headers.insert("X-Team".to_owned(), Secret::new("night"));
    let answer = ask(&several(vec![model]), &conversation()).await.unwrap();
    assert!(server.asked()[0].headers.contains(&("x-team".to_owned(), "night".to_owned())));
    #[expect(clippy::cast_precision_loss, reason = "a few tokens")]
    let expected = (answer.reply.usage.input as f64 * 2.0 + answer.reply.usage.output as f64 * 8.0) / 1e6;
    assert!((answer.cost.unwrap() - expected).abs() < 1e-12, "{:?} is not {expected}", answer.cost);
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Server::start(vec![Turn::text("stolen")]).await.unwrap();
    let target = format!("{}/chat/completions", other.url);
    let server = Server::acting(move |_| Turn::status(307, &json!({})).header("location", &target)).await.unwrap();
    let error = ask(&models(&server), &conversation()).await.unwrap_err();
    assert_eq!(error.class, Class::ModelNotFound);
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn settings_name_what_is_wrong() {
    let mut model = Model::new("", "ftp://x", "");
    model.key = Some(Secret::new("a"));
    model.key_env = Some("B".to_owned());
    assert_eq!(model.problems().len(), 4, "{:?}", model.problems());
    let twice = Settings { models: vec![Model::new("a", "http://x/v1", "m"), Model::new("a", "http://y/v1", "m")] };
    assert_eq!(twice.problems(), [(1, "another model is named `a` too".to_owned())]);
}

#[tokio::test]
async fn a_probe_says_what_works() {
    let act = |body: &serde_json::Value| {
        if body.get("response_format").is_some() {
            return Turn::status(400, &refused("response_format is not supported"));
        }
        match body.get("tools") {
            Some(_) => {
                Turn::call("read_sensor", json!({"room": "north"})).and_call("read_sensor", json!({"room": "south"}))
            }
            None => Turn::text("1 2 3 4 5 6 7 8 9 10 11 12"),
        }
    };
    let server = Server::acting(act).await.unwrap();
    let found = probe(&models(&server), Duration::from_secs(20)).await.unwrap();
    assert!(found.failed.is_none(), "{found:?}");
    let works = (found.tools, found.parallel, found.streaming, found.json_schema);
    assert_eq!(works, (Works::Yes, Works::Yes, Works::Yes, Works::No));
    assert_eq!(found.steps, ["no JSON schema for answers"]);
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_world_outside() {
    let proxy = Server::start(vec![Turn::text("done")]).await.unwrap();
    let model = Model { proxy: Some(proxy.root.clone()), ..Model::new("one", "http://model.example/v1", "m") };
    assert_eq!(ask(&several(vec![model]), &conversation()).await.unwrap().reply.content, "done");
    let host = proxy.asked()[0].headers.iter().find(|(name, _)| name == "host").unwrap().1.clone();
    assert_eq!(host, "model.example");
}

#[tokio::test]
async fn certificates_and_keys_that_are_not_there_are_named() {
    let model = Model { ca_file: Some("/nowhere/ca.pem".into()), ..Model::new("one", "https://x/v1", "m") };
    let error = Models::new(&Settings { models: vec![model] }, None).unwrap_err().to_string();
    assert!(error.contains("model `one`: ca_file /nowhere/ca.pem"), "{error}");
    let model = Model { key_file: Some("/nowhere/key".into()), ..Model::new("one", "http://127.0.0.1:1/v1", "m") };
    let error = ask(&several(vec![model]), &conversation()).await.unwrap_err();
    assert!(error.class == Class::Auth && error.message.contains("key_file /nowhere/key"), "{}", error.message);
}
