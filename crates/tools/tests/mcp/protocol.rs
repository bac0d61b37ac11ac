//! M9, M10: headers and bodies agree, revisions and methods are known or said to be unknown.

use axum::body::Body;
use http::{Request, StatusCode};
use serde_json::json;

use super::harness::{HOST, NEWEST, call, post, send, subject};

#[tokio::test]
async fn m09_headers_that_contradict_the_body_are_refused() {
    let subject = subject();
    let list = || post("tools/list", json!({}));
    let ask = || call("namespaces_list", json!({}));
    for (what, post) in [
        ("another method", list().with("mcp-method", "tools/call")),
        ("another case", list().with("mcp-method", "Tools/List")),
        ("no method", list().without("mcp-method")),
        ("another tool", ask().with("mcp-name", "pods_delete")),
        ("no name", ask().without("mcp-name")),
        ("another name in base64", ask().with("mcp-name", "=?base64?cG9kc19kZWxldGU=?=")),
        ("broken base64", ask().with("mcp-name", "=?base64?%%%?=")),
        ("another version", list().with("mcp-protocol-version", "2025-11-25")),
        ("two methods", list().also("mcp-method", "tools/call")),
    ] {
        let answer = post.to(&subject).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{what}: {answer:?}");
    }
    let answer = list().with("mcp-method", "tools/call").to(&subject).await;
    assert_eq!(answer.message()["error"]["code"], -32020, "{answer:?}");
    let encoded = ask().with("mcp-name", "=?base64?bmFtZXNwYWNlc19saXN0?=").to(&subject).await;
    assert_eq!(encoded.status, StatusCode::OK, "the same name in base64: {encoded:?}");
}

#[tokio::test]
async fn m10_an_unknown_revision_is_400_with_those_that_are_known() {
    let subject = subject();
    for version in ["2099-01-01", "1.0", "2026-07-29"] {
        let mut asked = post("tools/list", json!({})).with("mcp-protocol-version", version);
        asked.body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = version.into();
        let answer = asked.to(&subject).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{version}: {answer:?}");
        assert!(answer.text.contains(NEWEST) && answer.text.contains("2025-11-25"), "{answer:?}");
    }
}

#[tokio::test]
async fn m10_an_unknown_method_is_404() {
    let subject = subject();
    for method in ["unknown/method", "tools/delete", "ping", "initialized", "logging/setLevel", "resources/subscribe"] {
        let answer = post(method, json!({"uri": "a", "level": "info"})).to(&subject).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{method}: {answer:?}");
        assert_eq!(answer.message()["error"]["code"], -32601, "{method}");
    }
}

#[tokio::test]
async fn m10_discovery_names_every_revision() {
    let answer = post("server/discover", json!({})).to(&subject()).await;
    let versions = answer.result()["supportedVersions"].clone();
    for version in ["2025-06-18", "2025-11-25", NEWEST] {
        assert!(versions.as_array().unwrap().contains(&json!(version)), "{versions}");
    }
}

#[tokio::test]
async fn what_is_no_message_is_refused_in_good_order() {
    let subject = subject();
    for body in [
        "",
        "{",
        "[]",
        "null",
        "\"a\"",
        "{\"jsonrpc\":\"2.0\"}",
        "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}",
        "\u{0}",
    ] {
        let answer = send(&subject, post("tools/list", json!({})).request_with(body.to_owned())).await;
        assert!(answer.status.is_client_error(), "{body:?}: {answer:?}");
    }
    for method in ["PUT", "PATCH", "TRACE"] {
        let request = Request::builder().method(method).uri("/mcp").header("host", HOST);
        let request = request.header("authorization", "Bearer alice").body(Body::empty()).unwrap();
        assert_eq!(send(&subject, request).await.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
}

#[tokio::test]
async fn prompts_templates_and_completion_answer() {
    let subject = subject();
    let prompts = post("prompts/list", json!({})).to(&subject).await.result();
    let names: Vec<&str> = prompts["prompts"].as_array().unwrap().iter().filter_map(|p| p["name"].as_str()).collect();
    assert_eq!(names, ["investigate", "cluster-health-check"]);
    let asked = json!({"name": "investigate", "arguments": {"what": "pod/api", "namespace": "shop"}});
    let worded = post("prompts/get", asked).to(&subject).await.result();
    let text = worded["messages"][0]["content"]["text"].as_str().unwrap().to_owned();
    assert!(text.contains("namespace shop: pod/api"), "{text}");
    for wrong in [json!({}), json!({"wat": "a"}), json!({"what": "a".repeat(501)})] {
        let answer = post("prompts/get", json!({"name": "investigate", "arguments": wrong})).to(&subject).await;
        assert_eq!(answer.message()["error"]["code"], -32602, "{answer:?}");
    }
    let complete = |argument: &str, value: &str| {
        let template = "midwatch://object/{apiVersion}/{kind}/{namespace}/{name}";
        post(
            "completion/complete",
            json!({"ref": {"type": "ref/resource", "uri": template},
            "argument": {"name": argument, "value": value}}),
        )
    };
    let namespaces = complete("namespace", "SH").to(&subject).await.result();
    assert_eq!(namespaces["completion"]["values"], json!(["shop"]));
    let kinds = complete("kind", "deplo").to(&subject).await.result();
    assert_eq!(kinds["completion"]["values"], json!(["Deployment"]));
    let uri = "midwatch://object/apps%2Fv1/Deployment/shop/api";
    let read = post("resources/read", json!({"uri": uri})).to(&subject).await.result();
    assert!(read["contents"][0]["text"].as_str().unwrap().contains("api"), "{read}");
}
