//! The command line: one page that lists the subcommands, one file for each.

mod alerts;
mod approvals;
mod ask;
mod audit;
mod chat;
mod completion;
mod config;
mod demo;
mod diagnose;
mod doctor;
mod eval;
mod grant;
mod mcp;
mod models;
mod outbox;
mod pause;
mod payload;
mod policy;
mod progress;
mod record;
mod replay;
mod room;
mod runs;
mod screen;
mod serve;
mod setup;
mod source;
mod table;
mod token;
mod tool_servers;
mod user;
mod version;

use std::io::Write;

use clap::{Parser, Subcommand, ValueEnum};
use notify::{Body, Channel, Console, Message};

/// The middle watch over Kubernetes clusters: alerts in, checked diagnoses out.
#[derive(Debug, Parser)]
#[command(name = "midwatch", version, max_term_width = 120)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Name what is wrong with an object, a namespace or the whole cluster, and how to mend it
    Diagnose(diagnose::Diagnose),
    /// Ask in your own words: one answer, with what it rests on
    Ask(ask::Ask),
    /// Ask and change in your own words, one after the other; each change only after you saw it and said yes
    Chat(chat::Chat),
    /// Take alerts, diagnose them, deliver the verdicts
    Serve(serve::Serve),
    /// The tools for an agent on this machine: an MCP server on standard input and output
    Mcp(mcp::Mcp),
    /// The first incident from alert to card, with nothing but this binary
    Demo(demo::Demo),
    /// Write everything readable of a cluster into a folder
    Record(record::Record),
    /// Serve a recorded cluster as an API server
    Replay(replay::Replay),
    /// Incidents that a server holds; post one to it
    #[command(subcommand)]
    Alerts(alerts::Alerts),
    /// Messages that a server has to send, or gave up
    #[command(subcommand)]
    Outbox(outbox::Outbox),
    /// Proposed changes: look at them, say yes or no
    #[command(subcommand)]
    Approvals(approvals::Approvals),
    /// Stop all writes to clusters, whatever was approved
    Pause(pause::Pause),
    /// Let writes go on
    Resume(pause::Resume),
    /// For a time, let somebody propose what is otherwise off
    #[command(subcommand)]
    Grant(grant::Grant),
    /// Who may log in, and what they may do
    #[command(subcommand)]
    User(user::User),
    /// Tokens for programs that call the server
    #[command(subcommand)]
    Token(token::Token),
    /// What was decided and done, by whom; proof that the log is whole
    #[command(subcommand)]
    Audit(audit::Audit),
    /// What may be done: check the policy, explain what would happen to a request
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    /// The configured models: what they can do, what was switched off because of it
    #[command(subcommand)]
    Models(models::Models),
    /// Tool servers of other people: what models may use of them, what changed
    #[command(subcommand)]
    ToolServers(tool_servers::ToolServers),
    /// What models were asked and did, step by step; run a recorded run again
    #[command(subcommand)]
    Runs(runs::Runs),
    /// Check, show or describe the configuration
    #[command(subcommand)]
    Config(config::Config),
    /// Prove that cluster, Alertmanager, Prometheus, models and channels work; print what to paste into them
    Doctor(doctor::Doctor),
    /// Score the verdicts on a folder of cases, beside the last time
    Eval(eval::Eval),
    /// Print a completion script for the shell
    Completion(completion::Completion),
    /// Print version, commit and platform
    Version,
}

impl Cli {
    /// Runs the command; the number is the process' exit code.
    pub async fn run(self) -> anyhow::Result<u8> {
        match self.command {
            Command::Diagnose(command) => command.run().await,
            Command::Ask(command) => command.run().await,
            Command::Chat(command) => command.run().await,
            Command::Serve(command) => command.run().await,
            Command::Mcp(command) => command.run().await,
            Command::Demo(command) => command.run().await,
            Command::Record(command) => command.run().await,
            Command::Replay(command) => command.run().await,
            Command::Alerts(command) => command.run().await,
            Command::Outbox(command) => command.run().await,
            Command::Approvals(command) => command.run().await,
            Command::Pause(command) => command.run().await,
            Command::Resume(command) => command.run().await,
            Command::Grant(command) => command.run().await,
            Command::User(command) => command.run().await,
            Command::Token(command) => command.run().await,
            Command::Audit(command) => command.run().await,
            Command::Policy(command) => command.run().await,
            Command::Models(command) => command.run().await,
            Command::ToolServers(command) => command.run().await,
            Command::Runs(command) => command.run().await,
            Command::Config(command) => command.run(),
            Command::Doctor(command) => command.run().await,
            Command::Eval(command) => command.run().await,
            Command::Completion(command) => command.run(),
            Command::Version => version::run(),
        }
    }
}

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Text,
    Json,
}

/// The language of what is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LangArg {
    Zh,
    En,
}

impl LangArg {
    /// The language that was asked for, else that of the terminal.
    fn or_environment(asked: Option<Self>) -> Self {
        let locale =
            ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|v| std::env::var(v).ok().filter(|v| !v.is_empty()));
        asked.unwrap_or_else(|| if locale.is_some_and(|l| l.starts_with("zh")) { Self::Zh } else { Self::En })
    }
}

impl From<LangArg> for ::diagnose::Lang {
    fn from(lang: LangArg) -> Self {
        match lang {
            LangArg::Zh => Self::Zh,
            LangArg::En => Self::En,
        }
    }
}

/// Writes to standard output. A reader that has gone (`| head`) is no error.
fn say(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A message as a card, in colour on a terminal.
fn card(message: &Message) -> String {
    let rendered = Channel::Console(Console::default()).render(message);
    let bodies = rendered.parts.into_iter().filter_map(|part| match part.body {
        Body::Text(text) => Some(text),
        Body::Json(_) | Body::Mail(_) => None,
    });
    bodies.collect()
}
