//! M3 to M6: tokens, where they come from, what they are good for, and that they go no further.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tools::Settings;
use tools::http::Front;

use super::harness::{HOST, call, post, send, subject, subject_with};

#[tokio::test]
async fn m03_the_challenge_leads_to_the_metadata() {
    let subject = subject();
    let answer = post("tools/list", json!({})).by_nobody().to(&subject).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    let challenge = answer.headers["www-authenticate"].to_str().unwrap();
    let metadata = "http://127.0.0.1:8420/.well-known/oauth-protected-resource/mcp";
    assert_eq!(challenge, format!("Bearer resource_metadata=\"{metadata}\", scope=\"midwatch:read\""));
    for path in ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"] {
        let answer = send(&subject, Request::get(path).header("host", HOST).body(Body::empty()).unwrap()).await;
        let found: Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(found["resource"], "http://127.0.0.1:8420/mcp", "{path}");
        assert_eq!(found["authorization_servers"], json!(["https://id.example"]));
        assert_eq!(found["scopes_supported"], json!(["midwatch:read", "midwatch:propose"]));
        assert_eq!(found["bearer_methods_supported"], json!(["header"]));
    }
    let public = Front { public_url: Some("https://midwatch.example".to_owned()), ..Front::default() };
    let public = subject_with(Settings::default(), public, None);
    let answer = post("tools/list", json!({})).by_nobody().to(&public).await;
    let challenge = answer.headers["www-authenticate"].to_str().unwrap();
    assert!(challenge.contains("\"https://midwatch.example/.well-known/oauth-protected-resource/mcp\""), "{challenge}");
}

#[tokio::test]
async fn m04_a_token_that_is_not_ours_is_401_and_says_so() {
    let subject = subject();
    for token in ["forged", "eyJhbGciOiJub25lIn0.e30.", "a b", "alice2"] {
        let answer = post("tools/list", json!({})).by(token).to(&subject).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{token}");
        let challenge = answer.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.starts_with("Bearer error=\"invalid_token\", "), "{challenge}");
    }
    for header in ["alice", "Basic YWxpY2U6", "Bearer", "Bearer ", "Digest alice"] {
        let answer = post("tools/list", json!({})).by_nobody().with("authorization", header).to(&subject).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{header}");
    }
    let two = post("tools/list", json!({})).by("alice").also("authorization", "Bearer bob").to(&subject).await;
    assert_eq!(two.status, StatusCode::UNAUTHORIZED, "two tokens are none");
    let lower = post("tools/list", json!({})).by_nobody().with("authorization", "bearer alice").to(&subject).await;
    assert_eq!(lower.status, StatusCode::OK, "the scheme is case-insensitive");
    assert_eq!(post("tools/list", json!({})).by("later").to(&subject).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn m05_a_token_in_the_address_is_refused_and_none_goes_upstream() {
    let subject = subject();
    for uri in ["/mcp?access_token=alice", "/mcp?token=alice", "/mcp?a=1&ACCESS_TOKEN=alice", "/sse?access_token=alice"]
    {
        let answer = post("tools/list", json!({})).by_nobody().at(uri).to(&subject).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{uri}");
        let answer = post("tools/list", json!({})).at(uri).to(&subject).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{uri} beside a good header");
    }
    let answer = call("namespaces_list", json!({})).to(&subject).await;
    assert!(answer.said().contains("shop"), "{answer:?}");
    let seen = subject.hands.seen.lock().unwrap();
    assert!(!seen.is_empty());
    for headers in seen.iter() {
        let leaked = headers.values().any(|value| value.as_bytes().windows(5).any(|part| part == b"alice"));
        assert!(!leaked && !headers.contains_key("authorization"), "{headers:?}");
    }
}

#[tokio::test]
async fn m06_a_scope_too_small_is_403_with_all_that_is_needed() {
    let subject = subject();
    let delete = || call("pods_delete", json!({"name": "a", "namespace": "shop"}));
    for token in ["viewer", "nothing"] {
        let answer = delete().by(token).to(&subject).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{token}");
        let challenge = answer.headers["www-authenticate"].to_str().unwrap();
        assert!(challenge.contains("error=\"insufficient_scope\""), "{challenge}");
        assert!(challenge.contains("scope=\"midwatch:read midwatch:propose\""), "{challenge}");
    }
    assert_eq!(delete().by("alice").to(&subject).await.status, StatusCode::OK);
    assert_eq!(call("namespaces_list", json!({})).by("viewer").to(&subject).await.status, StatusCode::OK);
    for method in ["tools/list", "server/discover", "prompts/list"] {
        assert_eq!(post(method, json!({})).by("nothing").to(&subject).await.status, StatusCode::FORBIDDEN, "{method}");
    }
}
