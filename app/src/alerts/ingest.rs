//! The way in: a body becomes alerts, and is on disk with all that follows from it before anyone is told "accepted".

use std::sync::Arc;

use bytes::Bytes;
use metrics::counter;
use sqlx::SqliteConnection;

use super::alert::{Alert, Batch, Invalid, Source, Status};
use super::apply::{Applied, Incoming, apply};
use super::episodes::{Event, Speaker};
use super::parse::parse;
use super::queue::Queue;
use super::settings::Settings;
use super::sweep::heard_again;
use super::tell::Routes;
use super::{identity, parse};
use crate::failpoint::crash_at;
use crate::jobs::Job;
use crate::store::quarantine::Park;
use crate::store::{self, Error, Millis, Store};

/// How much of a body that nobody can read is shown to people.
const SHOWN: usize = 2_048;
/// An Alertmanager's own default for an alert that comes without an end.
const RESOLVE_TIMEOUT: Millis = 300_000;
/// How long a notice about an unreadable body stays open.
const NOTICE: Millis = 600_000;

/// The door's state.
#[derive(Clone)]
pub struct Intake {
    pub store: Store,
    pub settings: Arc<Settings>,
    pub routes: Arc<dyn Routes>,
    pub queue: Arc<Queue>,
}

/// What became of a request. In every case it is on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accepted {
    /// `invalid` holds the reasons of entries that were parked.
    Stored { applied: Applied, invalid: Vec<String> },
    /// The same bytes as a moment ago.
    Repeated,
    /// No notification: kept as it came, and people are told.
    Parked(String),
}

/// A request made ready for the transaction.
pub(super) struct Prepared {
    now: Millis,
    receipt: String,
    endpoint: String,
    body: Vec<u8>,
    size: i64,
    pub(super) incoming: Vec<Incoming>,
    heartbeats: Vec<String>,
    parked: Vec<Parked>,
    truncated: bool,
}

struct Parked {
    sha256: String,
    why: String,
    body: Vec<u8>,
    size: i64,
}

impl Intake {
    /// Takes a body that came to `endpoint` and answers when it is on disk.
    pub async fn accept(&self, endpoint: &str, body: Bytes, now: Millis) -> Result<Accepted, Error> {
        crash_at("before-parse");
        let settings = Arc::clone(&self.settings);
        let endpoint_name = endpoint.to_owned();
        let (prepared, failure) = tokio::task::spawn_blocking(move || prepare(&settings, &endpoint_name, &body, now))
            .await
            .map_err(|_| Error::Closed)??;
        crash_at("after-parse");
        let source = prepared.incoming.first().map_or("none", |one| one.source.as_str());
        let alerts = prepared.incoming.len() as u64;
        let invalid: Vec<String> = prepared.parked.iter().map(|parked| parked.why.clone()).collect();
        let applied = self.join(prepared).await?;
        counter!("midwatch_intake_alerts_total", "source" => source).increment(alerts);
        counter!("midwatch_intake_parked_total").increment(invalid.len() as u64);
        Ok(match (applied, failure) {
            (None, _) => Accepted::Repeated,
            (Some(_), Some(why)) => Accepted::Parked(why),
            (Some(applied), None) => Accepted::Stored { applied, invalid },
        })
    }

    /// Applies events that came by another way than a request.
    pub async fn apply(&self, incoming: Vec<Incoming>, now: Millis) -> Result<Applied, Error> {
        let (settings, routes) = (Arc::clone(&self.settings), Arc::clone(&self.routes));
        let applied = self
            .store
            .write(move |connection| {
                Box::pin(async move { apply(connection, &settings, &*routes, &incoming, now).await })
            })
            .await?;
        self.wake();
        Ok(applied)
    }

