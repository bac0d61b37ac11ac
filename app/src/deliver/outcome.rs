//! What becomes of a row after its turn: sent, again later, given up and passed to the next channel of the chain.

use std::time::Duration;

use metrics::{counter, histogram};
use notify::{Class, Receipt, SendError};
use tracing::{error, info, warn};

use super::compose::Composed;
use super::{Deliver, Outlet};
use crate::store::outbox::Row;
use crate::store::sending::Failure;
use crate::store::{Error, Millis, now, sending};

const FIRST_BACKOFF: Millis = 1_000;
const LONGEST_BACKOFF: Millis = 5 * 60_000;
const GIVE_UP_AFTER: Millis = 24 * 3_600_000;
/// A message that was too long once is rendered smaller from then on.
pub(super) const TOO_LONG: &str = "too long";
/// A mark that the store does not take would become a second message when the lease runs out, so it is tried again.
const MARK_TRIES: u32 = 15;
const MARK_PAUSE: Duration = Duration::from_secs(1);

/// What became of a turn.
#[derive(Clone)]
pub(super) enum Mark {
    Sent { row: Row, revision: i64, id: String },
    Needless { row: Row },
    Wait { row: Row, until: Millis },
    NotSent { row: Row, failure: Failure },
}

impl Mark {
    async fn write(self, connection: &mut sqlx::SqliteConnection) -> Result<(), Error> {
        match self {
            Self::Sent { row, revision, id } => sending::sent(connection, &row, revision, &id, now()).await,
            Self::Needless { row } => sending::needless(connection, &row, now()).await,
            Self::Wait { row, until } => sending::put_back(connection, &row, until).await,
            Self::NotSent { row, failure } => sending::not_sent(connection, &row, &failure).await,
        }
    }
}

impl Deliver {
    pub(super) async fn record(
        &self,
        outlet: &Outlet,
        row: Row,
        composed: &Composed,
        outcome: Result<Receipt, SendError>,
    ) -> Result<(), Error> {
        let error = match outcome {
            Ok(receipt) => {
                told(&row);
                return self.mark(Mark::Sent { row, revision: composed.revision, id: receipt.id }).await;
            }
            Err(error) => error,
        };
        count(&row.channel, class_name(error.class));
        let mut text = redact::text(&error.text).into_owned();
        warn!(
            incident = row.incident,
            channel = row.channel,
            error = text,
            class = class_name(error.class),
            "not delivered"
        );
        let give_up = now() - row.created_at > GIVE_UP_AFTER;
        let was_too_long = row.error.as_deref().unwrap_or_default().starts_with(TOO_LONG);
        let next_at = match error.class {
            Class::Retry { after } if !give_up => Some(now() + backoff(row.attempts, after)),
            Class::RateLimited { pause } if !give_up => {
                outlet.mute(pause);
                Some(now() + i64::try_from(pause.as_millis()).unwrap_or(LONGEST_BACKOFF))
            }
            Class::TooLong if !was_too_long => Some(now()),
            Class::Retry { .. } | Class::RateLimited { .. } | Class::TooLong | Class::Config | Class::Dead => None,
        };
        if next_at.is_some() && (was_too_long || error.class == Class::TooLong) {
            text = format!("{TOO_LONG}: {}", text.trim_start_matches("too long: "));
        }
        let muted = matches!(error.class, Class::RateLimited { .. }) && composed.critical;
        if next_at.is_none() {
            given_up(&row, &text);
        }
        if next_at.is_none() || muted {
            self.fall_back(&row).await?;
        }
        let taken = if row.parts_of == Some(composed.revision) { row.parts } else { 0 };
        let parts = i64::try_from(error.sent).unwrap_or(0).max(taken);
        let failure = Failure { error: text, next_at, parts, parts_of: composed.revision };
        self.mark(Mark::NotSent { row, failure }).await
    }

    /// The channel that speaks when this one cannot: the next of the chain, or its first for a channel outside it.
    pub(super) fn next_of(&self, channel: &str) -> Option<&String> {
        let after = self.fallback.iter().position(|name| name == channel).map_or(0, |at| at + 1);
        self.fallback.get(after)
    }

    /// Puts the same news into the outbox of the next channel of the chain; the unique key keeps it to once.
    pub(super) async fn fall_back(&self, row: &Row) -> Result<(), Error> {
        let Some(next) = self.next_of(&row.channel) else { return Ok(()) };
        info!(incident = row.incident, from = row.channel, to = next, "falling back");
        count(&row.channel, "fallback");
        let (row, next) = (row.clone(), next.clone());
        self.store
            .write(move |connection| Box::pin(async move { sending::copy_to(connection, &row, &next, now()).await }))
            .await?;
        self.store.wake().outbox.notify_waiters();
        Ok(())
    }

    pub(super) async fn mark(&self, mark: Mark) -> Result<(), Error> {
        let mut tries = 0;
        loop {
            let again = mark.clone();
            match self.store.write(move |connection| Box::pin(async move { again.write(connection).await })).await {
                Ok(()) => return Ok(()),
                Err(error) if tries == MARK_TRIES => return Err(error),
                Err(error) => warn!(%error, "what became of a message is not stored yet"),
            }
            tries += 1;
            tokio::time::sleep(MARK_PAUSE).await;
        }
    }
}

/// Says that a message will not go out on this channel, so that somebody sees it.
pub(super) fn given_up(row: &Row, why: &str) {
    count(&row.channel, "dead");
    error!(
        incident = row.incident,
        channel = row.channel,
        kind = row.kind,
        why,
        "given up; see `midwatch outbox list --state dead`"
    );
}

fn told(row: &Row) {
    count(&row.channel, "sent");
    let age = (now() - row.created_at) as f64 / 1_000.0;
    histogram!("midwatch_delivery_age_seconds", "channel" => row.channel.clone()).record(age);
    info!(incident = row.incident, channel = row.channel, kind = row.kind, revision = row.revision, "delivered");
}

fn count(channel: &str, outcome: &'static str) {
    counter!("midwatch_deliveries_total", "channel" => channel.to_owned(), "outcome" => outcome).increment(1);
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
        Class::Dead => "dead_letter",
    }
}
