//! Who is asking: local users with passwords, tokens for programs, and bearer tokens of an OIDC provider.
//!
//! A name is proved here or nowhere. It is never taken from a text, an argument or a header that a client may set.

mod oidc;
mod person;
mod role;
pub mod secret;
mod settings;

use std::collections::BTreeSet;
use std::sync::Mutex;

use subtle::ConstantTimeEq as _;

pub use oidc::{Provider, is_safe};
pub use person::{Method, Person, at_terminal};
pub use role::{Role, narrowed};
pub use settings::{Oidc, Settings, StaticToken};

use crate::store::people as rows;
use crate::store::{self, Millis, Store};

/// A session ends after a working day.
const SESSION: Millis = 12 * 3_600_000;
/// Wrong passwords within `WINDOW` after which a name has to wait.
const TRIES: usize = 5;
const WINDOW: Millis = 60_000;
/// Names whose wrong passwords are remembered.
const MOST_NAMES: usize = 1_000;

/// Why somebody is not let in. The text says nothing that helps to guess.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    #[error("no credentials were given")]
    Missing,
    #[error("the token is not valid: {0}")]
    Invalid(String),
    #[error("name or password is wrong")]
    Password,
    #[error("too many wrong passwords; wait a minute")]
    Wait,
    #[error("{0} is in no group that has a role here (see `people.oidc.roles`)")]
    NoRole(String),
    #[error("the OIDC provider does not answer")]
    Provider,
    #[error("the store does not answer: {0}")]
    Store(String),
}

impl From<store::Error> for Denied {
    fn from(error: store::Error) -> Self {
        Self::Store(error.to_string())
    }
}

pub struct People {
    store: Store,
    fixed: Vec<Fixed>,
    provider: Option<Provider>,
    wrong: Mutex<Vec<(String, Millis)>>,
}

/// A token from the configuration.
struct Fixed {
    sha256: Vec<u8>,
    user: String,
    groups: Vec<String>,
    roles: BTreeSet<Role>,
}

impl People {
    pub fn new(store: Store, settings: &Settings) -> anyhow::Result<Self> {
        let fixed = settings.tokens.iter().map(|one| {
            let token = notify::secret_value("token", one.token.as_ref(), one.token_file.as_deref())?;
            let token = token.ok_or_else(|| anyhow::anyhow!("people.tokens: set token or token_file"))?;
            let (user, groups, roles) = (one.user.clone(), one.groups.clone(), one.roles.clone());
            Ok(Fixed { sha256: secret::sha256(&token), user, groups, roles })
        });
        let fixed = fixed.collect::<anyhow::Result<Vec<_>>>()?;
        let provider = settings.oidc.clone().map(Provider::new).transpose()?;
        Ok(Self { store, fixed, provider, wrong: Mutex::default() })
    }

    /// Whether anybody can log in at all.
    pub async fn is_empty(&self) -> Result<bool, store::Error> {
        if !self.fixed.is_empty() || self.provider.is_some() {
            return Ok(false);
        }
        Ok(rows::users(self.store.read()).await?.is_empty())
    }

    pub fn issuer(&self) -> Option<&str> {
        self.provider.as_ref().map(Provider::issuer)
    }

    /// The person behind a bearer token.
    pub async fn bearer(&self, token: &str) -> Result<Person, Denied> {
        let now = store::now();
        if secret::id(token).is_some() {
            return self.by_own_token(token, now).await;
        }
        let given = secret::sha256(token);
        // All are compared, so that the time does not tell which one was nearly right.
        let mut found = None;
        for one in &self.fixed {
            if bool::from(one.sha256.ct_eq(&given)) {
                found = Some(one);
            }
        }
        if let Some(one) = found {
            let (name, groups, roles) = (one.user.clone(), one.groups.clone(), one.roles.clone());
            return Ok(Person { name, groups, roles, method: Method::Token, auth_time: now });
        }
        let Some(provider) = &self.provider else { return Err(Denied::Invalid("it is not known".to_owned())) };
        let person = provider.person(token, now).await?;
        // Two doors must not lead to one name: the provider's alice need not be ours.
        if rows::user(self.store.read(), &person.name).await?.is_some() {
            return Err(Denied::Invalid("its name belongs to a local user".to_owned()));
        }
        Ok(person)
    }

