//! `midwatch tool-servers`: which tools other people's servers offer, which were set aside, and whose description changed.

mod login;

use agent::{Hands, Pin, Pins, Quarantined, ToolServer, Toolbox};
use anyhow::{bail, ensure};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::setup::StoreArgs;
use super::table::table;
use super::{Output, say};
use crate::app::open_store;
use crate::audit::{self, Action, Entry};
use crate::config::Config;
use crate::people::at_terminal;
use crate::store::{self, tool_pins};
use crate::toolbox::look;

#[derive(Debug, Subcommand)]
pub enum ToolServers {
    /// Ask each configured server for its tools: what is offered to models, what is set aside, and why; exit code 1 if one
    /// is not there or changed a tool
    List(List),
    /// Accept what a server says of its tools now, after you read the difference
    Trust(Trust),
    /// Get a token for a server that wants one by OAuth: you say yes in a browser
    Login(login::Login),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    store: StoreArgs,
    #[arg(short, long, value_enum, default_value = "text")]
    output: Output,
}

#[derive(Debug, Args)]
pub struct Trust {
    #[command(flatten)]
    store: StoreArgs,
    /// Name of a server in the configuration
    name: String,
    /// One of its tools, by the server's own name for it; default: all that changed
    tool: Option<String>,
}

impl ToolServers {
    pub async fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::List(command) => command.run().await,
            Self::Trust(command) => command.run().await,
            Self::Login(command) => command.run().await,
        }
    }
}

const NONE: &str = "no tool server is configured (tool_servers:)\n";

/// A server as it was found.
struct Found<'a> {
    server: &'a ToolServer,
    tools: Vec<String>,
    aside: Vec<Quarantined>,
    /// why it is not there
    down: Option<String>,
}

impl List {
    async fn run(self) -> anyhow::Result<u8> {
        let config = self.store.config()?;
        let pins = pins(&config).await?;
        let looked = config.tool_servers.iter().map(|server| found(&config, server, pins.clone()));
        let all = futures::future::join_all(looked).await;
        match self.output {
            Output::Json => {
                let values: Vec<Value> = all.iter().map(Found::json).collect();
                say(&format!("{}\n", serde_json::to_string_pretty(&values)?))?;
            }
            Output::Text if all.is_empty() => say(NONE)?,
            Output::Text => say(&text(&all))?,
        }
        Ok(u8::from(all.iter().any(|one| one.down.is_some() || one.changed() > 0)))
    }
}

/// Those of a store that is there; a look makes none.
async fn pins(config: &Config) -> anyhow::Result<Pins> {
    if !config.store_settings().path.exists() {
        return Ok(Pins::default());
    }
    let store = open_store(config).await?;
    let pins = tool_pins::all(store.read()).await;
    store.close().await;
    Ok(pins?)
}

/// The server of this name.
fn named<'a>(config: &'a Config, name: &str) -> anyhow::Result<&'a ToolServer> {
    let Some(server) = config.tool_servers.iter().find(|server| server.name == name) else {
        let names: Vec<&str> = config.tool_servers.iter().map(|server| server.name.as_str()).collect();
        bail!("no tool server is named `{name}`; there are: {}", names.join(", "))
    };
    Ok(server)
}

async fn found<'a>(config: &Config, server: &'a ToolServer, pins: Pins) -> Found<'a> {
    match look(config, server, pins).await {
        Ok(toolbox) => {
            let tools = toolbox.tools().into_iter().map(|tool| tool.name).collect();
            Found { server, tools, aside: toolbox.quarantined(), down: None }
        }
        Err(error) => Found { server, tools: Vec::new(), aside: Vec::new(), down: Some(error.to_string()) },
    }
}

impl Found<'_> {
    fn changed(&self) -> usize {
        self.aside.iter().filter(|one| one.change.is_some()).count()
    }

    fn state(&self) -> &'static str {
        match (&self.down, self.changed()) {
            (Some(_), _) => "down",
            (None, 0) => "up",
            (None, _) => "changed",
        }
    }

    fn json(&self) -> Value {
        let aside = |one: &Quarantined| {
            let change = one.change.as_ref().map(|(was, is)| json!({"was": was.text, "is": is.text}));
            json!({"tool": one.tool, "why": one.why, "change": change})
        };
        let aside: Vec<Value> = self.aside.iter().map(aside).collect();
        json!({"name": self.server.name, "state": self.state(), "why": self.down, "tools": self.tools, "aside": aside})
    }
}

