//! What is said, as bytes on their way: pieces of the wire format, sent at the turn's pace.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Bytes;
use futures::Stream;
use serde_json::Value;

use super::openai_chat;
use super::turn::{Pace, Said};
use crate::settings::Dialect;

/// The content type of a stream and its pieces, one a token, the end last.
pub fn pieces(dialect: Dialect, said: &Said, _body: &Value) -> (&'static str, Vec<String>) {
    match dialect {
        Dialect::OpenaiChat | Dialect::OpenaiResponses | Dialect::Anthropic | Dialect::Gemini | Dialect::Ollama => {
            ("text/event-stream", events(&openai_chat::events(said)))
        }
    }
}

/// The answer as one body.
pub fn whole(dialect: Dialect, said: &Said) -> Value {
    match dialect {
        Dialect::OpenaiChat | Dialect::OpenaiResponses | Dialect::Anthropic | Dialect::Gemini | Dialect::Ollama => {
            openai_chat::whole(said)
        }
    }
}

fn events(values: &[Value]) -> Vec<String> {
    let mut events: Vec<String> = values.iter().map(|value| format!("data: {value}\n\n")).collect();
    if let Some(last) = events.last_mut() {
        last.push_str("data: [DONE]\n\n");
    }
    events
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
    let again = if pace.endless { left.iter().cloned().collect() } else { Vec::new() };
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
