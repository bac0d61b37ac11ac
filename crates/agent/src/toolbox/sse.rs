//! The client's side of HTTP with SSE (revision 2024-11-05): messages come as events, and go as posts to the address
//! that the first event names.

use std::pin::Pin;

use futures::{Sink, Stream, StreamExt};
use http::HeaderMap;
use reqwest::{Client, Url};
use rmcp::RoleClient;
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use sse_stream::{Sse, SseStream};

use super::door::MESSAGE;

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Broken(String);

type Out = Pin<Box<dyn Sink<TxJsonRpcMessage<RoleClient>, Error = Broken> + Send>>;
type In = Pin<Box<dyn Stream<Item = RxJsonRpcMessage<RoleClient>> + Send>>;

pub async fn open(client: Client, url: &str, headers: HeaderMap) -> Result<(Out, In), String> {
    let url = Url::parse(url).map_err(|error| format!("{url}: {error}"))?;
    let asked = client.get(url.clone()).headers(headers.clone()).header(http::header::ACCEPT, "text/event-stream");
    let response = asked.send().await.map_err(|error| error.to_string())?;
    if !response.status().is_success() {
        return Err(format!("{url} answers {}", response.status()));
    }
    let mut events = Box::pin(SseStream::from_bytes_stream(response.bytes_stream()));
    let to = loop {
        let Some(Ok(event)) = events.next().await else { return Err(format!("{url} names no address for messages")) };
        if event.event.as_deref() == Some("endpoint") {
            break endpoint(&url, event.data.as_deref().unwrap_or_default())?;
        }
    };
    let incoming = events
        .take_while(|event| std::future::ready(event.is_ok()))
        .filter_map(|event| async move { message(event.ok()?) });
    let outgoing = futures::sink::unfold((client, to, headers), |(client, to, headers), message| async move {
        let sent = client.post(to.clone()).headers(headers.clone()).json(&message).send().await;
        match sent.and_then(reqwest::Response::error_for_status) {
            Ok(_) => Ok((client, to, headers)),
            Err(error) => Err(Broken(error.to_string())),
        }
    });
    Ok((Box::pin(outgoing), Box::pin(incoming)))
}

/// Messages go to the server that was configured, wherever it points.
fn endpoint(url: &Url, given: &str) -> Result<Url, String> {
    let to = url.join(given.trim()).map_err(|error| format!("{url} names no usable address: {error}"))?;
    if to.origin() != url.origin() {
        return Err(format!("{url} points to another server for messages"));
    }
    Ok(to)
}

fn message(event: Sse) -> Option<RxJsonRpcMessage<RoleClient>> {
    let data = event.data?;
    if data.len() > MESSAGE || !matches!(event.event.as_deref(), None | Some("message")) {
        return None;
    }
    serde_json::from_str(&data).inspect_err(|error| tracing::warn!(%error, "an event that is no message")).ok()
}
