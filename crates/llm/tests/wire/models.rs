//! The client over every wire format: what a caller of `Models` sees is the same.

use llm::pretend::{Model, Turn};
use llm::settings::Secret;
use llm::{Dialect, Event, Message, Models, Settings, Stop};
use serde_json::json;
use tokio::time::{Duration, Instant};

use crate::ask::{ALL, request, shown, user};

fn models(model: &Model, dialect: Dialect) -> Models {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut one = llm::settings::Model::new("one", &model.url, "m");
    one.dialect = Some(dialect);
    one.key = Some(Secret::new("key"));
    Models::new(&Settings { models: vec![one] }, None).unwrap()
}

#[tokio::test]
async fn two_turns_with_calls_in_every_format() {
    for dialect in ALL {
        let called = Turn::text("先看。").and_call("events_list", json!({"namespace": "aiops"}));
        let model = Model::start(vec![called, Turn::text("PVC 未绑定。")]).await.unwrap();
        let models = models(&model, dialect);
        let mut messages = vec![Message::System { content: "s".to_owned() }, user("why?")];
        let mut events: Vec<Event> = Vec::new();
        let deadline = Instant::now() + Duration::from_secs(30);
        let first = models.ask(&request(messages.clone()), deadline, &mut |event| events.push(event)).await;
        let first = first.unwrap_or_else(|error| panic!("{dialect:?} {:?}: {error:?}", model.asked()));
        assert_eq!((first.reply.stop, first.requests), (Stop::ToolCalls, 1), "{dialect:?}");
        assert_eq!(shown(&events), ("先看。".to_owned(), String::new(), vec!["events_list".to_owned()]), "{dialect:?}");
        let call = first.reply.calls[0].clone();
        messages.push(Message::Assistant {
            content: first.reply.content,
            reasoning: String::new(),
            calls: vec![call.clone()],
        });
        messages.push(Message::Tool { id: call.id, name: call.name, content: "nothing".to_owned() });
        let second = models.ask(&request(messages), deadline, &mut |_| {}).await.unwrap();
        assert_eq!((second.reply.content.as_str(), second.requests), ("PVC 未绑定。", 1), "{dialect:?}");
        assert_eq!(model.violations(), Vec::<String>::new());
        let headers = &model.asked()[0].headers;
        assert!(
            headers.iter().any(|(_, value)| value.trim_start_matches("Bearer ") == "key"),
            "{dialect:?}: {headers:?}"
        );
    }
}

#[tokio::test]
async fn a_cut_stream_is_asked_again_in_every_format() {
    for dialect in ALL {
        let model = Model::start(vec![Turn::text("a b c d e f g h").cut(200), Turn::text("ok")]).await.unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let answer = models(&model, dialect).ask(&request(vec![user("?")]), deadline, &mut |_| {}).await.unwrap();
        assert_eq!((answer.reply.content.as_str(), answer.requests), ("ok", 2), "{dialect:?}");
    }
}
