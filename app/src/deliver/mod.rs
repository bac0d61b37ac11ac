//! The one way out: a worker for each channel takes rows from the outbox, composes the incident's newest state, keeps the
//! robot's pace, sends, and writes down what became of it. One dead channel delays no other.

mod compose;
mod quiet;
mod routes;
mod template;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use metrics::{counter, histogram};
use notify::{Channel, Class, Client, Delivery, Limiter, Receipt, SendError};
use tokio::sync::watch;
use tracing::{info, warn};

use crate::store::outbox::Row;
use crate::store::{Error, Millis, Store, now, sending};
pub use compose::Composer;
pub use quiet::Quiet;
pub use routes::Routes;
pub use template::Templates;

/// A crash in the middle of a send becomes a second try after this long.
const LEASE: Millis = 60_000;
const FIRST_BACKOFF: Millis = 1_000;
const LONGEST_BACKOFF: Millis = 5 * 60_000;
const GIVE_UP_AFTER: Millis = 24 * 3_600_000;
/// A critical message that no channel took for this long goes to the next one of the chain as well.
const CRITICAL_PATIENCE: Millis = 2 * 60_000;
/// How often a worker looks even if nobody woke it: a lease of another process may have run out.
const LONGEST_SLEEP: Duration = Duration::from_secs(5);

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
        for outlet in self.outlets(channels).await? {
            let (deliver, stop) = (self.clone(), stop.clone());
            workers.spawn(async move { deliver.work(outlet, stop).await });
        }
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

    async fn work(&self, outlet: Outlet, mut stop: watch::Receiver<bool>) {
        loop {
            if *stop.borrow() {
                return;
            }
            let wake = self.store.wake().outbox.notified();
            let wait = match self.turn(&outlet).await {
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
        let (name, owner) = (outlet.name.clone(), self.owner.clone());
        let claimed = self
            .store
            .write(move |connection| {
                Box::pin(async move { sending::claim(connection, &name, &owner, LEASE, at).await })
            })
            .await?;
        let Some(row) = claimed else {
            let due = sending::next_due(self.store.read(), &outlet.name).await?;
            return Ok(Some(due.map_or(LONGEST_SLEEP, |due| millis(due - now()))));
        };
        crate::failpoint::crash_at("after_claim_outbox");
        let Some(composed) = self.composer.compose(&row, &outlet.channel).await? else {
            self.mark(&row, |row| Mark::Sent { row, revision: i64::MAX, id: String::new() }).await?;
            return Ok(None);
        };
        if let Some(until) = self.quiet.until(&outlet.name, composed.critical, at) {
            self.mark(&row, |row| Mark::Wait { row, until }).await?;
            return Ok(None);
        }
        let rendered = match row.error.as_deref() {
            Some(error) if error.starts_with(TOO_LONG) => outlet.channel.render_smaller(&composed.message),
            Some(_) | None => outlet.channel.render(&composed.message),
        };
        let taken =
            outlet.limiter.lock().unwrap_or_else(PoisonError::into_inner).take(rendered.parts.len(), timestamp(at));
        if let Err(until) = taken {
            self.mark(&row, |row| Mark::Wait { row, until: until.as_millisecond() }).await?;
            return Ok(None);
        }
        let delivery = self.delivery(&row, &composed).await?;
        let outcome = outlet.channel.send(&self.client, &rendered, &delivery, timestamp(at)).await;
        crate::failpoint::crash_at("after_send");
        self.record(outlet, row, &composed, outcome).await?;
        Ok(None)
    }

    async fn delivery(&self, row: &Row, composed: &compose::Composed) -> Result<Delivery, Error> {
        let first = sending::first_receipt(self.store.read(), row.incident, &row.channel).await?;
        let before = sending::messages_before(self.store.read(), row).await?;
        Ok(Delivery {
            id: delivery_id(row),
            thread: composed.message.thread.clone(),
            revision: u32::try_from(before).unwrap_or(u32::MAX),
            previous: first.map(|id| Receipt { id }),
            reply: false,
            skip: 0,
        })
    }

    async fn record(
        &self,
        outlet: &Outlet,
        row: Row,
        composed: &compose::Composed,
        outcome: Result<Receipt, SendError>,
    ) -> Result<(), Error> {
        let channel = outlet.name.clone();
        let error = match outcome {
            Ok(receipt) => {
                let age = now() - row.created_at;
                counter!("midwatch_deliveries_total", "channel" => channel.clone(), "outcome" => "sent").increment(1);
                histogram!("midwatch_delivery_age_seconds", "channel" => channel).record(age as f64 / 1_000.0);
                info!(
                    incident = row.incident,
                    channel = row.channel,
                    kind = row.kind,
                    revision = row.revision,
                    "delivered"
                );
                return self.mark(&row, |row| Mark::Sent { row, revision: composed.revision, id: receipt.id }).await;
            }
            Err(error) => error,
        };
        counter!("midwatch_deliveries_total", "channel" => channel, "outcome" => class_name(error.class)).increment(1);
        warn!(
            incident = row.incident,
            channel = row.channel,
            error = error.text,
            class = class_name(error.class),
            "not delivered"
        );
        let text = redact::text(&error.text).into_owned();
        let age = now() - row.created_at;
        let give_up = age > GIVE_UP_AFTER;
        let (next_at, hopeless, text) = match error.class {
            Class::Retry { after } if !give_up => (Some(now() + backoff(row.attempts, after)), false, text),
            Class::RateLimited { pause } if !give_up => {
                outlet.limiter.lock().unwrap_or_else(PoisonError::into_inner).mute(pause, Timestamp::now());
                (Some(now() + i64::try_from(pause.as_millis()).unwrap_or(LONGEST_BACKOFF)), false, text)
            }
            Class::TooLong if !row.error.as_deref().unwrap_or_default().starts_with(TOO_LONG) => {
                (Some(now()), false, format!("{TOO_LONG}: {text}"))
            }
            Class::Retry { .. } | Class::RateLimited { .. } | Class::TooLong | Class::Config | Class::Dead => {
                (None, true, text)
            }
        };
        let late = composed.critical && age > CRITICAL_PATIENCE;
        let muted = matches!(error.class, Class::RateLimited { .. }) && composed.critical;
        if hopeless || late || muted {
            self.fall_back(&row).await?;
        }
        self.mark(&row, |row| Mark::NotSent { row, text, next_at }).await
    }

    /// Puts the same news into the outbox of the next channel of the chain; the unique key keeps it to once.
    async fn fall_back(&self, row: &Row) -> Result<(), Error> {
        let after = self.fallback.iter().position(|name| *name == row.channel).map_or(0, |at| at + 1);
        let Some(next) = self.fallback.get(after) else { return Ok(()) };
        info!(incident = row.incident, from = row.channel, to = next, "falling back");
        let (row, next) = (row.clone(), next.clone());
        self.store
            .write(move |connection| Box::pin(async move { sending::copy_to(connection, &row, &next, now()).await }))
            .await?;
        self.store.wake().outbox.notify_waiters();
        Ok(())
    }

    async fn mark(&self, row: &Row, mark: impl FnOnce(Row) -> Mark) -> Result<(), Error> {
        let mark = mark(row.clone());
        self.store.write(move |connection| Box::pin(async move { mark.write(connection).await })).await
    }
}

/// A message that was too long once is rendered smaller from then on.
const TOO_LONG: &str = "too long";

/// What became of a turn.
enum Mark {
    Sent { row: Row, revision: i64, id: String },
    Wait { row: Row, until: Millis },
    NotSent { row: Row, text: String, next_at: Option<Millis> },
}

impl Mark {
    async fn write(self, connection: &mut sqlx::SqliteConnection) -> Result<(), Error> {
        match self {
            Self::Sent { row, revision, id } => sending::sent(connection, &row, revision, &id, now()).await,
            Self::Wait { row, until } => sending::put_back(connection, &row, until).await,
            Self::NotSent { row, text, next_at } => sending::not_sent(connection, &row, &text, next_at).await,
        }
    }
}

/// The same on every try of the same news, also after a crash. Feishu takes at most 50 characters.
fn delivery_id(row: &Row) -> String {
    let key = format!("{}/{}/{}", row.incident, row.revision, row.channel);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, key.as_bytes());
    digest.as_ref().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// Doubling with full jitter, or what the channel asked for.
fn backoff(attempts: i64, after: Option<Duration>) -> Millis {
    if let Some(after) = after {
        return i64::try_from(after.as_millis()).unwrap_or(LONGEST_BACKOFF).min(GIVE_UP_AFTER);
    }
    let most = (FIRST_BACKOFF << attempts.clamp(0, 16)).min(LONGEST_BACKOFF);
    let random = i64::from(uuid::Uuid::new_v4().as_u128() as u32 >> 1);
    FIRST_BACKOFF / 2 + random % most
}

fn class_name(class: Class) -> &'static str {
    match class {
        Class::Retry { .. } => "retry",
        Class::RateLimited { .. } => "rate_limited",
        Class::TooLong => "too_long",
        Class::Config => "config",
        Class::Dead => "dead",
    }
}

fn timestamp(at: Millis) -> Timestamp {
    Timestamp::from_millisecond(at).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn millis(span: Millis) -> Duration {
    Duration::from_millis(u64::try_from(span).unwrap_or(0).max(1))
}
