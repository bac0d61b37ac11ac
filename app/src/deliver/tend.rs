//! Looks after rows that no worker can help: critical ones that are stuck, and those for channels that are gone.

use tokio::sync::watch;
use tracing::warn;

use super::outcome::given_up;
use super::{Deliver, LONGEST_SLEEP, Outlet};
use crate::store::{Error, Millis, now, sending};

/// A critical message that no channel took for this long goes to the next one of the chain as well.
const CRITICAL_PATIENCE: Millis = 2 * 60_000;
const GONE: &str = "the channel is not in the configuration any more";

impl Deliver {
    pub(super) async fn watch(&self, outlets: &[Outlet], mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            if let Err(error) = self.tend(outlets).await {
                warn!(%error, "the outbox cannot be looked after");
            }
            tokio::select! {
                () = tokio::time::sleep(LONGEST_SLEEP) => {}
                _ = stop.changed() => {}
            }
        }
    }

    async fn tend(&self, outlets: &[Outlet]) -> Result<(), Error> {
        for outlet in outlets {
            let Some(next) = self.next_of(&outlet.name) else { continue };
            let at = now();
            let patience = if outlet.is_muted(at) { 0 } else { CRITICAL_PATIENCE };
            for row in sending::stranded(self.store.read(), &outlet.name, next, at - patience, at).await? {
                self.fall_back(&row).await?;
            }
        }
        let names: Vec<&str> = outlets.iter().map(|outlet| outlet.name.as_str()).collect();
        for row in sending::orphans(self.store.read(), &names, now()).await? {
            given_up(&row, GONE);
            self.fall_back(&row).await?;
            self.store
                .write(move |connection| {
                    Box::pin(async move { sending::abandon(connection, row.id, GONE, now()).await })
                })
                .await?;
        }
        Ok(())
    }
}
