//! The tools of a run with a model: our own, and those of the configured tool servers that are up.

use std::sync::Arc;

use agent::{AttachError, Connection, Effect, Limits, Pins, Redact, ToolServer, Toolbox};
use cluster::Class;
use metrics::gauge;
use tools::{Caller, OnlyReading, Server};
use tracing::warn;

use crate::config::Config;
use crate::store::{self, Store, tool_pins};

/// The configured tool servers. Their connections are kept over many runs.
pub struct Servers {
    connections: Vec<Arc<Connection>>,
    store: Store,
}

impl Servers {
    pub fn new(config: &Config, store: Store) -> Self {
        Self { connections: config.tool_servers.iter().map(|server| connection(config, server)).collect(), store }
    }

    /// Our own tools as far as `effect` knows them, and those of the servers that answer. One that does not is logged
    /// and left out.
    pub async fn toolbox(&self, own: Server, effect: impl Fn(&str) -> Option<Effect>) -> Result<Toolbox, String> {
        let failed = |error: store::Error| format!("the pins of the tool servers: {error}");
        let pins = if self.connections.is_empty() {
            Pins::default()
        } else {
            tool_pins::all(self.store.read()).await.map_err(failed)?
        };
        let mut toolbox = empty(pins.clone());
        toolbox.attach_own(own, effect).await.map_err(|error| error.to_string())?;
        let missing = toolbox.attach(&self.connections).await;
        self.tell(&toolbox, &missing);
        if *toolbox.pins() != pins {
            let seen = toolbox.pins().clone();
            self.store
                .write(move |connection| Box::pin(async move { tool_pins::see(connection, &seen, store::now()).await }))
                .await
                .map_err(failed)?;
        }
        Ok(toolbox)
    }

    fn tell(&self, toolbox: &Toolbox, missing: &[AttachError]) {
        for error in missing {
            warn!(%error, "a tool server is left out");
        }
        let aside = toolbox.quarantined();
        for connection in &self.connections {
            let name = connection.name();
            let down = missing.iter().any(|error| error.server() == name);
            let changed = aside.iter().filter(|one| one.server == name && one.change.is_some()).count();
            gauge!("midwatch_tool_server_up", "server" => name.to_owned()).set(if down { 0.0 } else { 1.0 });
            let changed = u32::try_from(changed).unwrap_or(u32::MAX);
            gauge!("midwatch_tool_server_changed_tools", "server" => name.to_owned()).set(changed);
        }
    }
}

/// A new connection, with the token that a login brought.
pub fn connection(config: &Config, server: &ToolServer) -> Arc<Connection> {
    let tokens = config.data_dir.join("tool-servers").join(format!("{}.json", server.name));
    Arc::new(Connection::new(server.clone(), Some(tokens)))
}

/// One server looked at by itself, over a connection of its own. What is seen is not pinned in the store.
pub async fn look(config: &Config, server: &ToolServer, pins: Pins) -> Result<Toolbox, AttachError> {
    let mut toolbox = empty(pins);
    let missing = toolbox.attach(&[connection(config, server)]).await;
    missing.into_iter().next().map_or(Ok(toolbox), Err)
}

/// Our own tools that read, and no others.
pub async fn own(hands: OnlyReading, settings: tools::Settings) -> Result<Toolbox, String> {
    alone(Server::new(Arc::new(hands), settings)?.of(Caller::new("midwatch", Vec::new())), reads).await
}

/// Our own tools as far as `effect` knows them, and no others.
pub async fn alone(own: Server, effect: impl Fn(&str) -> Option<Effect>) -> Result<Toolbox, String> {
    let mut toolbox = empty(Pins::default());
    toolbox.attach_own(own, effect).await.map_err(|error| error.to_string())?;
    Ok(toolbox)
}

/// Whether a server lets us in.
pub async fn looked(connection: &Arc<Connection>) -> Result<(), AttachError> {
    let missing = empty(Pins::default()).attach(std::slice::from_ref(connection)).await;
    missing.into_iter().next().map_or(Ok(()), Err)
}

fn empty(pins: Pins) -> Toolbox {
    let redact: Redact = Arc::new(|text| redact::text(text).into_owned());
    Toolbox::new(Limits::default(), redact, pins)
}

/// Our tools that only read, by the list in which each has its least class. A preview is for a person who has a manifest:
/// its dry run takes the right to write, and no text in a log may lead to one.
pub fn reads(name: &str) -> Option<Effect> {
    let tool = tools::TOOLS.iter().find(|tool| tool.name == name && name != "apply_preview")?;
    (tool.class <= Class::S).then_some(Effect::Read)
}
