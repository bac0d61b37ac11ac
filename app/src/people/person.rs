//! Somebody whose name was proved.

use std::collections::BTreeSet;

use cluster::{Identity, Unfit};

use super::Role;
use crate::store::Millis;

/// How the name was proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    Password,
    Token,
    Oidc,
    /// By the operating system: who runs the command line owns the store's files.
    Terminal,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    pub name: String,
    pub groups: Vec<String>,
    pub roles: BTreeSet<Role>,
    pub method: Method,
    /// When the password was given, the token presented, or the provider says that they logged in.
    pub auth_time: Millis,
}

impl Person {
    pub fn has(&self, role: Role) -> bool {
        role.within(&self.roles)
    }

    /// As whom the API server is asked.
    pub fn identity(&self) -> Result<Identity, Unfit> {
        Identity::new(&self.name, self.groups.clone())
    }
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Token => "token",
            Self::Oidc => "oidc",
            Self::Terminal => "terminal",
        }
    }
}

/// The person at this terminal. They can read and write the store's files, so nothing of ours could hold them back.
pub fn at_terminal(now: Millis) -> Person {
    let named = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok().filter(|name| !name.is_empty()));
    Person {
        name: named.unwrap_or_else(|| "terminal".to_owned()),
        groups: Vec::new(),
        roles: BTreeSet::from([Role::Admin]),
        method: Method::Terminal,
        auth_time: now,
    }
}
