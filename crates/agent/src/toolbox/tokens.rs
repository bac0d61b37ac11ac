//! Where the tokens of one tool server are kept: a file that only its owner reads, or this process' memory.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rmcp::transport::auth::{AuthError, CredentialRefreshGuard, CredentialStore, OAuthClientConfig, StoredCredentials};
use serde::{Deserialize, Serialize};

/// Tokens, and the client that they were given to.
#[derive(Clone, Serialize, Deserialize)]
pub struct Kept {
    pub credentials: StoredCredentials,
    #[serde(default)]
    client_secret: Option<String>,
    redirect: String,
}

impl Kept {
    pub fn client(&self) -> OAuthClientConfig {
        let client = OAuthClientConfig::new(&self.credentials.client_id, &self.redirect);
        match &self.client_secret {
            Some(secret) => client.with_client_secret(secret),
            None => client,
        }
    }
}

#[derive(Clone)]
pub struct Tokens {
    /// None: they end with this process
    file: Option<PathBuf>,
    held: Arc<Mutex<Held>>,
}

#[derive(Default)]
struct Held {
    kept: Option<Kept>,
    /// the client of a login that is under way
    client: Option<OAuthClientConfig>,
}

impl Tokens {
    pub fn new(file: Option<PathBuf>) -> Self {
        Self { file, held: Arc::default() }
    }

    fn held<T>(&self, work: impl FnOnce(&mut Held) -> T) -> T {
        work(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Tokens that come now belong to this client.
    pub fn of_client(&self, client: &OAuthClientConfig) {
        self.held(|held| held.client = Some(client.clone()));
    }

    pub fn load(&self) -> Result<Option<Kept>, String> {
        let Some(file) = &self.file else { return Ok(self.held(|held| held.kept.clone())) };
        match std::fs::read_to_string(file) {
            Ok(text) => serde_json::from_str(&text).map(Some).map_err(|error| format!("{}: {error}", file.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("{}: {error}", file.display())),
        }
    }

    fn keep(&self, credentials: StoredCredentials) -> Result<(), String> {
        let before = self.load()?.filter(|kept| kept.credentials.client_id == credentials.client_id);
        let client = self.held(|held| held.client.take());
        let (client_secret, redirect) = match (client, before) {
            (Some(client), _) => (client.client_secret, client.redirect_uri),
            (None, Some(before)) => (before.client_secret, before.redirect),
            (None, None) => (None, String::new()),
        };
        let kept = Kept { credentials, client_secret, redirect };
        match &self.file {
            Some(file) => write(file, &kept).map_err(|error| format!("{}: {error}", file.display())),
            None => {
                self.held(|held| held.kept = Some(kept));
                Ok(())
            }
        }
    }
}

/// Whole or not at all, and never readable by others.
fn write(file: &Path, kept: &Kept) -> std::io::Result<()> {
    let new = file.with_extension("new");
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut out = private(&new)?;
    out.write_all(serde_json::to_string(kept)?.as_bytes())?;
    out.sync_all()?;
    std::fs::rename(new, file)
}

fn private(file: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).write(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)
}

fn failed(what: String) -> AuthError {
    AuthError::CredentialStoreError(what)
}

#[async_trait]
impl CredentialStore for Tokens {
    async fn load(&self) -> Result<Option<StoredCredentials>, AuthError> {
        Ok(Tokens::load(self).map_err(failed)?.map(|kept| kept.credentials))
    }

    async fn save(&self, credentials: StoredCredentials) -> Result<(), AuthError> {
        self.keep(credentials).map_err(failed)
    }

    async fn clear(&self) -> Result<(), AuthError> {
        self.held(|held| held.kept = None);
        match self.file.as_deref().map(std::fs::remove_file) {
            Some(Err(error)) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error.to_string())),
            None | Some(Ok(()) | Err(_)) => Ok(()),
        }
    }

    /// A refresh token is good for one use with many servers, and two processes may share these.
    async fn acquire_refresh_guard(&self) -> Result<Option<CredentialRefreshGuard>, AuthError> {
        let Some(file) = self.file.clone() else { return Ok(None) };
        let locked = move || -> std::io::Result<File> {
            let lock = private(&file.with_extension("lock"))?;
            lock.lock()?;
            Ok(lock)
        };
        let lock = tokio::task::spawn_blocking(locked).await.map_err(|error| failed(error.to_string()))?;
        lock.map(|lock| Some(CredentialRefreshGuard::new(lock))).map_err(|error| failed(error.to_string()))
    }
}
