//! `midwatch approvals ...`: look at proposed changes and say yes or no, at the terminal.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use clap::{Args, Subcommand};

use super::say;
use super::setup::StoreArgs;
use super::table::{age, table};
use crate::app;
use crate::approvals::{Acting, Approvals as Hub, Kind, State, View};
use crate::people::{Person, at_terminal};
use crate::store::{self, Store};

#[derive(Debug, Subcommand)]
pub enum Approvals {
    /// Proposed changes, the newest first
    List(List),
    /// One of them in full
    Show(Show),
    /// Say yes to exactly what is shown; a running server or `midwatch mcp` then does it
    Approve(Approve),
    /// Say no
    Deny(Deny),
    /// Propose the inverse of what was done
    Undo(Undo),
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    store: StoreArgs,
    /// Only those in this state, such as `proposed` or `executed`
    #[arg(long)]
    state: Option<String>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Show {
    #[command(flatten)]
    store: StoreArgs,
    id: String,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub struct Approve {
    #[command(flatten)]
    store: StoreArgs,
    id: String,
    /// The digest that `show` printed, instead of the question
    #[arg(long, value_name = "DIGEST")]
    digest: Option<String>,
    /// Wait so many seconds for the outcome
    #[arg(long, value_name = "SECONDS", default_value_t = 20)]
    wait: u64,
}

#[derive(Debug, Args)]
pub struct Deny {
    #[command(flatten)]
    store: StoreArgs,
    id: String,
    /// Told to who asks what became of it
    #[arg(long, default_value = "")]
    why: String,
}

#[derive(Debug, Args)]
pub struct Undo {
    #[command(flatten)]
    store: StoreArgs,
    id: String,
}

impl Approvals {
    pub async fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::List(command) => command.run().await,
            Self::Show(command) => command.run().await,
            Self::Approve(command) => command.run().await,
            Self::Deny(command) => command.run().await,
            Self::Undo(command) => command.run().await,
        }
    }
}

/// The hub over the store of this command, and who sits here.
pub struct Desk {
    pub hub: Arc<Hub>,
    pub person: Person,
    store: Store,
}

impl Desk {
    /// `reach` also looks for the cluster.
    pub async fn open(args: &StoreArgs, reach: bool) -> anyhow::Result<Self> {
        let (config, store) = args.open().await?;
        let cluster = if reach { app::find_cluster(&config) } else { None };
        // A kubeconfig at the terminal is the person's own.
        let acting = if config.people.impersonate { Acting::AsPerson } else { Acting::AsOwner };
        let hub = Arc::new(app::approvals(&config, store.clone(), cluster, acting)?);
        Ok(Self { hub, person: at_terminal(store::now()), store })
    }

    pub async fn close(self) {
        self.store.close().await;
    }
}

impl List {
    async fn run(self) -> anyhow::Result<u8> {
        let state = match self.state.as_deref().map(|name| (name, State::read(name))) {
            Some((name, None)) => {
                let all: Vec<&str> = State::ALL.iter().map(|state| state.name()).collect();
                bail!("{name} is no state; there are: {}", all.join(", "))
            }
            Some((_, found)) => found,
            None => None,
        };
        let desk = Desk::open(&self.store, false).await?;
        let rows = desk.hub.list(&desk.person, state).await;
        desk.close().await;
        let rows = rows?;
        if self.json {
            say(&(serde_json::to_string_pretty(&rows)? + "\n"))?;
            return Ok(0);
        }
        if rows.is_empty() {
            say("no proposals\n")?;
            return Ok(0);
        }
        let now = store::now();
        let cells = rows.iter().map(|row| {
            let (id, state, class, by) = (row.id.clone(), row.state.clone(), row.class.clone(), row.requester.clone());
            vec![id, state, class, age(row.created_at, now), by, row.summary.clone()]
        });
        say(&table(&["ID", "STATE", "CLASS", "AGE", "BY", "CHANGE"], &cells.collect::<Vec<_>>()))?;
        Ok(0)
    }
}

impl Show {
    async fn run(self) -> anyhow::Result<u8> {
        let desk = Desk::open(&self.store, false).await?;
        let view = desk.hub.view(&desk.person, &self.id).await;
        desk.close().await;
        let view = view?;
        if self.json {
            say(&(serde_json::to_string_pretty(&view)? + "\n"))?;
        } else {
            say(&page(&view, std::io::stdout().is_terminal()))?;
        }
        Ok(0)
    }
}

