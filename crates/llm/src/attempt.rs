//! One request to one model, and its answer while it comes.

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::dialect::Decoder;
use crate::error::Class;
use crate::models::Entry;
use crate::prepare::Prepared;
use crate::provider::Quirks;
use crate::refusal::{self, Refusal};
use crate::reply::{Event, Reply, Stop};
use crate::settings::Dialect;
use crate::transport::{Call, Got};

pub(crate) struct Attempt<'a> {
    entry: &'a Entry,
    prepared: &'a Prepared,
    dialect: Dialect,
    path: String,
    thinks: bool,
    body: Value,
}

impl<'a> Attempt<'a> {
    pub fn new(entry: &'a Entry, quirks: &Quirks, prepared: &'a Prepared) -> Self {
        let dialect = entry.model.dialect();
        let mut body = dialect.body(&prepared.request, quirks);
        if let Some(members) = body.as_object_mut() {
            quirks.dropped.iter().for_each(|name| {
                members.shift_remove(name);
            });
        }
        Self { entry, prepared, dialect, path: dialect.path(quirks), thinks: quirks.thinks, body }
    }

    /// Top-level members of the body: only what was sent can be dropped.
    pub fn members(&self) -> Vec<String> {
        self.body.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
    }

    pub async fn send(&self, deadline: Instant, on: &mut (dyn FnMut(Event) + Send)) -> Result<Reply, Refusal> {
        let key = self.entry.model.secret().map_err(|why| Refusal::ours(Class::Auth, why))?;
        let headers = self.headers(key.as_deref());
        let call = Call { path: &self.path, headers: &headers, body: &self.body, deadline, thinks: self.thinks };
        let mut decoder = self.dialect.decoder(&self.prepared.offered());
        let got = {
            let decoder = &mut decoder;
            let prepared = self.prepared;
            let on = &mut *on;
            self.entry.transport.send(&call, &mut |bytes| feed(decoder, prepared, bytes, on)).await?
        };
        if let Got::Whole(body) = got {
            let value: Value = serde_json::from_str(body.trim()).unwrap_or(Value::Null);
            if !is_answer(&value) {
                return Err(refusal::read(200, &|_| None, &body, Timestamp::now()));
            }
            feed(&mut decoder, self.prepared, body.as_bytes(), on)?;
        }
        let finished = decoder.finish();
        for event in finished.events {
            self.prepared.show(event, on);
        }
        let reply = finished.reply;
        if let Some(error) = finished.error.filter(|_| reply.calls.is_empty()) {
            return Err(in_stream(&error));
        }
        Ok(reply)
    }

    /// The configured ones win: a gateway may want its key elsewhere.
    fn headers(&self, key: Option<&str>) -> Vec<(String, String)> {
        let own = &self.entry.model.headers;
        let given = |name: &str| own.keys().any(|key| key.eq_ignore_ascii_case(name));
        let usual = self.dialect.headers(key).into_iter().map(|(name, value)| (name.to_owned(), value));
        let usual = usual.filter(|(name, _)| !given(name));
        usual.chain(own.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned()))).collect()
    }
}

fn feed(
    decoder: &mut Decoder,
    prepared: &Prepared,
    bytes: &[u8],
    on: &mut (dyn FnMut(Event) + Send),
) -> Result<(), Refusal> {
    for event in decoder.feed(bytes) {
        prepared.show(event, on);
    }
    match decoder.is_full() {
        true => Err(Refusal::ours(Class::TooLarge, "an answer without an end")),
        false => Ok(()),
    }
}

/// Whether a body that came in one piece is an answer of any wire format.
fn is_answer(value: &Value) -> bool {
    let members = ["choices", "output", "content", "candidates", "message", "response"];
    let is_error = value.get("error").is_some_and(|error| !error.is_null());
    let value = value.get(0).unwrap_or(value);
    !is_error
        && members.iter().any(|name| value.get(name).is_some_and(|member| member.is_array() || member.is_object()))
}

/// An error that came inside a stream with status 200.
fn in_stream(error: &Value) -> Refusal {
    let refusal = refusal::read(200, &|_| None, &json!({"error": error}).to_string(), Timestamp::now());
    // a stream that names no reason has a provider in trouble behind it
    let class = if refusal.class == Class::BadRequestUnknown { Class::Overloaded } else { refusal.class };
    Refusal { class, ..refusal }
}

impl Prepared {
    /// The answer's events with the tools' own names.
    fn show(&self, event: Event, on: &mut (dyn FnMut(Event) + Send)) {
        match event {
            Event::Call { name } => on(Event::Call { name: self.names.back(&name) }),
            // an answer by a schema is JSON: its text is shown when it is whole
            Event::Text { .. } if self.by_schema => {}
            event @ (Event::Text { .. } | Event::Reasoning { .. } | Event::Step { .. } | Event::Restart { .. }) => {
                on(event)
            }
        }
    }

    /// The reply with the tools' own names, and without the frame of an answer by a schema.
    pub(crate) fn restore(&self, reply: &mut Reply) {
        reply.calls.iter_mut().for_each(|call| call.name = self.names.back(&call.name));
        if !self.by_schema || !reply.calls.is_empty() {
            return;
        }
        let value: Value = serde_json::from_str(reply.content.trim()).unwrap_or(Value::Null);
        match &value["final_answer"] {
            Value::Null => {}
            Value::String(text) => reply.content.clone_from(text),
            other => reply.content = other.to_string(),
        }
        reply.stop = if reply.stop == Stop::ToolCalls { Stop::Stop } else { reply.stop };
    }
}
