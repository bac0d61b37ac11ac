//! An API server as seen over a bad network: forwards with the administrator's certificate, counts writes, loses answers.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use serde_json::{Value, json};

use crate::testbed::TestBed;

/// What happens to a write that is no dry run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    Never,
    /// It is done, and no answer comes back.
    AfterWrite,
    /// It never arrives, and no answer comes back.
    BeforeWrite,
    /// It is done, and something in between answers 502.
    ErrorAfterWrite,
}

#[derive(Clone)]
pub struct Proxy {
    /// Writes that were no dry run and that the server took, or that never got there. A write counts also when the one who
    /// sent it dies meanwhile.
    pub writes: Arc<AtomicU32>,
    cut: Arc<Mutex<Cut>>,
    client: reqwest::Client,
    server: String,
    own: String,
}

impl Proxy {
    pub async fn start(bed: &TestBed) -> Self {
        let (client, server) = admin(bed);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = format!("http://{}", listener.local_addr().unwrap());
        let proxy = Self { writes: Arc::default(), cut: Arc::new(Mutex::new(Cut::Never)), client, server, own };
        let apart = |State(proxy): State<Self>, request: Request| async move {
            tokio::spawn(forward(proxy, request)).await.unwrap()
        };
        let router = Router::new().fallback(apart).with_state(proxy.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        proxy
    }

    pub fn url(&self) -> String {
        self.own.clone()
    }

    pub fn cut(&self, cut: Cut) {
        *self.cut.lock().unwrap() = cut;
    }

    fn path(&self, namespace: &str, name: &str) -> String {
        format!("{}/apis/apps/v1/namespaces/{namespace}/deployments/{name}", self.server)
    }

    /// The administrator changes a deployment, past us.
    pub async fn patch(&self, namespace: &str, name: &str, body: &Value) -> Value {
        let request = self.client.patch(self.path(namespace, name)).body(body.to_string());
        let response = request.header("content-type", "application/merge-patch+json").send().await.unwrap();
        assert!(response.status().is_success(), "{}", response.text().await.unwrap());
        response.json().await.unwrap()
    }

    pub async fn get(&self, namespace: &str, name: &str) -> Value {
        self.client.get(self.path(namespace, name)).send().await.unwrap().json().await.unwrap()
    }
}

async fn forward(proxy: Proxy, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 10 << 20).await.unwrap();
    let path = parts.uri.path_and_query().unwrap().to_string();
    let dry = path.contains("dryRun=") || String::from_utf8_lossy(&body).contains("\"dryRun\"");
    let review = path.contains("/selfsubject");
    let writes = !matches!(parts.method, Method::GET | Method::HEAD) && !dry && !review;
    let cut = if writes { *proxy.cut.lock().unwrap() } else { Cut::Never };
    if cut == Cut::BeforeWrite {
        proxy.writes.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_secs(5)).await;
        return StatusCode::BAD_GATEWAY.into_response();
    }
    let mut onward = proxy.client.request(parts.method, format!("{}{path}", proxy.server)).body(body);
    for (name, value) in &parts.headers {
        if !matches!(name.as_str(), "host" | "content-length" | "accept-encoding") {
            onward = onward.header(name, value);
        }
    }
    let answer = onward.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    if writes && status.is_success() {
        proxy.writes.fetch_add(1, Ordering::SeqCst);
    }
    let bytes = answer.bytes().await.unwrap();
    // a refusal is no write whose answer could be lost
    match if status.is_success() { cut } else { Cut::Never } {
        Cut::AfterWrite => tokio::time::sleep(Duration::from_secs(5)).await,
        Cut::ErrorAfterWrite => {
            return (StatusCode::BAD_GATEWAY, json!({"kind": "Status"}).to_string()).into_response();
        }
        Cut::Never | Cut::BeforeWrite => {}
    }
    let mut response = Response::builder().status(status);
    for name in ["content-type", "audit-id", "retry-after"] {
        if let Some(value) = headers.get(name) {
            response = response.header(name, value);
        }
    }
    response.body(Body::from(bytes)).unwrap()
}

/// A client with the administrator's certificate, and the server's address.
fn admin(bed: &TestBed) -> (reqwest::Client, String) {
    let text = std::fs::read_to_string(bed.text("kubeconfig")).unwrap();
    let config: Value = serde_saphyr::from_str(&text).unwrap();
    let user = config["users"].as_array().unwrap().iter().find(|user| user["name"] == "admin").unwrap();
    let plain = |value: &Value| base64::engine::general_purpose::STANDARD.decode(value.as_str().unwrap()).unwrap();
    let mut pem = plain(&user["user"]["client-certificate-data"]);
    pem.push(b'\n');
    pem.extend(plain(&user["user"]["client-key-data"]));
    let authority = std::fs::read(bed.text("ca")).unwrap();
    let client = reqwest::Client::builder()
        .identity(reqwest::Identity::from_pem(&pem).unwrap())
        .tls_certs_only([reqwest::Certificate::from_pem(&authority).unwrap()])
        .build()
        .unwrap();
    (client, bed.text("apiserver").to_owned())
}
