//! The one way out: a worker for each channel takes rows from the outbox, composes the incident's newest state, keeps the
//! robot's pace, sends, and writes down what became of it. One dead channel delays no other.

mod compose;
mod outcome;
mod quiet;
mod routes;
mod template;
mod tend;
mod words;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use notify::{Channel, Client, Delivery, Limiter, Receipt, Rendered};
use tokio::sync::watch;
use tracing::warn;

use crate::store::outbox::Row;
use crate::store::{Error, Millis, Store, now, sending};
use compose::Composed;
pub use compose::Composer;
use outcome::{Mark, TOO_LONG};
pub use quiet::Quiet;
pub use routes::Routes;
pub use template::Templates;

/// A crash in the middle of a send becomes a second try after this long.
const LEASE: Millis = 60_000;
/// How often a worker looks even if nobody woke it: a lease of another process may have run out.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);
/// How soon it looks again when what is due waits for another message of the same incident.
const SHORTEST_SLEEP: Millis = 100;

pub struct Outlet {
    pub name: String,
    pub channel: Channel,
    limiter: Arc<Mutex<Limiter>>,
}

/// Everything the workers share.
pub struct Deliver {
    pub store: Store,
    pub composer: Arc<Composer>,
    pub quiet: Quiet,
    /// tried in order when a channel cannot deliver
    pub fallback: Vec<String>,
    client: Client,
    owner: String,
}

impl Deliver {
    pub fn new(
        store: Store,
        composer: Arc<Composer>,
        quiet: Quiet,
        fallback: Vec<String>,
    ) -> Result<Self, notify::ClientError> {
        let owner = uuid::Uuid::now_v7().to_string();
        Ok(Self { store, composer, quiet, fallback, client: Client::new()?, owner })
    }

    /// Runs one worker a channel until `stop` turns true; a send that is under way is finished first.
    pub async fn run(
        self: Arc<Self>,
        channels: &BTreeMap<String, Channel>,
        stop: watch::Receiver<bool>,
    ) -> Result<(), Error> {
        let mut workers = tokio::task::JoinSet::new();
        let outlets: Arc<[Outlet]> = self.outlets(channels).await?.into();
        for place in 0..outlets.len() {
            let (deliver, outlets, stop) = (self.clone(), outlets.clone(), stop.clone());
            workers.spawn(async move {
                if let Some(outlet) = outlets.get(place) {
                    deliver.work(outlet, stop).await;
                }
            });
        }
        workers.spawn(async move { self.watch(&outlets, stop).await });
        while workers.join_next().await.is_some() {}
        Ok(())
    }

    /// Channels that speak through the same robot share its pace, and remember what it said before a restart.
    async fn outlets(&self, channels: &BTreeMap<String, Channel>) -> Result<Vec<Outlet>, Error> {
        let mut robots: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (name, channel) in channels {
            robots.entry(channel.target()).or_default().push(name);
        }
        let mut outlets = Vec::new();
        for names in robots.values() {
            let Some(first) = names.first().and_then(|name| channels.get(*name)) else { continue };
            let windows = first.limits().windows;
            let mut limiter = Limiter::new(windows);
            let longest = windows.iter().map(|w| w.per).max().unwrap_or_default();
            let since = now() - Millis::try_from(longest.as_millis()).unwrap_or(Millis::MAX);
            for at in sending::sent_lately(self.store.read(), names, since).await? {
                limiter.record(timestamp(at));
            }
            let limiter = Arc::new(Mutex::new(limiter));
            outlets.extend(names.iter().filter_map(|name| {
                let channel = channels.get(*name)?.clone();
                Some(Outlet { name: (*name).to_owned(), channel, limiter: limiter.clone() })
            }));
        }
        Ok(outlets)
    }

    async fn work(&self, outlet: &Outlet, mut stop: watch::Receiver<bool>) {
        loop {
            if *stop.borrow() {
                return;
            }
            let wake = self.store.wake().outbox.notified();
            let wait = match self.turn(outlet).await {
                Ok(Some(wait)) => wait,
                Ok(None) => continue,
                Err(error) => {
                    warn!(channel = outlet.name, %error, "the outbox cannot be worked off");
                    Duration::from_secs(1)
                }
            };
            tokio::select! {
                () = wake => {}
                () = tokio::time::sleep(wait.min(LONGEST_SLEEP)) => {}
                _ = stop.changed() => {}
            }
        }
    }

