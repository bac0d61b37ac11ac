//! What is said, as bytes on their way: pieces of the wire format, sent at the turn's pace.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use futures::Stream;
use serde_json::Value;

use super::turn::{Pace, Said};
use super::{anthropic, gemini, ollama, openai_chat, openai_responses};
use crate::settings::Dialect;

/// The content type of a stream and its pieces: the start first, then about one a token, the end last.
pub fn pieces(dialect: Dialect, said: &Said) -> (&'static str, Vec<String>) {
    match dialect {
        Dialect::OpenaiChat => ("text/event-stream", openai_chat::pieces(said)),
        Dialect::OpenaiResponses => ("text/event-stream", openai_responses::pieces(said)),
        Dialect::Anthropic => ("text/event-stream", anthropic::pieces(said)),
        Dialect::Gemini => ("text/event-stream", gemini::pieces(said)),
        Dialect::Ollama => ("application/x-ndjson", ollama::pieces(said)),
    }
}

/// The answer as one body.
pub fn whole(dialect: Dialect, said: &Said) -> Value {
    match dialect {
        Dialect::OpenaiChat => openai_chat::whole(said),
        Dialect::OpenaiResponses => openai_responses::whole(said),
        Dialect::Anthropic => anthropic::whole(said),
        Dialect::Gemini => gemini::whole(said),
        Dialect::Ollama => ollama::whole(said),
    }
}

/// An event without a name.
pub fn data(value: &Value) -> String {
    format!("data: {value}\n\n")
}

/// An event with its type as its name.
pub fn named(value: &Value) -> String {
    format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap_or_default())
}

/// A text in about the pieces in which a model makes it.
pub fn tokens(text: &str) -> Vec<String> {
    let mut tokens = vec![String::new()];
    for character in text.chars() {
        let full = tokens.last().is_some_and(|token| token.len() >= 4 && (character == ' ' || !character.is_ascii()));
        if full {
            tokens.push(String::new());
        }
        if let Some(token) = tokens.last_mut() {
            token.push(character);
        }
    }
    tokens.retain(|token| !token.is_empty());
    tokens
}

/// The ids of every turn are the same, as some servers have it.
pub fn id(index: usize) -> String {
    format!("call_p{index}")
}

/// Counts an answer for as long as it is being written.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

struct Sending {
    left: VecDeque<Bytes>,
    /// what is said again in an endless answer
    again: Vec<Bytes>,
    pace: Pace,
    first: bool,
    sent: usize,
    _open: Open,
}

/// The pieces at the turn's pace.
pub fn paced(
    pieces: Vec<String>,
    pace: Pace,
    open: &Arc<AtomicUsize>,
) -> impl Stream<Item = io::Result<Bytes>> + use<> {
    open.fetch_add(1, Ordering::SeqCst);
    let mut left: VecDeque<Bytes> = pieces.into_iter().map(Bytes::from).collect();
    if pace.endless {
        left.pop_back();
    }
    let again = if pace.endless { left.iter().skip(1).cloned().collect() } else { Vec::new() };
    if pace.drip.is_some() {
        left = left.iter().flat_map(|piece| (0..piece.len()).map(|at| piece.slice(at..=at))).collect();
    }
    let sending = Sending { left, again, pace, first: true, sent: 0, _open: Open(open.clone()) };
    futures::stream::unfold(sending, next)
}

async fn next(mut sending: Sending) -> Option<(io::Result<Bytes>, Sending)> {
    let wait = if std::mem::take(&mut sending.first) {
        sending.pace.delay
    } else {
        sending.pace.drip.unwrap_or(sending.pace.between)
    };
    tokio::time::sleep(wait).await;
    if sending.left.is_empty() {
        sending.left.extend(sending.again.iter().cloned());
    }
    let room = sending.pace.cut.map(|cut| cut.saturating_sub(sending.sent));
    if room == Some(0) {
        sending.pace.cut = None;
        sending.left.clear();
        sending.again.clear();
        return Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), sending));
    }
    let mut piece = sending.left.pop_front()?;
    piece.truncate(room.unwrap_or(usize::MAX));
    sending.sent += piece.len();
    Some((Ok(piece), sending))
}