fn text(all: &[Found<'_>]) -> String {
    let row = |one: &Found<'_>| {
        let numbers = [one.tools.len(), one.aside.len(), one.changed()].map(|count| count.to_string());
        let place = one.server.command.clone().or_else(|| one.server.url.as_deref().map(super::models::address));
        let words = [one.server.name.clone(), one.state().to_owned()];
        words.into_iter().chain(numbers).chain(place).collect::<Vec<_>>()
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    let mut text = table(&["NAME", "STATE", "OFFERED", "ASIDE", "CHANGED", "WHERE"], &rows);
    for one in all {
        text.push_str(&format!("\n{}:\n", one.server.name));
        if let Some(down) = &one.down {
            text.push_str(&format!("  {down}\n"));
        }
        for tool in &one.tools {
            text.push_str(&format!("  {tool}\n"));
        }
        for aside in &one.aside {
            text.push_str(&format!("  not offered: {}: {}\n", aside.tool, aside.why));
            if let Some((was, is)) = &aside.change {
                text.push_str(&difference(was, is));
            }
        }
        if one.changed() > 0 {
            text.push_str(&format!("  to accept what it says now: midwatch tool-servers trust {}\n", one.server.name));
        }
    }
    text
}

/// The lines that went and the lines that came.
fn difference(was: &Pin, is: &Pin) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (was.text.lines().collect(), is.text.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let (old, new) = (old.get(head..).unwrap_or_default(), new.get(head..).unwrap_or_default());
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let lines = |sign: char, lines: &[&str]| {
        let changed = lines.iter().take(lines.len() - tail);
        changed.map(|line| format!("    {sign} {line}\n")).collect::<String>()
    };
    format!("{}{}", lines('-', old), lines('+', new))
}

impl Trust {
    async fn run(self) -> anyhow::Result<u8> {
        let (config, store) = self.store.open().await?;
        let server = named(&config, &self.name)?;
        let toolbox: Toolbox = look(&config, server, tool_pins::all(store.read()).await?).await?;
        let wanted = |tool: &str| self.tool.as_deref().is_none_or(|name| name == tool);
        let changed: Vec<(String, Pin, Pin)> = toolbox
            .quarantined()
            .into_iter()
            .filter(|one| wanted(&one.tool))
            .filter_map(|one| one.change.map(|(was, is)| (one.tool, was, is)))
            .collect();
        ensure!(!changed.is_empty(), "nothing of {} changed", self.tool.as_ref().unwrap_or(&self.name));
        let now = store::now();
        for (tool, was, is) in changed {
            let entry = Entry::new(Action::ToolTrusted, at_terminal(now).name);
            let entry = Entry { digest: Some(is.digest.clone()), ..entry.note(format!("{}: {tool}", self.name)) };
            let (name, pinned, change) = (self.name.clone(), tool.clone(), difference(&was, &is));
            store
                .write(move |connection| {
                    Box::pin(async move {
                        tool_pins::trust(connection, &name, &pinned, &is, now).await?;
                        audit::append(connection, &entry, now).await
                    })
                })
                .await?;
            say(&format!("{} {tool}: trusted as it is now\n{change}", self.name))?;
        }
        store.close().await;
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_lines_that_differ_are_shown() {
        let pin = |text: &str| Pin { digest: text.to_owned(), text: text.to_owned() };
        assert_eq!(difference(&pin("a\nb\nc\nd"), &pin("a\nX\nY\nd")), "    - b\n    - c\n    + X\n    + Y\n");
        assert_eq!(difference(&pin("a"), &pin("a\na")), "    + a\n");
        assert_eq!(difference(&pin("a\nb"), &pin("b")), "    - a\n");
    }
}