    async fn by_own_token(&self, token: &str, now: Millis) -> Result<Person, Denied> {
        let unknown = || Denied::Invalid("it is not known".to_owned());
        let id = secret::id(token).ok_or_else(unknown)?;
        let row = rows::token(self.store.read(), id).await?.ok_or_else(unknown)?;
        if !bool::from(row.sha256.ct_eq(&secret::sha256(token))) {
            return Err(unknown());
        }
        if row.expires_at.is_some_and(|end| end <= now) {
            return Err(Denied::Invalid("it has expired".to_owned()));
        }
        let person = self.user(&row.user, Method::Token, now).await?.ok_or_else(unknown)?;
        if row.used_at.is_none_or(|at| at < now - 60_000) {
            let id = row.id.clone();
            let noted = self.store.write(move |c| Box::pin(async move { rows::used(c, &id, now).await })).await;
            if let Err(error) = noted {
                tracing::warn!(%error, "the use of a token was not noted");
            }
        }
        let token: BTreeSet<Role> = serde_json::from_str(&row.roles).map_err(store::Error::from)?;
        Ok(Person { roles: narrowed(&person.roles, &token), ..person })
    }

    /// A local user who is not disabled.
    async fn user(&self, name: &str, method: Method, auth_time: Millis) -> Result<Option<Person>, store::Error> {
        let Some(row) = rows::user(self.store.read(), name).await?.filter(|row| !row.disabled) else { return Ok(None) };
        let (groups, roles) = (serde_json::from_str(&row.groups)?, serde_json::from_str(&row.roles)?);
        Ok(Some(Person { name: row.name, groups, roles, method, auth_time }))
    }

    /// Checks a password and opens a session: its key goes into the cookie.
    pub async fn login(&self, name: &str, password: &str) -> Result<(Person, String), Denied> {
        let now = store::now();
        if self.wrong_tries(name, now) >= TRIES {
            return Err(Denied::Wait);
        }
        let row = rows::user(self.store.read(), name).await?.filter(|row| !row.disabled);
        let (password, hash) = (password.to_owned(), row.and_then(|row| row.password));
        let check = move || secret::fits_password(&password, hash.as_deref());
        let fits = tokio::task::spawn_blocking(check).await.unwrap_or(false);
        let person = if fits { self.user(name, Method::Password, now).await? } else { None };
        let Some(person) = person else {
            self.note_wrong(name, now);
            return Err(Denied::Password);
        };
        let key = secret::random().map_err(|error| Denied::Store(error.to_string()))?;
        let (sha256, name) = (secret::sha256(&key), person.name.clone());
        self.store
            .write(move |c| Box::pin(async move { rows::put_session(c, &sha256, &name, now, now + SESSION).await }))
            .await?;
        Ok((person, key))
    }

    /// The person whose session a cookie's key opens.
    pub async fn session(&self, key: &str) -> Result<Option<Person>, store::Error> {
        let found = rows::session(self.store.read(), &secret::sha256(key), store::now()).await?;
        let Some((name, auth_at)) = found else { return Ok(None) };
        self.user(&name, Method::Password, auth_at).await
    }

    pub async fn logout(&self, key: &str) -> Result<(), store::Error> {
        let sha256 = secret::sha256(key);
        self.store.write(move |c| Box::pin(async move { rows::end_session(c, &sha256).await })).await
    }

    fn wrong_tries(&self, name: &str, now: Millis) -> usize {
        let Ok(mut wrong) = self.wrong.lock() else { return TRIES };
        wrong.retain(|(_, at)| now - at < WINDOW);
        wrong.iter().filter(|(tried, _)| tried == name).count()
    }

    fn note_wrong(&self, name: &str, now: Millis) {
        let Ok(mut wrong) = self.wrong.lock() else { return };
        if wrong.len() == MOST_NAMES {
            wrong.remove(0);
        }
        wrong.push((name.to_owned(), now));
    }
}
