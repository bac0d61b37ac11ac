//! One read request, with a time limit and a reason in words when it fails.

use std::time::Duration;

use axum::http::Request;
use axum::http::header::ACCEPT;

/// A list of a large cluster takes seconds; what takes longer than this will not come.
const LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Refusal {
    pub code: u16,
    pub why: String,
}

pub(super) async fn text(client: &kube::Client, path: &str, accept: &str) -> Result<String, Refusal> {
    let request = Request::get(path).header(ACCEPT, accept).body(Vec::new());
    let request = request.map_err(|error| Refusal { code: 0, why: error.to_string() })?;
    match tokio::time::timeout(LIMIT, client.request_text(request)).await {
        Ok(Ok(text)) => Ok(text),
        Ok(Err(kube::Error::Api(status))) => {
            Err(Refusal { code: status.code, why: format!("{} {}: {}", status.code, status.reason, status.message) })
        }
        Ok(Err(error)) => Err(Refusal { code: 0, why: chain(&error) }),
        Err(_) => Err(Refusal { code: 0, why: format!("no answer within {} s", LIMIT.as_secs()) }),
    }
}

pub(super) async fn json(client: &kube::Client, path: &str, accept: &str) -> Result<serde_json::Value, Refusal> {
    let text = text(client, path, accept).await?;
    serde_json::from_str(&text).map_err(|error| Refusal { code: 0, why: format!("the answer is no JSON: {error}") })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