    /// Writes requests in one transaction. None for those whose bytes were handled a moment ago.
    pub(super) async fn write(&self, requests: Vec<Arc<Prepared>>) -> Result<Vec<Option<Applied>>, Error> {
        let (settings, routes) = (Arc::clone(&self.settings), Arc::clone(&self.routes));
        let applied = self
            .store
            .write(move |connection| {
                Box::pin(async move {
                    crash_at("before-insert");
                    let now = requests.iter().map(|p| p.now).max().unwrap_or_default();
                    let mut incoming = Vec::new();
                    let mut fresh = Vec::with_capacity(requests.len());
                    for p in &requests {
                        fresh.push(take_in(connection, &settings, p, &mut incoming, now).await?);
                    }
                    let applied = apply(connection, &settings, &*routes, &incoming, now).await?;
                    Ok(fresh.into_iter().map(|fresh| fresh.then_some(applied)).collect())
                })
            })
            .await?;
        self.wake();
        Ok(applied)
    }

    pub(super) fn wake(&self) {
        self.store.wake().jobs.notify_one();
        self.store.wake().outbox.notify_waiters();
    }
}

/// Keeps the body and what of it could not be read, and adds its events to those to apply. False for a repetition.
async fn take_in(
    connection: &mut SqliteConnection,
    settings: &Settings,
    p: &Prepared,
    incoming: &mut Vec<Incoming>,
    now: Millis,
) -> Result<bool, Error> {
    if !store::receipts::record(connection, &p.receipt, &p.endpoint, &p.body, p.size, now).await? {
        return Ok(false);
    }
    for parked in &p.parked {
        let park = Park {
            sha256: &parked.sha256,
            source: &p.endpoint,
            why: &parked.why,
            body: &parked.body,
            size: parked.size,
        };
        store::quarantine::park(connection, &park, now).await?;
    }
    incoming.extend_from_slice(&p.incoming);
    incoming.extend(heard_again(connection, settings, &p.heartbeats, now).await?);
    if p.truncated {
        store::jobs::enqueue(connection, &[Job::Reconcile.queued(0, now)], now).await?;
    }
    Ok(true)
}

fn prepare(settings: &Settings, endpoint: &str, body: &[u8], now: Millis) -> Result<(Prepared, Option<String>), Error> {
    let mut prepared = Prepared {
        now,
        receipt: identity::receipt(body),
        endpoint: endpoint.to_owned(),
        body: compress(body)?,
        size: size(body),
        incoming: Vec::new(),
        heartbeats: Vec::new(),
        parked: Vec::new(),
        truncated: false,
    };
    let failure = match parse(body, now) {
        Ok(batch) => {
            fill(&mut prepared, settings, batch, now)?;
            None
        }
        Err(error) => {
            let why = error.to_string();
            prepared.park(settings, body, &why, now)?;
            Some(why)
        }
    };
    Ok((prepared, failure))
}

fn fill(prepared: &mut Prepared, settings: &Settings, batch: Batch, now: Millis) -> Result<(), Error> {
    prepared.truncated = batch.truncated > 0;
    for alert in batch.alerts {
        if settings.dropped.contains(alert.name()) {
            continue;
        }
        if settings.heartbeats.contains(alert.name()) {
            if alert.status == Status::Firing {
                prepared.heartbeats.push(heartbeat_source(&prepared.endpoint, &alert));
            }
            continue;
        }
        prepared.incoming.push(incoming(settings, batch.source, alert, now));
    }
    for Invalid { body, why } in batch.invalid {
        prepared.park(settings, body.as_bytes(), &why, now)?;
    }
    Ok(())
}

pub(super) fn heartbeat_source(endpoint: &str, alert: &Alert) -> String {
    match (alert.cluster(), alert.label("prometheus")) {
        ("", "") => endpoint.to_owned(),
        ("", prometheus) => prometheus.to_owned(),
        (cluster, _) => cluster.to_owned(),
    }
}

