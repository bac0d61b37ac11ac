//! What time alone changes: alerts that nobody speaks of any more, flapping that is over, heartbeats that stopped.

use std::sync::Arc;

use sqlx::SqliteConnection;

use super::alert::{Source, Status};
use super::apply::{Applied, Incoming, apply};
use super::episodes::Event;
use super::ingest::{Intake, heartbeat_missing, own};
use super::settings::Settings;
use crate::store::{self, Error, Millis};

impl Intake {
    /// Notes heartbeats that were found by asking.
    pub(super) async fn heartbeats(&self, sources: Vec<String>, now: Millis) -> Result<(), Error> {
        let (settings, routes) = (Arc::clone(&self.settings), Arc::clone(&self.routes));
        self.store
            .write(move |connection| {
                Box::pin(async move {
                    let back = heard_again(connection, &settings, &sources, now).await?;
                    apply(connection, &settings, &*routes, &back, now).await
                })
            })
            .await?;
        self.wake();
        Ok(())
    }

    pub async fn sweep(&self, now: Millis) -> Result<Applied, Error> {
        let (settings, routes) = (Arc::clone(&self.settings), Arc::clone(&self.routes));
        let applied = self
            .store
            .write(move |connection| {
                Box::pin(async move {
                    let stale_before = now - Millis::from(settings.stale_after_s) * 1_000;
                    let due = store::episodes::due(connection, stale_before, now).await?;
                    let mut incoming: Vec<Incoming> = due
                        .into_iter()
                        .map(|id| Incoming { id, source: Source::Own, alert: None, event: Event::Tick })
                        .collect();
                    let silent_for = Millis::from(settings.heartbeat_after_s) * 1_000;
                    for (source, _) in store::heartbeats::missing(connection, silent_for, now).await? {
                        incoming.push(own(&settings, heartbeat_missing(&source), Status::Firing, None));
                    }
                    apply(connection, &settings, &*routes, &incoming, now).await
                })
            })
            .await?;
        if applied != Applied::default() {
            self.wake();
        }
        Ok(applied)
    }
}

/// Notes heartbeats, and gives the ends of those alerts that said they were missing.
pub(super) async fn heard_again(
    connection: &mut SqliteConnection,
    settings: &Settings,
    sources: &[String],
    now: Millis,
) -> Result<Vec<Incoming>, Error> {
    let mut back = Vec::new();
    for source in sources {
        if store::heartbeats::heard(connection, source, now).await? {
            back.push(own(settings, heartbeat_missing(source), Status::Resolved, None));
        }
    }
    Ok(back)
}
