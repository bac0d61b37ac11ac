//! `midwatch user ...`: people who may log in, and programs that hold tokens.

use std::collections::BTreeSet;
use std::io::{IsTerminal as _, Read as _};

use anyhow::{bail, ensure};
use clap::{Args, Subcommand};

use super::say;
use super::setup::StoreArgs;
use super::table::{age, table};
use crate::audit::{self, Action, Entry};
use crate::people::{Role, at_terminal, secret};
use crate::store::{self, people};

#[derive(Debug, Subcommand)]
pub enum User {
    /// Add a user, or change one that is there
    Set(Set),
    /// All users
    List(List),
    /// Take a user out, with tokens and sessions
    Remove(Remove),
}

#[derive(Debug, Args)]
pub struct Set {
    #[command(flatten)]
    store: StoreArgs,
    /// The name, in Midwatch and towards the API server
    name: String,
    /// What they may do; several times for several
    #[arg(long = "role", value_enum)]
    roles: Vec<Role>,
    /// A group towards the API server; several times for several
    #[arg(long = "group")]
    groups: Vec<String>,
    /// Read a password from standard input. Without it the user has tokens only, or keeps the password they have
    #[arg(long)]
    password_stdin: bool,
    /// Refuse everything to this user from now on
    #[arg(long)]
    disable: bool,
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Args)]
pub struct Remove {
    #[command(flatten)]
    store: StoreArgs,
    name: String,
}

impl User {
    pub async fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::Set(command) => command.run().await,
            Self::List(command) => command.run().await,
            Self::Remove(command) => command.run().await,
        }
    }
}

impl Set {
    async fn run(self) -> anyhow::Result<u8> {
        // The API server would take some names for its own parts.
        cluster::Identity::new(&self.name, self.groups.clone())?;
        let (_, store) = self.store.make().await?;
        let before = people::user(store.read(), &self.name).await?;
        let roles: BTreeSet<Role> = match (&before, self.roles.is_empty()) {
            (Some(before), true) => serde_json::from_str(&before.roles)?,
            (None, true) => bail!("give at least one --role: viewer, operator, approver or admin"),
            (_, false) => self.roles.iter().copied().collect(),
        };
        let groups = match (&before, self.groups.is_empty()) {
            (Some(before), true) => before.groups.clone(),
            (_, _) => serde_json::to_string(&self.groups)?,
        };
        let password = match self.password_stdin {
            true => Some(secret::hash_password(&password()?).map_err(anyhow::Error::msg)?),
            false => before.as_ref().and_then(|before| before.password.clone()),
        };
        let now = store::now();
        let user = people::User {
            name: self.name.clone(),
            password,
            groups,
            roles: serde_json::to_string(&roles)?,
            disabled: self.disable,
            created_at: before.map_or(now, |before| before.created_at),
        };
        let names: Vec<&str> = roles.iter().map(|role| role.name()).collect();
        let text = format!("{}: {}{}", self.name, names.join(", "), if self.disable { ", disabled" } else { "" });
        let entry = Entry::new(Action::UserChanged, at_terminal(now).name).note(&text);
        store
            .write(move |connection| {
                Box::pin(async move {
                    people::put(connection, &user).await?;
                    // Whoever is logged in with the old password, or was just disabled, is so no more.
                    people::end_sessions(connection, &user.name).await?;
                    audit::append(connection, &entry, now).await
                })
            })
            .await?;
        store.close().await;
        say(&format!("{text}\n"))?;
        Ok(0)
    }
}

/// One line of standard input.
fn password() -> anyhow::Result<String> {
    if std::io::stdin().is_terminal() {
        eprintln!("password (shown as you type; end with Ctrl-D):");
    }
    let mut text = String::new();
    std::io::stdin().take(1_024).read_to_string(&mut text)?;
    let text = text.trim_end_matches(['\r', '\n']).to_owned();
    ensure!(text.chars().count() >= 10, "a password needs at least 10 characters");
    Ok(text)
}

impl List {
    async fn run(self) -> anyhow::Result<u8> {
        let (_, store) = self.store.open().await?;
        let users = people::users(store.read()).await?;
        store.close().await;
        let now = store::now();
        let row = |user: &people::User| -> anyhow::Result<Vec<String>> {
            let roles: Vec<Role> = serde_json::from_str(&user.roles)?;
            let groups: Vec<String> = serde_json::from_str(&user.groups)?;
            let state = match (user.disabled, user.password.is_some()) {
                (true, _) => "disabled",
                (false, true) => "password",
                (false, false) => "tokens only",
            };
            let roles: Vec<&str> = roles.iter().map(|role| role.name()).collect();
            let age = age(user.created_at, now);
            Ok(vec![user.name.clone(), roles.join(","), groups.join(","), state.to_owned(), age])
        };
        let rows: Vec<Vec<String>> = users.iter().map(row).collect::<anyhow::Result<_>>()?;
        say(&table(&["NAME", "ROLES", "GROUPS", "LOGIN", "AGE"], &rows))?;
        Ok(0)
    }
}

impl Remove {
    async fn run(self) -> anyhow::Result<u8> {
        let (_, store) = self.store.open().await?;
        let now = store::now();
        let name = self.name.clone();
        let entry = Entry::new(Action::UserChanged, at_terminal(now).name).note(format!("{name}: removed"));
        let removed = store
            .write(move |connection| {
                Box::pin(async move {
                    let removed = people::remove(connection, &name).await?;
                    if removed {
                        audit::append(connection, &entry, now).await?;
                    }
                    Ok(removed)
                })
            })
            .await?;
        store.close().await;
        ensure!(removed, "there is no user {}", self.name);
        say(&format!("{} removed\n", self.name))?;
        Ok(0)
    }
}
