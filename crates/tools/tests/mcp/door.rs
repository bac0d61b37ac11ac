//! M1, M2 and body limits: what comes in at all.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;
use tools::http::Front;
use tools::{Caller, Settings};

use super::harness::{HOST, post, send, subject, subject_with};

#[tokio::test]
async fn m01_origin_is_checked_by_itself_while_the_host_is_ours() {
    let subject = subject();
    let refused = [
        "http://evil.example",
        "https://evil.example:8420",
        "null",
        "http://127.0.0.1:1",
        "http://127.0.0.1",
        "HTTP://EVIL.EXAMPLE",
        "http://127.0.0.1:8420.evil.example",
        "http://evil.example/127.0.0.1:8420",
        "http://user@127.0.0.1:8420",
        "http://127.0.0.1:8420/",
        "ftp://127.0.0.1:8420",
        "",
        "http://localhost:8420",
        "file://",
        "chrome-extension://abc",
    ];
    for origin in refused {
        let answer = post("tools/list", json!({})).with("origin", origin).to(&subject).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{origin}: {answer:?}");
    }
    for origin in ["http://127.0.0.1:8420", "HTTP://127.0.0.1:8420", "https://127.0.0.1:8420"] {
        let answer = post("tools/list", json!({})).with("origin", origin).to(&subject).await;
        assert_eq!(answer.status, StatusCode::OK, "{origin}: {answer:?}");
    }
    let none = post("tools/list", json!({})).to(&subject).await;
    assert_eq!(none.status, StatusCode::OK, "programs send no Origin");
    let two =
        post("tools/list", json!({})).with("origin", "http://127.0.0.1:8420").also("origin", "http://evil.example");
    assert_eq!(two.to(&subject).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn m01_origin_of_every_path_and_method() {
    let subject = subject();
    for (method, path) in [
        ("GET", "/mcp"),
        ("DELETE", "/mcp"),
        ("GET", "/sse"),
        ("POST", "/messages?session_id=x"),
        ("GET", "/.well-known/oauth-protected-resource"),
        ("OPTIONS", "/mcp"),
    ] {
        let request = Request::builder().method(method).uri(path).header("host", HOST);
        let request = request.header("authorization", "Bearer alice").header("origin", "http://evil.example");
        let answer = send(&subject, request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{method} {path}");
    }
}

#[tokio::test]
async fn m01_host_is_checked_and_names_can_be_added() {
    let plain = subject();
    for host in ["evil.example", "evil.example:8420", "127.0.0.1.evil.example", "localhost.evil.example", "", "a b"] {
        let answer = post("tools/list", json!({})).with("host", host).to(&plain).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{host}: {answer:?}");
    }
    for host in ["localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8420"] {
        assert_eq!(post("tools/list", json!({})).with("host", host).to(&plain).await.status, StatusCode::OK, "{host}");
    }
    let two = post("tools/list", json!({})).also("host", "evil.example");
    assert_eq!(two.to(&plain).await.status, StatusCode::FORBIDDEN, "two hosts are none");

    let front = Front {
        hosts: vec!["midwatch.svc".to_owned(), "mw.example:443".to_owned()],
        origins: vec!["https://inspector.example".to_owned()],
        ..Front::default()
    };
    let named = subject_with(Settings::default(), front, None);
    for (host, origin, status) in [
        ("midwatch.svc:8420", None, StatusCode::OK),
        ("MIDWATCH.SVC", None, StatusCode::OK),
        ("mw.example:443", None, StatusCode::OK),
        ("mw.example:444", None, StatusCode::FORBIDDEN),
        ("midwatch.svc", Some("https://inspector.example:443"), StatusCode::OK),
        ("midwatch.svc", Some("https://inspector.example:444"), StatusCode::FORBIDDEN),
        ("midwatch.svc", Some("http://inspector.example"), StatusCode::FORBIDDEN),
    ] {
        let mut asked = post("tools/list", json!({})).with("host", host);
        if let Some(origin) = origin {
            asked = asked.with("origin", origin);
        }
        assert_eq!(asked.to(&named).await.status, status, "{host} {origin:?}");
    }
}

#[tokio::test]
async fn m02_without_a_known_caller_nothing_is_served() {
    let closed = subject();
    for (method, path) in
        [("GET", "/mcp"), ("POST", "/mcp"), ("DELETE", "/mcp"), ("GET", "/sse"), ("POST", "/messages?session_id=a")]
    {
        let request = Request::builder().method(method).uri(path).header("host", HOST).body(Body::empty()).unwrap();
        assert_eq!(send(&closed, request).await.status, StatusCode::UNAUTHORIZED, "{method} {path}");
    }
    let open = subject_with(Settings::default(), Front::default(), Some(Caller::new("local", Vec::new())));
    assert_eq!(post("tools/list", json!({})).by_nobody().to(&open).await.status, StatusCode::OK);
    let wrong = post("tools/list", json!({})).by("forged").to(&open).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED, "a wrong token is not as good as none");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused() {
    let subject = subject();
    let asked = post("tools/list", json!({}));
    let answer = send(&subject, asked.request_with(" ".repeat((1 << 20) + 1))).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
}