    /// Sends at most one message. How long there is nothing to do; None when there may be more at once.
    async fn turn(&self, outlet: &Outlet) -> Result<Option<Duration>, Error> {
        let at = now();
        if let Err(until) = outlet.room(at) {
            // Rows stay where they are: a robot that has to be silent needs no lease.
            return Ok(Some(millis(until - at)));
        }
        let (name, owner) = (outlet.name.clone(), self.owner.clone());
        let claimed = self
            .store
            .write(move |connection| {
                Box::pin(async move { sending::claim(connection, &name, &owner, LEASE, at).await })
            })
            .await?;
        let Some(row) = claimed else {
            let due = sending::next_due(self.store.read(), &outlet.name).await?;
            return Ok(Some(due.map_or(LONGEST_SLEEP, |due| millis((due - now()).max(SHORTEST_SLEEP)))));
        };
        crate::failpoint::crash_at("after_claim_outbox");
        let Some(composed) = self.composer.compose(&row, &outlet.channel).await? else {
            self.mark(Mark::Needless { row }).await?;
            return Ok(None);
        };
        if let Some(until) = self.quiet.until(&outlet.name, composed.critical, at) {
            self.mark(Mark::Wait { row, until }).await?;
            return Ok(None);
        }
        let rendered = match row.error.as_deref() {
            Some(error) if error.starts_with(TOO_LONG) => outlet.channel.render_smaller(&composed.message),
            Some(_) | None => outlet.channel.render(&composed.message),
        };
        let skip = taken_before(&row, &composed, &rendered);
        if let Err(until) = outlet.take(rendered.parts.len() - skip, at) {
            self.mark(Mark::Wait { row, until }).await?;
            return Ok(None);
        }
        let delivery = self.delivery(&row, &composed, skip).await?;
        crate::failpoint::crash_at("before_send");
        let outcome = outlet.channel.send(&self.client, &rendered, &delivery, timestamp(at)).await;
        crate::failpoint::crash_at("after_send");
        self.record(outlet, row, &composed, outcome).await?;
        crate::failpoint::crash_at("after_record");
        Ok(None)
    }

    async fn delivery(&self, row: &Row, composed: &Composed, skip: usize) -> Result<Delivery, Error> {
        let first = sending::first_receipt(self.store.read(), row.incident, &row.channel).await?;
        let before = sending::messages_before(self.store.read(), row).await?;
        Ok(Delivery {
            id: delivery_id(row, composed.revision),
            thread: composed.message.thread.clone(),
            revision: u32::try_from(before).unwrap_or(u32::MAX),
            previous: first.map(|id| Receipt { id }),
            reply: false,
            skip,
        })
    }
}

impl Outlet {
    /// Whether the robot may speak at all, or when.
    fn room(&self, at: Millis) -> Result<(), Millis> {
        let ready = self.limiter.lock().unwrap_or_else(PoisonError::into_inner).ready_at(1, timestamp(at));
        if ready > timestamp(at) { Err(ready.as_millisecond()) } else { Ok(()) }
    }

    fn take(&self, parts: usize, at: Millis) -> Result<(), Millis> {
        let taken = self.limiter.lock().unwrap_or_else(PoisonError::into_inner).take(parts, timestamp(at));
        // rounded up, or the row would be looked at again in the same millisecond
        taken.map_err(|until| until.as_millisecond() + 1)
    }

    fn mute(&self, pause: Duration) {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner).mute(pause, Timestamp::now());
    }

    fn is_muted(&self, at: Millis) -> bool {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner).muted_until(timestamp(at)).is_some()
    }
}

/// Parts that need not be said again. They count only for the same state of the incident, and the last part is always
/// said: without it nothing would tell that the message went out.
fn taken_before(row: &Row, composed: &Composed, rendered: &Rendered) -> usize {
    if row.parts_of != Some(composed.revision) {
        return 0;
    }
    usize::try_from(row.parts).unwrap_or(0).min(rendered.parts.len().saturating_sub(1))
}

/// The same on every try of the same state, also after a crash; another for another state, or a receiver that drops
/// what it has seen would drop news. Feishu takes at most 50 characters.
fn delivery_id(row: &Row, revision: i64) -> String {
    let key = format!("{}/{revision}/{}", row.incident, row.channel);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.as_bytes());
    digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn timestamp(at: Millis) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn millis(span: Millis) -> Duration {
    Duration::from_millis(u64::try_from(span).unwrap_or(0).max(1))
}
