//! Tools of several MCP servers as one pair of hands: our own server in this process, and others that are not trusted.
//!
//! What another server says of its tools is untrusted text. Only those tools are offered that the configuration calls
//! reads; their descriptions are pinned at first sight, and one that changes later is neither offered nor called until
//! the new one was pinned by a person.

mod clean;
mod client;
mod door;
mod own;
mod pins;
mod result;
mod source;
mod sse;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rmcp::ServerHandler;
use serde_json::{Map, Value};
use tokio::time::timeout;

pub use door::{Door, ToolServer};
pub use pins::{Pins, Quarantined};
use source::{Listed, Source};

use crate::hands::{CallResult, Calling, Effect, Hands};

/// Removes secrets from a text.
pub type Redact = Arc<dyn Fn(&str) -> String + Send + Sync>;

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// of one result
    pub bytes: usize,
    /// of one call
    pub call: Duration,
    /// for a server to be there and to name its tools
    pub attach: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { bytes: 8 << 10, call: Duration::from_secs(30), attach: Duration::from_secs(30) }
    }
}

/// Why a server is not attached. The others work without it.
#[derive(Debug, thiserror::Error)]
pub enum AttachError {
    #[error("tool server {name}: {what}")]
    Unusable { name: String, what: String },
    #[error("tool server {name} did not answer within {seconds} s")]
    Timeout { name: String, seconds: u64 },
    #[error("there are two tool servers named {name}")]
    Twice { name: String },
}

/// A tool as it is offered, and where it is.
struct Entry {
    offered: llm::Tool,
    source: usize,
    theirs: String,
    effect: Effect,
    digest: String,
}

pub struct Toolbox {
    limits: Limits,
    redact: Redact,
    sources: Vec<Source>,
    entries: Vec<Entry>,
    pins: Pins,
    quarantine: Mutex<BTreeSet<Quarantined>>,
}

impl Toolbox {
    /// `pins` are those that an earlier toolbox gave back; the caller keeps them.
    pub fn new(limits: Limits, redact: Redact, pins: Pins) -> Self {
        let (sources, entries, quarantine) = (Vec::new(), Vec::new(), Mutex::default());
        Self { limits, redact, sources, entries, pins, quarantine }
    }

    /// Our own server, spoken to through a pipe in this process. Its tools keep their names; `effect` is asked for each.
    pub async fn attach_own(
        &mut self,
        server: impl ServerHandler,
        effect: impl Fn(&str) -> Option<Effect>,
    ) -> Result<(), AttachError> {
        let source = self.in_time("midwatch", own::open(server)).await?;
        let listed = self.in_time("midwatch", source.list()).await?;
        for tool in listed {
            if let Some(effect) = effect(&tool.name) {
                self.take("", tool, effect);
            }
        }
        self.sources.push(source);
        self.order();
        Ok(())
    }

    /// Another server. None of its tools is taken for a read that the configuration does not name.
    pub async fn attach(&mut self, server: &ToolServer) -> Result<(), AttachError> {
        let name = server.name.as_str();
        if self.sources.iter().any(|source| source.name == name) {
            return Err(AttachError::Twice { name: name.to_owned() });
        }
        let source = self.in_time(name, door::open(server)).await?;
        let listed = self.in_time(name, source.list()).await?;
        for tool in listed {
            let known = self.pins.check(name, &tool);
            match (server.reads_with(&tool.name), tool.refused.clone(), known) {
                (false, _, _) => self.set_aside(name, &tool.name, "not named as a read in the configuration"),
                (true, Some(why), _) => self.set_aside(name, &tool.name, &why),
                (true, None, pins::Known::Changed) => self.set_aside(name, &tool.name, "its description changed"),
                (true, None, pins::Known::Same | pins::Known::New) => self.take(name, tool, Effect::Read),
            }
        }
        self.sources.push(source);
        self.order();
        Ok(())
    }

    /// The digests of the descriptions that were seen, for the next toolbox.
    pub fn pins(&self) -> &Pins {
        &self.pins
    }

    /// Tools that exist and are not offered, with the reason.
    pub fn quarantined(&self) -> Vec<Quarantined> {
        self.quarantine.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    async fn in_time<T>(&self, name: &str, work: impl Future<Output = Result<T, String>>) -> Result<T, AttachError> {
        match timeout(self.limits.attach, work).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(what)) => Err(AttachError::Unusable { name: name.to_owned(), what: clean::line(&what) }),
            Err(_) => Err(AttachError::Timeout { name: name.to_owned(), seconds: self.limits.attach.as_secs() }),
        }
    }

    fn take(&mut self, prefix: &str, tool: Listed, effect: Effect) {
        let name = clean::name(prefix, &tool.name, |name| self.entries.iter().any(|entry| entry.offered.name == name));
        let description = (self.redact)(&tool.description);
        let offered = llm::Tool { name, description, parameters: tool.parameters };
        let source = self.sources.len();
        self.entries.push(Entry { offered, source, theirs: tool.name, effect, digest: tool.digest });
    }

    fn set_aside(&self, server: &str, tool: &str, why: &str) {
        let quarantined = Quarantined { server: server.to_owned(), tool: clean::line(tool), why: why.to_owned() };
        self.quarantine.lock().unwrap_or_else(PoisonError::into_inner).insert(quarantined);
    }

    /// Always the same order: providers cache the beginning of a request.
    fn order(&mut self) {
        self.entries.sort_by(|a, b| (a.source, &a.offered.name).cmp(&(b.source, &b.offered.name)));
    }

    fn is_aside(&self, entry: &Entry) -> bool {
        let Some(source) = self.sources.get(entry.source) else { return true };
        let quarantine = self.quarantine.lock().unwrap_or_else(PoisonError::into_inner);
        quarantine.iter().any(|one| one.server == source.name && one.tool == clean::line(&entry.theirs))
    }

    fn find(&self, name: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.offered.name == name).filter(|entry| !self.is_aside(entry))
    }

    async fn make(&self, name: &str, arguments: &Map<String, Value>) -> CallResult {
        let Some(entry) = self.find(name) else {
            return CallResult::error(format!("There is no tool {name}, or it is in quarantine."));
        };
        let Some(source) = self.sources.get(entry.source) else {
            return CallResult::error(format!("{name} is not attached."));
        };
        let limit = self.limits.call;
        let work = async {
            // the description that the model read has to be the one that still stands
            if source.foreign && source.digest(&entry.theirs).await? != Some(entry.digest.clone()) {
                self.set_aside(&source.name, &entry.theirs, "its description changed");
                return Ok(CallResult::error(format!("{name} changed its description and is not called any more.")));
            }
            let answer = source.call(&entry.theirs, arguments.clone()).await?;
            Ok::<_, String>(result::read(answer, self.limits.bytes, &*self.redact))
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