pub(super) fn incoming(settings: &Settings, source: Source, alert: Alert, now: Millis) -> Incoming {
    let event = match alert.status {
        Status::Resolved => Event::Resolved { starts_at: alert.starts_at, ends_at: alert.ends_at },
        Status::Firing => {
            let speaker = match source {
                Source::Push => Speaker::Pusher,
                Source::Reconcile => Speaker::Asked,
                Source::Alertmanager
                | Source::Grafana
                | Source::VolcengineVmp
                | Source::AliyunArms
                | Source::AliyunCloudMonitor
                | Source::TencentTcop
                | Source::Own => Speaker::Notifier,
            };
            let expires_at = match speaker {
                Speaker::Pusher => Some(alert.ends_at.unwrap_or(now + RESOLVE_TIMEOUT)),
                Speaker::Notifier | Speaker::Asked => None,
            };
            Event::Firing { starts_at: alert.starts_at, expires_at, speaker }
        }
    };
    let id = identity::alert_id(&settings.realm, &alert.labels, &settings.ignored_labels);
    Incoming { id, source, alert: Some(alert.redacted()), event }
}

/// An alert of our own.
pub(super) fn own(settings: &Settings, alert: Alert, status: Status, expires_at: Option<Millis>) -> Incoming {
    let event = match status {
        Status::Firing => Event::Firing { starts_at: None, expires_at, speaker: Speaker::Asked },
        Status::Resolved => Event::Resolved { starts_at: None, ends_at: None },
    };
    let id = identity::alert_id(&settings.realm, &alert.labels, &settings.ignored_labels);
    Incoming { id, source: Source::Own, alert: Some(alert.redacted()), event }
}

pub(super) fn own_alert(name: &str, severity: &str, labels: &[(&str, &str)], annotations: &[(&str, &str)]) -> Alert {
    let mut all: std::collections::BTreeMap<String, String> =
        labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    all.insert("alertname".to_owned(), name.to_owned());
    all.insert("severity".to_owned(), severity.to_owned());
    Alert {
        status: Status::Firing,
        labels: all,
        annotations: annotations.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        starts_at: None,
        ends_at: None,
        generator_url: String::new(),
        fingerprint: String::new(),
        extra: serde_json::Map::new(),
    }
}

/// The alert that a heartbeat's silence raises.
pub(super) fn heartbeat_missing(source: &str) -> Alert {
    own_alert(
        "MidwatchHeartbeatMissing",
        "critical",
        &[("source", source)],
        &[
            ("summary", &format!("No heartbeat from {source}: its alerts may not arrive")),
            ("summary_zh", &format!("{source} 的心跳告警已中断，其告警可能无法送达")),
        ],
    )
}

impl Prepared {
    /// Keeps what cannot be read and raises the notice that shows it.
    fn park(&mut self, settings: &Settings, body: &[u8], why: &str, now: Millis) -> Result<(), Error> {
        let text = String::from_utf8_lossy(body.get(..body.len().min(SHOWN)).unwrap_or_default()).into_owned();
        let alert = own_alert(
            "MidwatchUnreadableAlert",
            "warning",
            &[("source", &self.endpoint)],
            &[("summary", &format!("A message to {} could not be read: {why}", self.endpoint)), ("text", &text)],
        );
        self.incoming.push(own(settings, alert, Status::Firing, Some(now + NOTICE)));
        self.parked.push(Parked {
            sha256: identity::receipt(body),
            why: why.to_owned(),
            body: compress(body)?,
            size: size(body),
        });
        Ok(())
    }
}

/// A body as it is kept: without secrets, compressed.
fn compress(body: &[u8]) -> Result<Vec<u8>, Error> {
    let text = String::from_utf8_lossy(body);
    zstd::bulk::compress(redact::text(&text).as_bytes(), 1).map_err(|error| Error::Decode(error.to_string()))
}

fn size(body: &[u8]) -> i64 {
    i64::try_from(body.len()).unwrap_or(i64::MAX)
}

pub use parse::Error as ParseError;
