//! A connection to another server that is kept over many runs, and opened again when it is gone.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::settings::ToolServer;
use super::source::{Listed, Source};
use super::{AttachError, clean, door};

/// After a failure it is left alone for so long: a run does not wait again for what was just found broken.
const PAUSE: Duration = Duration::from_secs(30);

pub struct Connection {
    pub settings: ToolServer,
    state: Mutex<State>,
}

enum State {
    Idle,
    Up(Arc<Source>),
    Down { until: Instant, why: AttachError },
}

impl Connection {
    pub fn new(settings: ToolServer) -> Self {
        Self { settings, state: Mutex::new(State::Idle) }
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
        if let Some(source) = &kept
            && let Ok(listed) = source.list().await
        {
            return Ok((source.clone(), listed));
        }
        let unusable = |what: String| AttachError::Unusable { name: self.name().to_owned(), what: clean::line(&what) };
        let source = {
            let mut state = self.state.lock().await;
            match state.open(kept.as_ref())? {
                // another run was quicker
                Some(source) => source,
                None => {
                    let source = Arc::new(door::open(&self.settings).await.map_err(unusable)?);
                    *state = State::Up(source.clone());
                    source
                }
            }
        };
        let listed = source.list().await.map_err(unusable)?;
        Ok((source, listed))
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
