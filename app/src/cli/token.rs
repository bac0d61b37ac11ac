//! `midwatch token ...`: what programs show in place of a password.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};

use super::say;
use super::setup::StoreArgs;
use super::table::{age, table};
use crate::audit::{self, Action, Entry};
use crate::people::{Role, at_terminal, secret};
use crate::store::{self, people};

#[derive(Debug, Subcommand)]
pub enum Token {
    /// Make a token; it is printed once and cannot be shown again
    Create(Create),
    /// All tokens, without what they open
    List(List),
    /// Make a token worthless
    Revoke(Revoke),
}

#[derive(Debug, Args)]
pub struct Create {
    #[command(flatten)]
    store: StoreArgs,
    /// Whose it is
    user: String,
    /// Carry only these of the user's roles; default: viewer
    #[arg(long = "role", value_enum, default_values_t = [Role::Viewer])]
    roles: Vec<Role>,
    /// What it is for
    #[arg(long, default_value = "")]
    note: String,
    /// Days until it ends; 0: never
    #[arg(long, default_value_t = 90)]
    days: u32,
}

#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    store: StoreArgs,
}

#[derive(Debug, Args)]
pub struct Revoke {
    #[command(flatten)]
    store: StoreArgs,
    /// As `midwatch token list` prints it
    id: String,
}

impl Token {
    pub async fn run(self) -> anyhow::Result<u8> {
        match self {
            Self::Create(command) => command.run().await,
            Self::List(command) => command.run().await,
            Self::Revoke(command) => command.run().await,
        }
    }
}

impl Create {
    async fn run(self) -> anyhow::Result<u8> {
        let (_, store) = self.store.open().await?;
        let user = people::user(store.read(), &self.user).await?;
        let user = user.with_context(|| format!("there is no user {}: `midwatch user set {0} ...`", self.user))?;
        let held: BTreeSet<Role> = serde_json::from_str(&user.roles)?;
        for role in &self.roles {
            ensure!(role.within(&held), "{} is no {}; a token cannot carry more than its user", self.user, role.name());
        }
        let (token, id) = secret::token()?;
        let now = store::now();
        let row = people::Token {
            id: id.clone(),
            sha256: secret::sha256(&token),
            user: self.user.clone(),
            note: self.note,
            roles: serde_json::to_string(&self.roles)?,
            created_at: now,
            expires_at: (self.days > 0).then(|| now + i64::from(self.days) * 86_400_000),
            used_at: None,
        };
        let entry = Entry::new(Action::TokenMade, at_terminal(now).name).note(format!("{id} for {}", self.user));
        store
            .write(move |connection| {
                Box::pin(async move {
                    people::put_token(connection, &row).await?;
                    audit::append(connection, &entry, now).await
                })
            })
            .await?;
        store.close().await;
        say(&format!("{token}\n"))?;
        Ok(0)
    }
}

impl List {
    async fn run(self) -> anyhow::Result<u8> {
        let (_, store) = self.store.open().await?;
        let tokens = people::tokens(store.read()).await?;
        store.close().await;
        let now = store::now();
        let row = |token: &people::Token| -> anyhow::Result<Vec<String>> {
            let roles: Vec<Role> = serde_json::from_str(&token.roles)?;
            let roles: Vec<&str> = roles.iter().map(|role| role.name()).collect();
            let ends = match token.expires_at {
                None => "never".to_owned(),
                Some(end) if end <= now => "ended".to_owned(),
                Some(end) => age(now, end),
            };
            let used = token.used_at.map_or_else(|| "never".to_owned(), |at| age(at, now));
            Ok(vec![token.id.clone(), token.user.clone(), roles.join(","), ends, used, token.note.clone()])
        };
        let rows: Vec<Vec<String>> = tokens.iter().map(row).collect::<anyhow::Result<_>>()?;
        say(&table(&["ID", "USER", "ROLES", "ENDS IN", "USED", "NOTE"], &rows))?;
        Ok(0)
    }
}

impl Revoke {
    async fn run(self) -> anyhow::Result<u8> {
        let (_, store) = self.store.open().await?;
        let now = store::now();
        let id = self.id.clone();
        let removed = store
            .write(move |connection| {
                Box::pin(async move {
                    let Some(user) = people::remove_token(connection, &id).await? else { return Ok(false) };
                    let entry = Entry::new(Action::TokenRevoked, at_terminal(now).name).note(format!("{id} of {user}"));
                    audit::append(connection, &entry, now).await?;
                    Ok(true)
                })
            })
            .await?;
        store.close().await;
        ensure!(removed, "there is no token {}: `midwatch token list`", self.id);
        say(&format!("{} revoked\n", self.id))?;
        Ok(0)
    }
}
