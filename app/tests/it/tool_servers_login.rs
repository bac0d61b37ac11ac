//! A tool server that wants a token: a person logs in, the token is renewed, a program's own secret works too.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::cli::{midwatch, run};
use crate::tool_servers::{Clock, answer};

type Fields = std::collections::HashMap<String, String>;

/// A tool server and its authorization server in one.
#[derive(Clone)]
struct Guarded {
    base: String,
    clock: Clock,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    /// what `/authorize` was asked for last
    asked: Fields,
    /// tokens given, by the grant that they were given for
    grants: Vec<String>,
    lasts: u32,
}

impl Guarded {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let guarded = Self { base, clock: Clock::new("the time"), seen: Arc::default() };
        let router = Router::new()
            .route("/mcp", post(tools))
            .route("/.well-known/oauth-protected-resource/mcp", get(resource))
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/register", post(register))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(guarded.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        guarded
    }

    fn seen<T>(&self, work: impl FnOnce(&mut Seen) -> T) -> T {
        work(&mut self.seen.lock().unwrap())
    }
}

async fn tools(State(here): State<Guarded>, headers: HeaderMap, body: String) -> Response {
    let given = headers.get("authorization").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let newest = here.seen(|seen| format!("Bearer access-{}", seen.grants.len()));
    if here.seen(|seen| seen.grants.is_empty()) || given != newest {
        let challenge = format!(
            "Bearer resource_metadata=\"{}/.well-known/oauth-protected-resource/mcp\", scope=\"read\"",
            here.base
        );
        return (StatusCode::UNAUTHORIZED, [("www-authenticate", challenge)]).into_response();
    }
    answer(State(here.clock), body).await
}

async fn resource(State(here): State<Guarded>) -> Json<Value> {
    Json(json!({"resource": format!("{}/mcp", here.base), "authorization_servers": [here.base]}))
}

async fn metadata(State(here): State<Guarded>) -> Json<Value> {
    let at = |path: &str| format!("{}{path}", here.base);
    Json(json!({"issuer": here.base, "authorization_endpoint": at("/authorize"), "token_endpoint": at("/token"),
        "registration_endpoint": at("/register"), "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"], "token_endpoint_auth_methods_supported": ["client_secret_post"]}))
}

async fn register(Json(asked): Json<Value>) -> Json<Value> {
    Json(
        json!({"client_id": "registered", "client_secret": "hush-registered", "redirect_uris": asked["redirect_uris"]}),
    )
}

async fn authorize(State(here): State<Guarded>, Query(asked): Query<Fields>) -> Redirect {
    let to = format!("{}?code=the-code&state={}", asked["redirect_uri"], asked["state"]);
    here.seen(|seen| seen.asked = asked);
    Redirect::to(&to)
}

async fn token(State(here): State<Guarded>, Form(asked): Form<Fields>) -> Response {
    here.seen(|seen| {
        let challenge = |verifier: &String| URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let newest = format!("refresh-{}", seen.grants.len());
        let right = match asked["grant_type"].as_str() {
            "authorization_code" => {
                asked["code"] == "the-code"
                    && asked["client_secret"] == "hush-registered"
                    && challenge(&asked["code_verifier"]) == seen.asked["code_challenge"]
            }
            // each is good once
            "refresh_token" => asked["client_secret"] == "hush-registered" && asked["refresh_token"] == newest,
            "client_credentials" => asked["client_secret"] == "hush-own",
            _ => false,
        };
        if !right {
            return (StatusCode::BAD_REQUEST, Json(json!({"error": "invalid_grant"}))).into_response();
        }
        seen.grants.push(asked["grant_type"].clone());
        let n = seen.grants.len();
        Json(json!({"access_token": format!("access-{n}"), "refresh_token": format!("refresh-{n}"),
            "token_type": "Bearer", "expires_in": seen.lasts}))
        .into_response()
    })
}

fn configured(folder: &Path, url: &str, oauth: &Value) {
    let server = json!({"name": "clock", "url": format!("{url}/mcp"), "oauth": oauth, "reads": ["now"]});
    let config = json!({"data_dir": folder.join("data"), "tool_servers": [server]});
    std::fs::write(folder.join("midwatch.yaml"), config.to_string()).unwrap();
}