impl Approve {
    async fn run(self) -> anyhow::Result<u8> {
        let desk = Desk::open(&self.store, false).await?;
        let done = self.approve(&desk).await;
        desk.close().await;
        let view = done?;
        let outcome = view.outcome.as_ref().and_then(|outcome| outcome["text"].as_str()).unwrap_or_default();
        say(&format!("{}: {} {outcome}\n", view.id, view.state.name()))?;
        Ok(u8::from(matches!(view.state, State::Failed | State::Stale | State::Unknown)))
    }

    async fn approve(&self, desk: &Desk) -> anyhow::Result<View> {
        let seen = desk.hub.view(&desk.person, &self.id).await?;
        let digest = match &self.digest {
            Some(digest) => digest.clone(),
            None if std::io::stdin().is_terminal() => {
                say(&page(&seen, std::io::stdout().is_terminal()))?;
                say("\nType yes to approve exactly this: ")?;
                let mut line = String::new();
                std::io::stdin().read_line(&mut line)?;
                if line.trim() != "yes" {
                    bail!("not approved");
                }
                seen.digest
            }
            None => bail!("look at it with `midwatch approvals show {}`, then give its --digest", self.id),
        };
        let view = desk.hub.approve(&desk.person, &self.id, &digest).await?;
        Ok(carried_out(&desk.hub, &desk.person, view, Duration::from_secs(self.wait)).await?)
    }
}

/// The proposal once it was carried out, or as it stands after this time.
pub(super) async fn carried_out(
    hub: &Hub,
    person: &Person,
    mut view: View,
    wait: Duration,
) -> Result<View, crate::approvals::Refusal> {
    let until = tokio::time::Instant::now() + wait;
    while matches!(view.state, State::Approved | State::Intended) && tokio::time::Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(200)).await;
        view = hub.view(person, &view.id).await?;
    }
    Ok(view)
}

impl Deny {
    async fn run(self) -> anyhow::Result<u8> {
        let desk = Desk::open(&self.store, false).await?;
        let view = desk.hub.deny(&desk.person, &self.id, &self.why).await;
        desk.close().await;
        say(&format!("{}: {}\n", self.id, view?.state.name()))?;
        Ok(0)
    }
}

impl Undo {
    async fn run(self) -> anyhow::Result<u8> {
        let desk = Desk::open(&self.store, true).await?;
        let view = desk.hub.undo(&desk.person, &self.id).await;
        desk.close().await;
        let view = view?;
        say(&page(&view, std::io::stdout().is_terminal()))?;
        say(&format!("\nproposed as {}: approve it like any other change\n", view.id))?;
        Ok(0)
    }
}

/// Everything that a person decides on.
pub(super) fn page(view: &View, colour: bool) -> String {
    let paint =
        |code: &str, text: String| if colour { format!("\u{1b}[{code}m{text}\u{1b}[0m\n") } else { text + "\n" };
    let mut text = paint("1", view.summary.clone());
    let mut line = |name: &str, value: String| text.push_str(&format!("{name:<12} {value}\n"));
    let outcome = view.outcome.as_ref().and_then(|outcome| outcome["text"].as_str()).unwrap_or_default();
    line("state", format!("{} {outcome}", view.state.name()).trim_end().to_owned());
    line("proposed by", view.requester.clone());
    let until = jiff::Timestamp::from_millisecond(view.expires_at).unwrap_or_default();
    line("good until", until.to_string());
    for yes in &view.approvals {
        line("approved by", format!("{} ({})", yes.approver, yes.method));
    }
    line("digest", view.digest.clone());
    let Some(plan) = &view.plan else {
        return text + "\nThe plan was forgotten.\n";
    };
    line("class", format!("{}: {}", plan.class, plan.why.join("; ")));
    line("rule", plan.rule.clone());
    line("runs as", plan.as_user.clone().unwrap_or_else(|| "the account of the connection".to_owned()));
    for (english, _) in &plan.blast {
        line("reaches", english.clone());
    }
    if !plan.takes_from.is_empty() {
        line("takes from", plan.takes_from.join(", "));
    }
    line("undo", plan.no_way_back.clone().unwrap_or_else(|| "possible".to_owned()));
    text.push('\n');
    for one in &plan.lines {
        text.push_str(&match one.kind {
            Kind::Path => paint("36", one.text.clone()),
            Kind::Before => paint("31", format!("- {}", one.text)),
            Kind::After => paint("32", format!("+ {}", one.text)),
            Kind::Same => paint("0", format!("  {}", one.text)),
        });
    }
    if let Some(reason) = &view.reason {
        text.push_str("\nWritten by the model, may be wrong or hostile:\n");
        reason.lines().for_each(|line| text.push_str(&format!("| {line}\n")));
    }
    text
}
