//! The one writer. Requests that arrive together share a transaction and its fsync; each is told only after that.

use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use metrics::{counter, histogram};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteConnectOptions;
use tokio::sync::{mpsc, oneshot};

use super::{Error, open};

/// How long the first request waits for company.
const GATHER: Duration = Duration::from_millis(5);
const MOST_IN_A_GROUP: usize = 64;
const QUEUE: usize = 1_024;
/// What a sender is made to wait at most before it hears that nothing was stored.
pub const PATIENCE: Duration = Duration::from_millis(1_900);

#[derive(Clone)]
pub(super) struct Writer {
    queue: mpsc::Sender<Message>,
}

enum Message {
    Work(Box<dyn Work>),
    Stop(oneshot::Sender<()>),
}

/// One request of a group: run inside the transaction, answered after it.
trait Work: Send {
    fn abandoned(&self) -> bool;
    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, Result<(), Error>>;
    fn answer(self: Box<Self>, outcome: Result<(), Error>);
}

struct Request<T, F> {
    work: Option<F>,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, Error>>,
}

impl<T, F> Work for Request<T, F>
where
    T: Send + 'static,
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, Error>> + Send + 'static,
{
    fn abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn run<'c>(&'c mut self, connection: &'c mut SqliteConnection) -> BoxFuture<'c, Result<(), Error>> {
        Box::pin(async move {
            let Some(work) = self.work.take() else { return Ok(()) };
            self.result = Some(work(connection).await?);
            Ok(())
        })
    }

    fn answer(self: Box<Self>, outcome: Result<(), Error>) {
        let Self { result, reply, .. } = *self;
        // A caller that gave up has gone; what was committed stays.
        let _ = reply.send(outcome.and_then(|()| result.ok_or(Error::Closed)));
    }
}

impl Writer {
    pub(super) fn start(connection: SqliteConnection, options: SqliteConnectOptions) -> Self {
        let (queue, requests) = mpsc::channel(QUEUE);
        tokio::spawn(run(Some(connection), options, requests));
        Self { queue }
    }

    pub(super) async fn run<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> BoxFuture<'c, Result<T, Error>> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let request = Message::Work(Box::new(Request { work: Some(work), result: None, reply }));
        self.queue.try_send(request).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Error::Overloaded,
            mpsc::error::TrySendError::Closed(_) => Error::Closed,
        })?;
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Error::Closed),
            Err(_) => Err(Error::Slow(PATIENCE)),
        }
    }

    pub(super) async fn stop(&self) {
        let (done, wait) = oneshot::channel();
        if self.queue.send(Message::Stop(done)).await.is_ok() {
            let _ = wait.await;
        }
    }
}

async fn run(
    mut connection: Option<SqliteConnection>,
    options: SqliteConnectOptions,
    mut requests: mpsc::Receiver<Message>,
) {
    while let Some(first) = requests.recv().await {
        let (group, stop) = gather(first, &mut requests).await;
        if !group.is_empty() {
            commit(&mut connection, &options, group).await;
        }
        if let Some(done) = stop {
            if let Some(connection) = connection {
                let _ = sqlx::Connection::close(connection).await;
            }
            let _ = done.send(());
            return;
        }
    }
}

async fn gather(
    first: Message,
    requests: &mut mpsc::Receiver<Message>,
) -> (Vec<Box<dyn Work>>, Option<oneshot::Sender<()>>) {
    let deadline = tokio::time::Instant::now() + GATHER;
    let mut group = Vec::new();
    let mut next = Some(first);
    while let Some(message) = next {
        match message {
            Message::Stop(done) => return (group, Some(done)),
            Message::Work(work) => group.push(work),
        }
        if group.len() == MOST_IN_A_GROUP {
            break;
        }
        next = tokio::time::timeout_at(deadline, requests.recv()).await.ok().flatten();
    }
    group.retain(|work| !work.abandoned());
    (group, None)
}

async fn commit(connection: &mut Option<SqliteConnection>, options: &SqliteConnectOptions, group: Vec<Box<dyn Work>>) {
    let started = Instant::now();
    let size = group.len();
    let (outcomes, verdict) = match transact(connection, options, group).await {
        Ok(outcomes) => (outcomes, Ok(())),
        Err((group, error)) => {
            tracing::error!(%error, requests = size, "nothing was stored");
            counter!("midwatch_store_failed_commits_total").increment(1);
            // The connection may hold a half-open transaction or a dead file handle: start afresh.
            *connection = None;
            (group.into_iter().map(|work| (work, Ok(()))).collect(), Err(error))
        }
    };
    for (work, outcome) in outcomes {
        work.answer(verdict.clone().and(outcome));
    }
    histogram!("midwatch_store_commit_duration_seconds").record(started.elapsed().as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "a group has at most 64 requests")]
    histogram!("midwatch_store_commit_requests").record(size as f64);
}

type Outcomes = Vec<(Box<dyn Work>, Result<(), Error>)>;

async fn transact(
    connection: &mut Option<SqliteConnection>,
    options: &SqliteConnectOptions,
    mut group: Vec<Box<dyn Work>>,
) -> Result<Outcomes, (Vec<Box<dyn Work>>, Error)> {
    if connection.is_none() {
        match open::reopen(options).await {
            Ok(fresh) => *connection = Some(fresh),
            Err(error) => return Err((group, error)),
        }
    }
    let Some(connection) = connection.as_mut() else { return Err((group, Error::Closed)) };
    match attempt(connection, &mut group).await {
        Ok(outcomes) => Ok(group.into_iter().zip(outcomes).collect()),
        Err(error) => Err((group, error)),
    }
}

async fn attempt(
    connection: &mut SqliteConnection,
    group: &mut [Box<dyn Work>],
) -> Result<Vec<Result<(), Error>>, Error> {
    sqlx::query("BEGIN IMMEDIATE").execute(&mut *connection).await?;
    let mut outcomes = Vec::with_capacity(group.len());
    for work in group.iter_mut() {
        sqlx::query("SAVEPOINT request").execute(&mut *connection).await?;
        let outcome = work.run(connection).await;
        match &outcome {
            Ok(()) => sqlx::query("RELEASE request").execute(&mut *connection).await?,
            Err(error) if error.is_fatal_to_transaction() => return Err(error.clone()),
            Err(_) => sqlx::query("ROLLBACK TO request; RELEASE request").execute(&mut *connection).await?,
        };
        outcomes.push(outcome);
    }
    crate::failpoint::crash_at("before-commit");
    sqlx::query("COMMIT").execute(&mut *connection).await?;
    crate::failpoint::crash_at("after-commit");
    Ok(outcomes)
}
