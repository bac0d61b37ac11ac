//! Tools of several MCP servers as one pair of hands: our own server in this process, and others that are not trusted.
//!
//! What another server says of its tools is untrusted text. Only those tools are offered that the configuration calls
//! reads; their descriptions are pinned at first sight, and one that changes later is neither offered nor called until
//! the new one was pinned by a person.

mod clean;
mod client;
mod connection;
mod door;
mod oauth;
mod own;
mod pins;
mod result;
mod settings;
mod source;
mod sse;
mod tokens;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::future::join_all;
use futures::{FutureExt, TryFutureExt};
use rmcp::ServerHandler;
use serde_json::{Map, Value};
use tokio::time::timeout;

pub use connection::Connection;
use door::Failed;
pub use oauth::{Grant, OAuth};
pub use pins::{Pin, Pins, Quarantined};
pub use settings::{Elicitation, ToolServer, Transport};
use source::{Listed, Source};

use crate::hands::{CallResult, Calling, Effect, Hands};

/// Removes secrets from a text.
pub type Redact = Arc<dyn Fn(&str) -> String + Send + Sync>;

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// of one result
    pub bytes: usize,
    /// of one call of our own tools; other servers have theirs in their settings
    pub call: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 8 << 10, call: Duration::from_secs(30) }
    }
}

const CHANGED: &str = "its description changed";

/// Why a server is not attached. The others work without it.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AttachError {
    #[error("tool server {name}: {what}")]
    Unusable { name: String, what: String },
    #[error("tool server {name} did not answer within {seconds} s")]
    Timeout { name: String, seconds: u32 },
    #[error("tool server {name} wants a login{}: midwatch tool-servers login {name}", scopes(scope.as_deref()))]
    Login { name: String, scope: Option<String> },
    #[error("there are two tool servers named {name}")]
    Twice { name: String },
}

impl AttachError {
    /// The server that it is about.
    pub fn server(&self) -> &str {
        match self {
            Self::Unusable { name, .. }
            | Self::Timeout { name, .. }
            | Self::Login { name, .. }
            | Self::Twice { name } => name,
        }
    }
}

fn scopes(scope: Option<&str>) -> String {
    scope.map(|scope| format!(" with the scope {}", clean::line(scope))).unwrap_or_default()
}

/// A tool as it is offered, and where it is.
struct Entry {
    offered: llm::Tool,
    place: usize,
    theirs: String,
    effect: Effect,
    digest: String,
}

enum Place {
    Own(Box<Source>),
    /// its word is not trusted
    Other(Arc<Connection>),
}

impl Place {
    fn name(&self) -> &str {
        match self {
            Self::Own(source) => &source.name,
            Self::Other(connection) => connection.name(),
        }
    }
}

pub struct Toolbox {
    limits: Limits,
    redact: Redact,
    places: Vec<Place>,
    entries: Vec<Entry>,
    pins: Pins,
    quarantine: Mutex<BTreeSet<Quarantined>>,
}

impl Toolbox {
    /// `pins` are those that an earlier toolbox gave back; the caller keeps them.
    pub fn new(limits: Limits, redact: Redact, pins: Pins) -> Self {
        let (places, entries, quarantine) = (Vec::new(), Vec::new(), Mutex::default());
        Self { limits, redact, places, entries, pins, quarantine }
    }

    /// Our own server, spoken to through a pipe in this process. Its tools keep their names; `effect` is asked for each.
    pub async fn attach_own(
        &mut self,
        server: impl ServerHandler,
        effect: impl Fn(&str) -> Option<Effect>,
    ) -> Result<(), AttachError> {
        let unusable = |what| AttachError::Unusable { name: "midwatch".to_owned(), what };
        let source = own::open(server).await.map_err(unusable)?;
        for tool in source.list().await.map_err(|failed| unusable(failed.what))? {
            if let Some(effect) = effect(&tool.name) {
                self.take("", tool, effect);
            }
        }
        self.places.push(Place::Own(Box::new(source)));
        self.order();
        Ok(())
    }

    /// Other servers, asked all at once. Gives those that are not there; the toolbox works without them. None of their
    /// tools is taken for a read that the configuration does not name.
    pub async fn attach(&mut self, connections: &[Arc<Connection>]) -> Vec<AttachError> {
        let listed = join_all(connections.iter().map(|connection| connection.listed())).await;
        let mut missing = Vec::new();
        for (connection, listed) in connections.iter().zip(listed) {
            let name = connection.name();
            match listed {
                Err(error) => missing.push(error),
                Ok(_) if self.places.iter().any(|place| place.name() == name) => {
                    missing.push(AttachError::Twice { name: name.to_owned() });
                }
                Ok((_, listed)) => self.admit(connection, listed),
            }
        }
        self.order();
        missing
    }

