//! A connection to another server that is kept over many runs, and opened again when it is gone.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::door::Failed;
use super::oauth::{self, Login};
use super::settings::ToolServer;
use super::source::{Listed, Source};
use super::tokens::Tokens;
use super::{AttachError, clean, door};

/// After a failure it is left alone for so long: a run does not wait again for what was just found broken.
const PAUSE: Duration = Duration::from_secs(30);

pub struct Connection {
    pub settings: ToolServer,
    state: Mutex<State>,
    tokens: Tokens,
    /// what the server said when it wanted a login
    challenge: std::sync::Mutex<Option<String>>,
}

enum State {
    Idle,
    Up(Arc<Source>),
    Down { until: Instant, why: AttachError },
}

impl Connection {
    /// `tokens` is the file for those that a login brings; without one they end with this connection.
    pub fn new(settings: ToolServer, tokens: Option<PathBuf>) -> Self {
        let tokens = Tokens::new(tokens);
        Self { settings, state: Mutex::new(State::Idle), tokens, challenge: std::sync::Mutex::default() }
    }

    pub fn name(&self) -> &str {
        &self.settings.name
    }

    /// The server and its tools as they are now, within the time that the settings give it.
    pub(super) async fn listed(&self) -> Result<(Arc<Source>, Vec<Listed>), AttachError> {
        let name = self.name().to_owned();
        let why = match timeout(self.settings.attach_limit(), self.list()).await {
            Ok(Ok(listed)) => return Ok(listed),
            Ok(Err(failed)) => failed,
            Err(_) => AttachError::Timeout { name, seconds: self.settings.attach_s },
        };
        let mut state = self.state.lock().await;
        // the pause is not drawn out by those who came in it
        if state.open(None).is_ok() {
            *state = State::Down { until: Instant::now() + PAUSE, why: why.clone() };
        }
        Err(why)
    }

    /// A connection that was kept may have been closed at the other end, so it is opened once more.
    async fn list(&self) -> Result<(Arc<Source>, Vec<Listed>), AttachError> {
        let kept = self.kept().await?;
        if let Some(source) = &kept {
            match source.list().await {
                Ok(listed) => return Ok((source.clone(), listed)),
                Err(failed) if failed.challenge.is_some() && self.settings.logs_in() => {
                    return Err(self.failed(&failed));
                }
                Err(_) => {}
            }
        }
        let source = {
            let mut state = self.state.lock().await;
            match state.open(kept.as_ref())? {
                // another run was quicker
                Some(source) => source,
                None => {
                    let source =
                        Arc::new(door::open(&self.settings, &self.tokens).await.map_err(|why| self.failed(&why))?);
                    *state = State::Up(source.clone());
                    source
                }
            }
        };
        let listed = source.list().await.map_err(|why| self.failed(&why))?;
        Ok((source, listed))
    }

    /// What a person can do about it.
    pub(super) fn failed(&self, failed: &Failed) -> AttachError {
        let name = self.name().to_owned();
        let Some(challenge) = failed.challenge.as_deref().filter(|_| self.settings.logs_in()) else {
            return AttachError::Unusable { name, what: clean::line(&failed.what) };
        };
        *self.challenge.lock().unwrap_or_else(PoisonError::into_inner) = Some(challenge.to_owned());
        AttachError::Login { name, scope: oauth::scope(challenge) }
    }

    /// Whether the server wanted a login, or more rights than the last one brought.
    pub fn wants_login(&self) -> bool {
        self.challenge.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Gets a token in the name of a person: `visit` brings them to an address and gives that to which they were sent
    /// back, which begins with `redirect`.
    pub async fn login<V: Future<Output = Result<String, String>>>(
        &self,
        redirect: &str,
        scopes: &[String],
        visit: impl FnOnce(String) -> V,
    ) -> Result<(), String> {
        let Some(oauth) = &self.settings.oauth else { return Err("it has no `oauth` in the configuration".to_owned()) };
        let challenge = self.challenge.lock().unwrap_or_else(PoisonError::into_inner).take();
        let login = Login::begin(&self.settings, oauth, &self.tokens, challenge.as_deref(), (redirect, scopes)).await?;
        let back = visit(login.url.clone()).await?;
        login.end(&back).await?;
        *self.state.lock().await = State::Idle;
        Ok(())
    }

    async fn kept(&self) -> Result<Option<Arc<Source>>, AttachError> {
        self.state.lock().await.open(None)
    }
}

impl State {
    /// The connection that stands, unless it is the one that just failed.
    fn open(&self, failed: Option<&Arc<Source>>) -> Result<Option<Arc<Source>>, AttachError> {
        match self {
            Self::Down { until, why } if Instant::now() < *until => Err(why.clone()),
            Self::Up(source) if source.is_open() && !failed.is_some_and(|failed| Arc::ptr_eq(failed, source)) => {
                Ok(Some(source.clone()))
            }
            Self::Idle | Self::Up(_) | Self::Down { .. } => Ok(None),
        }
    }
}
