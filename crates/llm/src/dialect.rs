//! The wire formats, one a file: where a request goes, what it looks like, and what the answer's stream means.

mod anthropic;
mod gemini;
mod ollama;
mod openai_chat;
mod openai_responses;

use serde_json::Value;

use crate::assemble::{Assembler, Finished};
use crate::provider::{MaxTokens, Quirks};
use crate::reply::Event;
use crate::request::{Request, Thinking};
use crate::settings::Dialect;
use crate::sse::{Frame, Frames};

/// The most bytes of an answer that are read. A longer one is a server that does not stop.
const MOST: usize = 16 << 20;

impl Dialect {
    /// What follows the address of a server that says nothing of versions; see [`join`].
    pub fn path(self, quirks: &Quirks) -> String {
        match self {
            Self::OpenaiChat => "/chat/completions".to_owned(),
            Self::OpenaiResponses => "/responses".to_owned(),
            Self::Anthropic => "/v1/messages".to_owned(),
            Self::Gemini => gemini::path(quirks),
            Self::Ollama => "/api/chat".to_owned(),
        }
    }

    pub fn headers(self, key: Option<&str>) -> Vec<(&'static str, String)> {
        match self {
            Self::OpenaiChat | Self::OpenaiResponses | Self::Ollama => bearer(key),
            Self::Anthropic => anthropic::headers(key),
            Self::Gemini => gemini::headers(key),
        }
    }

    pub fn body(self, request: &Request, quirks: &Quirks) -> Value {
        match self {
            Self::OpenaiChat => openai_chat::body(request, quirks),
            Self::OpenaiResponses => openai_responses::body(request, quirks),
            Self::Anthropic => anthropic::body(request, quirks),
            Self::Gemini => gemini::body(request, quirks),
            Self::Ollama => ollama::body(request, quirks),
        }
    }

    /// Reads the answer to a request: a stream, or a body of the same format that came at once.
    pub fn decoder(self, request: &Request) -> Decoder {
        let format = match self {
            Self::OpenaiChat => Format::OpenaiChat,
            Self::OpenaiResponses => Format::OpenaiResponses(openai_responses::Items::default()),
            Self::Anthropic => Format::Anthropic(anthropic::Thoughts::default()),
            Self::Gemini => Format::Gemini { calls: 0 },
            Self::Ollama => Format::Ollama { calls: 0 },
        };
        Decoder { format, frames: Frames::default(), reply: Assembler::new(request), read: 0 }
    }
}

/// The path of an address and what follows it. People write an address with its version and without: where it ends with
/// one, that one counts.
pub fn join(base: &str, path: &str) -> String {
    let base = base.trim_end_matches('/');
    let is_version =
        |segment: &str| segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let (before, last) = base.rsplit_once('/').unwrap_or(("", base));
    match path.trim_start_matches('/').split_once('/') {
        Some((first, rest)) if first == last || is_version(first) && is_version(last) => format!("{base}/{rest}"),
        // Ollama's own format does not stand below the version of its imitation of OpenAI's
        Some(("api", _)) if is_version(last) => format!("{before}{path}"),
        Some(_) | None => format!("{base}{path}"),
    }
}

/// What a wire format remembers from event to event.
#[derive(Debug)]
enum Format {
    OpenaiChat,
    OpenaiResponses(openai_responses::Items),
    Anthropic(anthropic::Thoughts),
    Gemini { calls: u64 },
    Ollama { calls: u64 },
}

/// Reads one answer.
#[derive(Debug)]
pub struct Decoder {
    format: Format,
    frames: Frames,
    reply: Assembler,
    read: usize,
}

impl Decoder {
    /// Take bytes as they come; what they let happen comes back.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Event> {
        if self.is_full() {
            return Vec::new();
        }
        self.read += bytes.len();
        for frame in self.frames.feed(bytes) {
            take(&mut self.format, &mut self.reply, &frame);
        }
        self.reply.events()
    }

    /// More is not read: whoever feeds may as well close the connection.
    pub fn is_full(&self) -> bool {
        self.read > MOST
    }

    /// The bytes are over, for whatever reason.
    pub fn finish(mut self) -> Finished {
        for frame in self.frames.finish() {
            take(&mut self.format, &mut self.reply, &frame);
        }
        self.reply.finish()
    }
}

fn take(format: &mut Format, reply: &mut Assembler, frame: &Frame) {
    if let Ok(value) = serde_json::from_str(&frame.data) {
        take_value(format, reply, &frame.event, &value);
        return;
    }
    // events whose blank line between them was lost
    for line in frame.data.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match serde_json::from_str(line) {
            Ok(value) => take_value(format, reply, &frame.event, &value),
            Err(_) if line == "[DONE]" => reply.done(),
            Err(_) => reply.saw_noise(),
        }
    }
}

fn take_value(format: &mut Format, reply: &mut Assembler, event: &str, value: &Value) {
    if let Value::Array(values) = value {
        for value in values.iter().filter(|value| value.is_object()) {
            take_value(format, reply, event, value);
        }
        return;
    }
    if !value.is_object() {
        reply.saw_noise();
        return;
    }
    reply.saw_event();
    if let Some(error) = value.get("error").filter(|error| !error.is_null()) {
        reply.fail(error);
    } else if event == "error" {
        reply.fail(value);
    }
    match format {
        Format::OpenaiChat => openai_chat::take(value, reply),
        Format::OpenaiResponses(items) => items.take(value, reply),
        Format::Anthropic(thoughts) => thoughts.take(value, reply),
        Format::Gemini { calls } => gemini::take(value, calls, reply),
        Format::Ollama { calls } => ollama::take(value, calls, reply),
    }
}

fn bearer(key: Option<&str>) -> Vec<(&'static str, String)> {
    key.map(|key| ("authorization", format!("Bearer {key}"))).into_iter().collect()
}

/// The most tokens to ask for.
fn limit(request: &Request, quirks: &Quirks) -> Option<u32> {
    match (request.max_tokens, quirks.output_limit) {
        (Some(wish), Some(limit)) => Some(wish.min(limit)),
        (wish, limit) => wish.or(limit),
    }
}

fn word<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member)?.as_str()
}

fn count(value: &Value, pointer: &str) -> u64 {
    value.pointer(pointer).and_then(Value::as_u64).unwrap_or_default()
}
