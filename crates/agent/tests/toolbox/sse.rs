//! A server of the first revision: an event stream, and an address for posts.

use std::convert::Infallible;

use agent::{Pins, ToolServer, Transport};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::routing::{get, post};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::sync::broadcast::Sender;

use crate::server::{attach, call, names, toolbox};

fn answer(asked: &Value) -> Option<Value> {
    let result = match asked["method"].as_str()? {
        "initialize" => json!({"protocolVersion": "2024-11-05", "capabilities": {"tools": {}},
            "serverInfo": {"name": "old", "version": "1"}}),
        "tools/list" => {
            json!({"tools": [{"name": "now", "description": "the time", "inputSchema": {"type": "object"}}]})
        }
        "tools/call" => json!({"content": [{"type": "text", "text": "half past two"}]}),
        _ => return None,
    };
    Some(json!({"jsonrpc": "2.0", "id": asked["id"], "result": result}))
}

async fn start(endpoint: &'static str) -> String {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let (said, _) = tokio::sync::broadcast::channel::<String>(16);
    let events = move |State(said): State<Sender<String>>| async move {
        let first = futures::stream::iter([Event::default().event("endpoint").data(endpoint)]);
        let heard = futures::stream::unfold(said.subscribe(), |mut heard| async move {
            Some((Event::default().event("message").data(heard.recv().await.ok()?), heard))
        });
        Sse::new(first.chain(heard).map(Ok::<_, Infallible>))
    };
    let taken = |State(said): State<Sender<String>>, body: String| async move {
        if let Some(answer) = answer(&serde_json::from_str(&body).unwrap()) {
            said.send(answer.to_string()).unwrap();
        }
        StatusCode::ACCEPTED
    };
    let router = Router::new().route("/sse", get(events)).route("/messages", post(taken)).with_state(said);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/sse", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

fn old(url: String) -> ToolServer {
    ToolServer { transport: Transport::Sse, reads: vec!["now".to_owned()], ..ToolServer::at("old", url) }
}

#[tokio::test]
async fn its_tools_are_called() {
    let mut toolbox = toolbox(Pins::default());
    attach(&mut toolbox, old(start("/messages?session=1").await)).await.unwrap();
    assert_eq!(names(&toolbox), ["old_now"]);
    assert_eq!(call(&toolbox, "old_now").await.text, "half past two");
}

#[tokio::test]
async fn it_cannot_send_us_to_another_server() {
    let mut toolbox = toolbox(Pins::default());
    let refused = attach(&mut toolbox, old(start("http://169.254.169.254/latest").await)).await.unwrap_err();
    assert!(refused.to_string().contains("points to another server"), "{refused}");
}
