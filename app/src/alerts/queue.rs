//! Where requests wait for the store. Those that come while a transaction runs share the next one, and their alerts are
//! applied in one go: a storm costs the statements of a few requests a second, however many there are.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::apply::Applied;
use super::ingest::{Intake, Prepared};
use crate::store::{Error, PATIENCE};

/// More than this many wait only where the disk does not keep up; the sender had better come again.
const LONGEST: usize = 1_024;
/// So much shares a transaction, so that it stays short.
const REQUESTS: usize = 64;
const ALERTS: usize = 1_000;

#[derive(Default)]
pub struct Queue {
    waiting: Mutex<VecDeque<Waiting>>,
    /// Held by the transaction that runs.
    turn: tokio::sync::Mutex<()>,
}

type Outcome = Result<Option<Applied>, Error>;

struct Waiting {
    request: Prepared,
    reply: oneshot::Sender<Outcome>,
}

impl Intake {
    /// Stores a request together with those that wait beside it.
    pub(super) async fn join(&self, request: Prepared) -> Outcome {
        let (reply, answer) = oneshot::channel();
        {
            let mut waiting = self.queue.waiting();
            if waiting.len() >= LONGEST {
                return Err(Error::Overloaded);
            }
            waiting.push_back(Waiting { request, reply });
        }
        // A task of its own: a sender that hangs up must not take along the others of the transaction.
        let intake = self.clone();
        tokio::spawn(async move { intake.turn().await });
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(outcome) => outcome.unwrap_or(Err(Error::Closed)),
            Err(_) => Err(Error::Slow(PATIENCE)),
        }
    }

    /// Every request brings a turn, so none waits for ever; most find that an earlier one took their request along.
    async fn turn(&self) {
        let _turn = self.queue.turn.lock().await;
        let (requests, replies) = self.queue.take();
        if requests.is_empty() {
            return;
        }
        let outcomes: Vec<Outcome> = match self.write(requests.clone()).await {
            Ok(applied) => applied.into_iter().map(Ok).collect(),
            Err(Error::Query(_) | Error::Decode(_)) if requests.len() > 1 => self.one_by_one(requests).await,
            Err(error) => vec![Err(error); replies.len()],
        };
        for (reply, outcome) in replies.into_iter().zip(outcomes) {
            // A sender that gave up has gone; what was committed stays.
            let _ = reply.send(outcome);
        }
    }

    /// One of them cannot be stored: it must not keep the others out.
    async fn one_by_one(&self, requests: Vec<Arc<Prepared>>) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(requests.len());
        for request in requests {
            let alone = self.write(vec![request]).await;
            outcomes.push(alone.map(|applied| applied.into_iter().next().flatten()));
        }
        outcomes
    }
}

impl Queue {
    fn waiting(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next requests whose senders still wait, the oldest first.
    fn take(&self) -> (Vec<Arc<Prepared>>, Vec<oneshot::Sender<Outcome>>) {
        let mut waiting = self.waiting();
        waiting.retain(|one| !one.reply.is_closed());
        let mut alerts = 0;
        let fits = |one: &&Waiting| {
            alerts += one.request.incoming.len();
            alerts <= ALERTS
        };
        // the first one goes in any case, however large
        let count = waiting.iter().take(REQUESTS).take_while(fits).count().max(1).min(waiting.len());
        waiting.drain(..count).map(|one| (Arc::new(one.request), one.reply)).unzip()
    }
}
