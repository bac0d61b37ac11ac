//! Asking the sources: what they list is the truth, whatever message was lost, refused, redirected or never sent.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use metrics::counter;

use super::alert::{Alert, Source};
use super::apply::Incoming;
use super::episodes::{Event, Speaker, Suppression};
use super::identity;
use super::ingest::{Intake, heartbeat_source};
use super::parse::api::{self, Listed};
use crate::store::alerts::Open;
use crate::store::{self, Error, Millis};

const TIMEOUT: Duration = Duration::from_secs(10);
const LARGEST: usize = 64 << 20;
/// Events in one transaction, so that senders need not wait long behind it.
const PORTION: usize = 1_000;
/// How long a Prometheus' word holds: some polls may fail.
const VOUCHED: Millis = 300_000;

/// A program that knows which alerts fire.
#[derive(Clone)]
pub struct Peer {
    pub kind: PeerKind,
    /// Its address, such as `http://alertmanager:9093`.
    pub url: String,
    /// The `Authorization` header that it wants.
    pub authorization: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerKind {
    Alertmanager,
    Prometheus,
}

impl PeerKind {
    fn path(self) -> &'static str {
        match self {
            Self::Alertmanager => "/api/v2/alerts?active=true&silenced=true&inhibited=true&unprocessed=true",
            Self::Prometheus => "/api/v1/alerts",
        }
    }
}

/// What the comparison found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reconciled {
    pub listed: usize,
    pub absent: usize,
    /// Peers that did not answer, each with the reason. While there are any, nothing counts as absent.
    pub failed: Vec<(String, String)>,
}

impl Intake {
    /// Asks every peer and brings the store in line. A Prometheus is asked only where no Alertmanager is known: it knows
    /// neither silences nor the labels that are added on the way.
    pub async fn reconcile(&self, client: &reqwest::Client, peers: &[Peer], now: Millis) -> Result<Reconciled, Error> {
        let alertmanagers = peers.iter().any(|peer| peer.kind == PeerKind::Alertmanager);
        let asked: Vec<&Peer> =
            peers.iter().filter(|peer| !alertmanagers || peer.kind == PeerKind::Alertmanager).collect();
        let mut outcome = Reconciled::default();
        let mut listed = Vec::new();
        for (peer, answer) in futures::future::join_all(asked.iter().map(|peer| ask(client, peer, now))).await {
            match answer {
                Ok(alerts) => listed.extend(alerts.into_iter().map(|(alert, state)| (peer, alert, state))),
                Err(why) => {
                    counter!("midwatch_reconcile_failures_total").increment(1);
                    tracing::warn!(peer = peer.url, why, "a source could not be asked for its alerts");
                    outcome.failed.push((peer.url.clone(), why));
                }
            }
        }
        if asked.is_empty() || outcome.failed.len() == asked.len() {
            return Ok(outcome);
        }
        let open = store::alerts::open(self.store.read()).await?;
        let mut incoming = self.heard(listed, &open, now).await?;
        outcome.listed = incoming.len();
        if outcome.failed.is_empty() {
            let seen: HashSet<String> = incoming.iter().map(|one| one.id.clone()).collect();
            let absent: Vec<Incoming> =
                open.iter().filter(|alert| alert.listed && !seen.contains(&alert.id)).map(|a| gone(a, now)).collect();
            outcome.absent = absent.len();
            incoming.extend(absent);
        }
        for portion in incoming.chunks(PORTION) {
            self.apply(portion.to_vec(), now).await?;
        }
        Ok(outcome)
    }

    async fn heard(
        &self,
        listed: Vec<(&Peer, Alert, Listed)>,
        open: &[Open],
        now: Millis,
    ) -> Result<Vec<Incoming>, Error> {
        let by_name = by_name(open);
        let mut heartbeats = HashSet::new();
        let mut incoming: BTreeMap<String, Incoming> = BTreeMap::new();
        for (peer, alert, state) in listed {
            if self.settings.dropped.contains(alert.name()) {
                continue;
            }
            if self.settings.heartbeats.contains(alert.name()) {
                heartbeats.insert(heartbeat_source(&peer.url, &alert));
                continue;
            }
            let one = self.event(peer.kind, alert, state, &by_name, now);
            // Two members of a cluster list the same alert; one that is spoken of beats one that is silenced.
            match incoming.get(&one.id) {
                Some(Incoming { event: Event::Firing { .. }, .. }) => {}
                Some(_) | None => drop(incoming.insert(one.id.clone(), one)),
            }
        }
        self.heartbeats(heartbeats.into_iter().collect(), now).await?;
        Ok(incoming.into_values().collect())
    }