    fn admit(&mut self, connection: &Arc<Connection>, listed: Vec<Listed>) {
        let (name, settings) = (connection.name(), &connection.settings);
        let named = settings.reads.iter().filter(|read| *read != "*");
        for absent in named.filter(|read| listed.iter().all(|tool| tool.name != **read)) {
            self.set_aside(name, absent, "named as a read in the configuration, but the server has no such tool", None);
        }
        for tool in listed {
            let known = self.pins.check(name, &tool);
            let why = match (settings.reads_with(&tool.name), &tool.refused) {
                (false, _) => Some("not named as a read in the configuration".to_owned()),
                (true, refused) => refused.clone(),
            };
            match (why, known) {
                (Some(why), _) => self.set_aside(name, &tool.name, &why, None),
                (None, pins::Known::Changed(was)) => {
                    self.set_aside(name, &tool.name, CHANGED, Some((was, tool.pin)));
                }
                (None, pins::Known::Same | pins::Known::New) => self.take(name, tool, Effect::Read),
            }
        }
        self.places.push(Place::Other(connection.clone()));
    }

    /// The digests of the descriptions that were seen, for the next toolbox.
    pub fn pins(&self) -> &Pins {
        &self.pins
    }

    /// Tools that exist and are not offered, with the reason.
    pub fn quarantined(&self) -> Vec<Quarantined> {
        self.quarantine.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn take(&mut self, prefix: &str, tool: Listed, effect: Effect) {
        let name = clean::name(prefix, &tool.name, |name| self.entries.iter().any(|entry| entry.offered.name == name));
        let description = (self.redact)(&tool.description);
        let offered = llm::Tool { name, description, parameters: tool.parameters };
        let place = self.places.len();
        self.entries.push(Entry { offered, place, theirs: tool.name, effect, digest: tool.pin.digest });
    }

    fn set_aside(&self, server: &str, tool: &str, why: &str, change: Option<(Pin, Pin)>) {
        let (server, tool, why) = (server.to_owned(), clean::line(tool), why.to_owned());
        let quarantined = Quarantined { server, tool, why, change };
        self.quarantine.lock().unwrap_or_else(PoisonError::into_inner).insert(quarantined);
    }

    /// Always the same order: providers cache the beginning of a request.
    fn order(&mut self) {
        self.entries.sort_by(|a, b| (a.place, &a.offered.name).cmp(&(b.place, &b.offered.name)));
    }

    fn is_aside(&self, entry: &Entry) -> bool {
        let Some(place) = self.places.get(entry.place) else { return true };
        let quarantine = self.quarantine.lock().unwrap_or_else(PoisonError::into_inner);
        quarantine.iter().any(|one| one.server == place.name() && one.tool == clean::line(&entry.theirs))
    }

    fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.offered.name == name).filter(|entry| !self.is_aside(entry))
    }

    async fn make(&self, name: &str, arguments: &Map<String, Value>) -> CallResult {
        let Some(entry) = self.find(name) else {
            return CallResult::error(format!("There is no tool {name}, or it is in quarantine."));
        };
        let (limit, work) = match self.places.get(entry.place) {
            None => return CallResult::error(format!("{name} is not attached.")),
            Some(Place::Own(source)) => {
                let work = self.asked(source, entry, arguments).map_err(|failed| failed.what);
                (self.limits.call, work.boxed())
            }
            Some(Place::Other(connection)) => {
                let work = async {
                    let (source, listed) = connection.listed().await.map_err(|error| error.to_string())?;
                    // the description that the model read has to be the one that still stands
                    let now = listed.into_iter().find(|tool| tool.name == entry.theirs);
                    if now.is_none_or(|tool| tool.pin.digest != entry.digest) {
                        self.set_aside(connection.name(), &entry.theirs, CHANGED, None);
                        let text = format!("{name} changed its description and is not called any more.");
                        return Ok(CallResult::error(text));
                    }
                    let asked = self.asked(&source, entry, arguments).await;
                    asked.map_err(|failed| connection.failed(&failed).to_string())
                };
                (connection.settings.call_limit(), work.boxed())
            }
        };
        let failed = |what: &str| {
            let what = (self.redact)(&clean::line(what));
            CallResult::error(format!("{name} failed: {what}"))
        };
        match timeout(limit, work).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(what)) => failed(&what),
            Err(_) => failed(&format!("no answer within {} s", limit.as_secs_f32())),
        }
    }

    async fn asked(&self, source: &Source, entry: &Entry, with: &Map<String, Value>) -> Result<CallResult, Failed> {
        let answer = source.call(&entry.theirs, with.clone()).await?;
        Ok(result::read(answer, self.limits.bytes, &*self.redact))
    }
}

impl Hands for Toolbox {
    fn tools(&self) -> Vec<llm::Tool> {
        self.entries.iter().filter(|entry| !self.is_aside(entry)).map(|entry| entry.offered.clone()).collect()
    }

    fn effect(&self, name: &str) -> Option<Effect> {
        self.find(name).map(|entry| entry.effect)
    }

    fn call<'a>(&'a self, name: &'a str, arguments: &'a Map<String, Value>) -> Calling<'a> {
        Box::pin(self.make(name, arguments))
    }
}
