//! The pause: nothing is written while it lasts, whatever was approved. It survives a restart.

use sqlx::SqliteConnection;

use super::agree::in_person;
use super::{Approvals, Refusal};
use crate::audit::{self, Action, Entry};
use crate::people::{Person, Role};
use crate::store::permissions::{self, Pause};
use crate::store::{self, Millis, proposals};

/// So many failed health checks within this time stop all writes.
const FAILURES: i64 = 2;
const WITHIN: Millis = 30 * 60_000;

impl Approvals {
    /// Anybody who may propose or approve may stop; false when it was stopped before.
    pub async fn pause(&self, person: &Person, reason: &str) -> Result<bool, Refusal> {
        if !person.has(Role::Operator) && !person.has(Role::Approver) {
            return Err(Refusal::NotAllowed("stopping needs the role operator or approver".to_owned()));
        }
        let (by, reason, now) = (person.name.clone(), self.seal.mask.text(reason), self.now());
        let done =
            self.store.write(move |connection| Box::pin(async move { pause(connection, &by, &reason, now).await }));
        Ok(done.await?)
    }

    pub async fn resume(&self, person: &Person) -> Result<bool, Refusal> {
        if !person.has(Role::Approver) {
            return Err(Refusal::NotAllowed("going on needs the role approver".to_owned()));
        }
        if !in_person(person) {
            return Err(Refusal::NotAllowed("a token cannot let writes go on; log in on the page".to_owned()));
        }
        let (by, now) = (person.name.clone(), self.now());
        let done = self.store.write(move |connection| {
            Box::pin(async move {
                let now = proposals::present(connection, now).await?;
                let done = permissions::resume(connection, &by, now).await?;
                if done {
                    audit::append(connection, &Entry::new(Action::Resumed, by), now).await?;
                }
                Ok(done)
            })
        });
        Ok(done.await?)
    }

    pub async fn paused(&self) -> Result<Option<Pause>, Refusal> {
        Ok(permissions::paused(self.store.read()).await?)
    }
}

async fn pause(connection: &mut SqliteConnection, by: &str, reason: &str, now: Millis) -> Result<bool, store::Error> {
    let now = proposals::present(connection, now).await?;
    let done = permissions::pause(connection, by, reason, now).await?;
    if done {
        audit::append(connection, &Entry::new(Action::Paused, by).note(reason), now).await?;
    }
    Ok(done)
}

/// Stops all writes when too many of the last ones left the cluster unwell. What was before the last time somebody let
/// them go on was looked at.
pub(super) async fn after_failure(connection: &mut SqliteConnection, now: Millis) -> Result<(), store::Error> {
    let since = (now - WITHIN).max(permissions::last_resumed(connection).await?);
    if proposals::unhealthy_since(connection, since).await? >= FAILURES {
        let reason = format!("{FAILURES} changes within 30 minutes left their objects unwell");
        pause(connection, "midwatch", &reason, now).await?;
    }
    Ok(())
}