    fn event(
        &self,
        kind: PeerKind,
        alert: Alert,
        state: Listed,
        open: &HashMap<&str, Vec<&Open>>,
        now: Millis,
    ) -> Incoming {
        let starts_at = alert.starts_at;
        let (speaker, expires_at) = match kind {
            PeerKind::Alertmanager => (Speaker::Asked, None),
            PeerKind::Prometheus => (Speaker::Pusher, Some(now + VOUCHED)),
        };
        let event = match state {
            Listed::Active => Event::Firing { starts_at, expires_at, speaker },
            Listed::Silenced => Event::Suppressed { starts_at, by: Suppression::Silence },
            Listed::Inhibited => Event::Suppressed { starts_at, by: Suppression::Inhibition },
        };
        // A Prometheus lists alerts without the labels that it adds in sending: the one we know has these and more.
        let twin = open.get(alert.name()).and_then(|known| {
            known.iter().find(|known| {
                let has = |name: &String, value: &str| known.labels.get(name).is_some_and(|kept| same(kept, value));
                alert.labels.iter().all(|(name, value)| has(name, value))
            })
        });
        match (kind, twin) {
            (PeerKind::Prometheus, Some(twin)) => {
                let alert = Alert { labels: twin.labels.clone(), ..alert };
                Incoming { id: twin.id.clone(), source: Source::Reconcile, alert: Some(alert.redacted()), event }
            }
            (PeerKind::Prometheus, None) | (PeerKind::Alertmanager, _) => {
                let id = identity::alert_id(&self.settings.realm, &alert.labels, &self.settings.ignored_labels);
                Incoming { id, source: Source::Reconcile, alert: Some(alert.redacted()), event }
            }
        }
    }
}

/// Whether a label that was kept is this one. A placeholder of an earlier start stands for another secret's as well.
fn same(kept: &str, value: &str) -> bool {
    const PLACEHOLDER: &str = "[[";
    kept == value || (kept.contains(PLACEHOLDER) && redact::text(value).contains(PLACEHOLDER))
}

fn by_name(open: &[Open]) -> HashMap<&str, Vec<&Open>> {
    let mut names: HashMap<&str, Vec<&Open>> = HashMap::new();
    for alert in open {
        let name = alert.labels.get("alertname").map_or("", String::as_str);
        names.entry(name).or_default().push(alert);
    }
    names
}

fn gone(alert: &Open, now: Millis) -> Incoming {
    Incoming { id: alert.id.clone(), source: Source::Reconcile, alert: None, event: Event::Absent { asked_at: now } }
}

type Answer = Result<Vec<(Alert, Listed)>, String>;

async fn ask<'a>(client: &reqwest::Client, peer: &'a Peer, now: Millis) -> (&'a Peer, Answer) {
    let answer = match tokio::time::timeout(TIMEOUT, fetch(client, peer)).await {
        Ok(body) => body.and_then(|body| {
            let alerts = match peer.kind {
                PeerKind::Alertmanager => api::alertmanager(&body, now),
                PeerKind::Prometheus => api::prometheus(&body, now),
            };
            alerts.map_err(|error| error.to_string())
        }),
        Err(_) => Err(format!("no answer within {TIMEOUT:?}")),
    };
    (peer, answer)
}

async fn fetch(client: &reqwest::Client, peer: &Peer) -> Result<Vec<u8>, String> {
    let mut request = client.get(format!("{}{}", peer.url.trim_end_matches('/'), peer.kind.path()));
    if let Some(authorization) = &peer.authorization {
        request = request.header(http::header::AUTHORIZATION, authorization);
    }
    let mut response = request.send().await.map_err(|error| error.without_url().to_string())?;
    if !response.status().is_success() {
        return Err(format!("answered {}", response.status()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| error.without_url().to_string())? {
        if body.len() + chunk.len() > LARGEST {
            return Err(format!("its list is larger than {} MiB", LARGEST >> 20));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}