async fn cli(folder: &Path, args: &'static [&'static str]) -> crate::cli::Ran {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || run(&folder, args)).await.unwrap()
}

/// Starts a login and gives the address that it shows.
fn begin(folder: &Path) -> (Child, String) {
    let mut command = midwatch(folder);
    command.args(["tool-servers", "login", "clock", "--again"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let url = lines.find(|line| line.as_ref().is_ok_and(|line| line.starts_with("http"))).unwrap().unwrap();
    (child, url)
}

async fn end(child: Child) -> std::process::Output {
    tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_logs_in_once_and_the_token_is_renewed() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let guarded = Guarded::start().await;
    guarded.seen(|seen| seen.lasts = 3_600);
    configured(folder.path(), &guarded.base, &json!({}));
    let listed = cli(folder.path(), &["tool-servers", "list"]).await;
    assert!(listed.code == 1 && listed.out.contains("midwatch tool-servers login clock"), "{}", listed.out);

    let (child, url) = begin(folder.path());
    // the browser follows where it is sent
    let browser = reqwest::Client::builder().timeout(std::time::Duration::from_secs(20)).build().unwrap();
    let page = browser.get(&url).send().await.unwrap();
    assert!(page.status().is_success() && page.text().await.unwrap().contains("go back to the terminal"));
    let out = end(child).await;
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert_eq!(guarded.seen(|seen| (seen.asked["scope"].clone(), seen.grants.clone())).0, "read");
    let file = folder.path().join("data/tool-servers/clock.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    let listed = cli(folder.path(), &["tool-servers", "list"]).await;
    assert!(listed.code == 0 && listed.out.contains("clock_now"), "{}{}", listed.out, listed.err);
    let again = cli(folder.path(), &["tool-servers", "login", "clock"]).await;
    assert!(again.code == 0 && again.out.contains("needs no login"), "{}", again.out);

    // the token's time is over: it is renewed, with the secret of the client that was registered, and kept
    let mut kept: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    kept["credentials"]["token_received_at"] = json!(1);
    std::fs::write(&file, kept.to_string()).unwrap();
    for _ in 0..2 {
        let listed = cli(folder.path(), &["tool-servers", "list"]).await;
        assert!(listed.code == 0 && listed.out.contains("clock_now"), "{}{}", listed.out, listed.err);
    }
    assert_eq!(guarded.seen(|seen| seen.grants.clone()), ["authorization_code", "refresh_token"]);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    // from another machine: the address is pasted, and one that is not of this login is not taken
    let (mut child, url) = begin(folder.path());
    let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let browser = browser.timeout(std::time::Duration::from_secs(20)).build().unwrap();
    let sent = browser.get(&url).send().await.unwrap();
    let back = sent.headers()["location"].to_str().unwrap().to_owned();
    let foreign = back.replace("state=", "state=x");
    writeln!(child.stdin.as_mut().unwrap(), "{foreign}\n{back}").unwrap();
    let out = end(child).await;
    assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(String::from_utf8_lossy(&out.stderr).contains("not the address"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_gets_a_token_with_its_own_secret() {
    let folder = tempfile::tempdir().unwrap();
    let guarded = Guarded::start().await;
    guarded.seen(|seen| seen.lasts = 3_600);
    std::fs::write(folder.path().join("secret"), "hush-own\n").unwrap();
    let oauth = json!({"grant": "client_credentials", "client_id": "own", "scopes": ["read"],
        "client_secret_file": folder.path().join("secret")});
    configured(folder.path(), &guarded.base, &oauth);
    let listed = cli(folder.path(), &["tool-servers", "list"]).await;
    assert!(listed.code == 0 && listed.out.contains("clock_now"), "{}{}", listed.out, listed.err);
    assert_eq!(guarded.seen(|seen| seen.grants.clone()), ["client_credentials"]);
    std::fs::write(folder.path().join("secret"), "wrong").unwrap();
    let listed = cli(folder.path(), &["tool-servers", "list"]).await;
    assert!(listed.code == 1 && listed.out.contains("login:"), "{}", listed.out);
    assert!(!listed.out.contains("wrong"), "{}", listed.out);
}
