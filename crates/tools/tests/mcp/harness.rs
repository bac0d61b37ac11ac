//! The whole front in this process, and a client that may say anything.

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use tools::http::{Authenticate, Denied, Front, router};
use tools::{Caller, Server, Settings, scope};
use tower::ServiceExt;

use super::hands::Small;

pub const NEWEST: &str = "2026-07-28";
pub const HOST: &str = "127.0.0.1:8420";

/// `alice` and `bob` may propose, `viewer` reads, `nothing` has no scope.
pub struct Names {
    pub anonymous: Option<Caller>,
}

impl Authenticate for Names {
    fn bearer<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Caller, Denied>> {
        let known = match token {
            "alice" | "bob" => Ok(Caller::new(token, Vec::new())),
            "viewer" => Ok(Caller { scopes: vec![scope::READ.to_owned()], ..Caller::new(token, Vec::new()) }),
            "nothing" => Ok(Caller { scopes: Vec::new(), ..Caller::new(token, Vec::new()) }),
            "later" => Err(Denied::Unavailable("the provider sleeps".to_owned())),
            _ => Err(Denied::Invalid),
        };
        std::future::ready(known).boxed()
    }

    fn anonymous(&self) -> Option<Caller> {
        self.anonymous.clone()
    }

    fn issuers(&self) -> Vec<String> {
        vec!["https://id.example".to_owned()]
    }
}

pub struct Subject {
    pub hands: Arc<Small>,
    pub server: Server,

    pub router: Router,
}

pub fn subject() -> Subject {
    subject_with(Settings::default(), Front { sse: true, ..Front::default() }, None)
}

pub fn subject_with(settings: Settings, front: Front, anonymous: Option<Caller>) -> Subject {
    let hands = Small::new();
    let server = Server::new(hands.clone(), settings).unwrap();
    let served = server.clone();
    let make = move |caller: Option<Caller>| caller.map_or_else(|| served.another(), |one| served.of(one));
    Subject { hands, server, router: router(make, Arc::new(Names { anonymous }), front) }
}

pub fn limited(per_minute: u32) -> Subject {
    let rate_per_minute = NonZeroU32::new(per_minute).unwrap();
    subject_with(Settings { rate_per_minute, ..Settings::default() }, Front::default(), None)
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Answer {
    /// The message with an id: plain, or the last one of an event stream.
    pub fn message(&self) -> Value {
        self.messages().pop().unwrap_or_else(|| panic!("no message in {self:?}"))
    }

    pub fn messages(&self) -> Vec<Value> {
        if let Ok(message) = serde_json::from_str(&self.text) {
            return vec![message];
        }
        self.text.lines().filter_map(|line| serde_json::from_str(line.strip_prefix("data:")?.trim()).ok()).collect()
    }

    pub fn result(&self) -> Value {
        self.message()["result"].clone()
    }

    pub fn said(&self) -> String {
        self.result()["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {self:?}")).to_owned()
    }
}

/// A POST to `/mcp` as the newest revision writes it; each part can be changed before it is sent.
pub struct Post {
    pub token: Option<String>,
    pub headers: Vec<(String, String)>,
    pub body: Value,
    pub uri: String,
}

pub fn post(method: &str, params: Value) -> Post {
    let mut params = params;
    let meta = json!({"io.modelcontextprotocol/protocolVersion": NEWEST,
        "io.modelcontextprotocol/clientInfo": {"name": "check", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {}});
    if params["_meta"].is_null() {
        params["_meta"] = meta;
    }
    let mut headers = vec![
        ("host".to_owned(), HOST.to_owned()),
        ("accept".to_owned(), "application/json, text/event-stream".to_owned()),
        ("content-type".to_owned(), "application/json".to_owned()),
        ("mcp-protocol-version".to_owned(), NEWEST.to_owned()),
        ("mcp-method".to_owned(), method.to_owned()),
    ];
    let name = params["name"].as_str().or_else(|| params["uri"].as_str()).map(str::to_owned);
    headers.extend(name.map(|name| ("mcp-name".to_owned(), name)));
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
    Post { token: Some("alice".to_owned()), headers, body, uri: "/mcp".to_owned() }
}

pub fn call(tool: &str, arguments: Value) -> Post {
    post("tools/call", json!({"name": tool, "arguments": arguments}))
}

impl Post {
    pub fn by(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    pub fn by_nobody(mut self) -> Self {
        self.token = None;
        self
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(key, _)| key != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn also(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(key, _)| key != name);
        self
    }

    pub fn at(mut self, uri: &str) -> Self {
        self.uri = uri.to_owned();
        self
    }

    /// Declares that the client opens pages for its user.
    pub fn opens_pages(mut self) -> Self {
        self.body["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] =
            json!({"elicitation": {"url": {}}});
        self
    }

    pub fn request(&self) -> Request<Body> {
        self.request_with(self.body.to_string())
    }

    pub fn request_with(&self, body: String) -> Request<Body> {
        let mut request = Request::post(&self.uri);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request.body(Body::from(body)).unwrap()
    }

    pub async fn to(&self, subject: &Subject) -> Answer {
        send(subject, self.request()).await
    }
}

pub async fn send(subject: &Subject, request: Request<Body>) -> Answer {
    let response = subject.router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status, headers: parts.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
}

/// A session of 2025-11-25; the id.
pub async fn session(subject: &Subject, token: &str, capabilities: Value) -> String {
    let params = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities,
        "clientInfo": {"name": "check", "version": "1"}, "_meta": {}});
    let first = old("initialize", params, None).by(token).to(subject).await;
    assert_eq!(first.status, StatusCode::OK, "{first:?}");
    let id = first.headers["mcp-session-id"].to_str().unwrap().to_owned();
    let mut ready = old("notifications/initialized", json!({"_meta": {}}), Some(&id)).by(token);
    ready.body.as_object_mut().unwrap().remove("id");
    assert_eq!(ready.to(subject).await.status, StatusCode::ACCEPTED);
    id
}

/// A POST as the older revisions write it.
pub fn old(method: &str, params: Value, session: Option<&str>) -> Post {
    let mut post =
        post(method, params).without("mcp-method").without("mcp-name").with("mcp-protocol-version", "2025-11-25");
    if post.body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"].is_string() {
        post.body["params"]["_meta"] = json!({});
    }
    if let Some(session) = session {
        post = post.with("mcp-session-id", session);
    }
    post
}
