//! What a person reads when there is no way to the cluster.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::path::PathBuf;

use axum::{Json, Router, http::StatusCode, response::IntoResponse, routing::get};
use cluster::{Error, Limits, Source};
use serde_json::json;
use tokio::net::TcpListener;

async fn listen(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn fails(source: Source) -> Error {
    match cluster::connect(&source, &Limits::default()).await {
        Err(error) => error,
        Ok(cluster) => panic!("connected to {}", cluster.server),
    }
}

fn kubeconfig(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

fn two_contexts(server: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: blue\nclusters:\n- name: c\n  cluster: {{server: '{server}'}}\n\
         users:\n- name: u\n  user: {{token: abc}}\ncontexts:\n- name: blue\n  context: {{cluster: c, user: u, namespace: shop}}\n\
         - name: green\n  context: {{cluster: c, user: u}}\n"
    )
}

#[tokio::test]
async fn a_kubeconfig_gives_name_server_and_namespace() {
    let server =
        listen(Router::new().route("/version", get(|| async { Json(json!({"gitVersion": "v1.36.0"})) }))).await;
    let (_folder, path) = kubeconfig(&two_contexts(&server));
    let source =
        |context: Option<&str>| Source::Kubeconfig { path: Some(path.clone()), context: context.map(str::to_owned) };
    let blue = cluster::connect(&source(None), &Limits::default()).await.unwrap();
    assert_eq!((blue.name.as_str(), blue.namespace.as_str(), &blue.server), ("blue", "shop", &server));
    assert_eq!(blue.check().await.unwrap().as_deref(), Some("v1.36.0"));
    let green = cluster::connect(&source(Some("green")), &Limits::default()).await.unwrap();
    assert_eq!((green.name.as_str(), green.namespace.as_str()), ("green", "default"));

    let error = fails(source(Some("red"))).await.to_string();
    assert!(error.contains("context \"red\"") && error.contains("its contexts are: blue, green"), "{error}");
}

#[tokio::test]
async fn files_that_cannot_be_used_are_named() {
    let missing = PathBuf::from("/nonexistent/kubeconfig");
    let error = fails(Source::Kubeconfig { path: Some(missing), context: None }).await.to_string();
    assert!(error.contains("no kubeconfig at /nonexistent/kubeconfig"), "{error}");

    let (_folder, path) = kubeconfig("clusters: [\n");
    let error = fails(Source::Kubeconfig { path: Some(path.clone()), context: None }).await;
    assert!(
        matches!(&error, Error::KubeconfigInvalid { .. }) && error.to_string().contains(&path.display().to_string()),
        "{error}"
    );

    let (_folder, path) = kubeconfig("apiVersion: v1\nkind: Config\n");
    let error = fails(Source::Kubeconfig { path: Some(path), context: None }).await;
    assert!(matches!(&error, Error::ContextUnset { known, .. } if known == "none"), "{error}");
}

#[tokio::test]
async fn addresses_carry_no_credentials() {
    for address in ["not a url", "ftp://x", "/path"] {
        let error = fails(Source::Server(address.to_owned())).await;
        assert!(matches!(&error, Error::ServerInvalid { .. }), "{address}: {error}");
    }
    let error = fails(Source::Server("http://bob:hunter2@127.0.0.1:1".to_owned())).await.to_string();
    assert!(error.contains("kubeconfig") && !error.contains("hunter2"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_down_refuses_or_speaks_something_else_is_told_apart() {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let down = fails(Source::Server(format!("http://{free}"))).await;
    assert!(matches!(&down, Error::Unreachable { .. }) && down.to_string().contains("refused"), "{down}");

    let strict = listen(Router::new().fallback(|| async { (StatusCode::UNAUTHORIZED, "no").into_response() })).await;
    let error = fails(Source::Server(strict.clone())).await;
    assert!(matches!(&error, Error::Unauthorized { server } if *server == strict), "{error}");

    let page = listen(Router::new().fallback(|| async { "<html>hello</html>" })).await;
    let error = fails(Source::Server(page)).await;
    assert!(matches!(&error, Error::NotAnApiServer { .. }), "{error}");

    // A client that expects TLS where none is spoken.
    let plain = listen(Router::new()).await.replace("http://", "https://");
    let error = fails(Source::Server(plain)).await;
    assert!(matches!(&error, Error::Unreachable { .. } | Error::Certificate { .. }), "{error}");

    let shy = listen(Router::new().fallback(|| async { (StatusCode::FORBIDDEN, "no").into_response() })).await;
    assert_eq!(cluster::connect(&Source::Server(shy), &Limits::default()).await.unwrap().check().await.unwrap(), None);
}

#[tokio::test]
async fn a_kubeconfig_that_acts_as_somebody_itself_acts_as_nobody_else() {
    let server = listen(Router::new().fallback(|| async { Json(json!({"items": []})) })).await;
    let text = two_contexts(&server).replace("user: {token: abc}", "user: {token: abc, as: bob}");
    let (_folder, path) = kubeconfig(&text);
    let cluster = cluster::open(&Source::Kubeconfig { path: Some(path), context: None }, &Limits::default()).unwrap();
    let pods = || http::Request::get("/api/v1/pods").body(Vec::new()).unwrap();
    cluster.client.request_text(pods()).await.unwrap();
    let alice = cluster::Identity::new("alice", []).unwrap();
    let error = cluster.acting_as(&alice).client.request_text(pods()).await.unwrap_err();
    assert!(cluster::reason(&error).contains("acts as somebody itself"), "{error}");
}
