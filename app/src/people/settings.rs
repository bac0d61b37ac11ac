//! The section `people` of the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use notify::Secret;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Role;

#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Ask the API server in the name of the person who asks. Midwatch's account then needs the right to impersonate.
    /// Without it everybody reads with Midwatch's own account, and nobody changes anything.
    pub impersonate: bool,
    /// Tokens for programs, set here and not with `midwatch token create`.
    pub tokens: Vec<StaticToken>,
    /// A provider whose bearer tokens are taken.
    pub oidc: Option<Oidc>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StaticToken {
    /// Who it stands for, in Midwatch and towards the API server.
    pub user: String,
    #[serde(default)]
    pub groups: Vec<String>,
    pub roles: BTreeSet<Role>,
    #[serde(default)]
    pub token: Option<Secret>,
    #[serde(default)]
    pub token_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Oidc {
    /// `https://...`; its `/.well-known/openid-configuration` names the keys.
    pub issuer: String,
    /// What a token must be made for: usually the address of this server's `/mcp`.
    pub audience: String,
    /// The claim that is the person's name.
    #[serde(default = "sub")]
    pub username_claim: String,
    /// Put before the name, as the API server's `--oidc-username-prefix`.
    #[serde(default)]
    pub username_prefix: String,
    /// The claim that lists their groups.
    #[serde(default = "groups")]
    pub groups_claim: String,
    #[serde(default)]
    pub groups_prefix: String,
    /// Group (as the token names it, without prefix) -> roles. Who is in none of them is refused.
    pub roles: BTreeMap<String, BTreeSet<Role>>,
}

fn sub() -> String {
    "sub".to_owned()
}

fn groups() -> String {
    "groups".to_owned()
}
