//! What a change of an incident leads to: rows in the outbox, jobs, or an entry in the minute's digest.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::SqliteConnection;

use super::alert::Severity;
use super::apply::{Desk, Happened, Incoming, Mark};
use super::settings::Settings;
use crate::jobs::Job;
use crate::store::episodes::Standing;
use crate::store::incidents::Incident;
use crate::store::outbox::{DigestItem, Kind, New};
use crate::store::{self, Error, Millis};

/// Alerts that join an incident are told together, after this time and with growing pauses.
const JOINED: Millis = 30_000;
/// A diagnosis waits this long for the other alerts of a growing incident, and twice as long with each revision: the
/// second alert may tell of a second fault, the hundredth hardly does.
const LOOK_AGAIN: Millis = 2_000;
const MINUTE: Millis = 60_000;

/// An incident as far as routing needs it, with the labels of one of its alerts.
pub struct IncidentView<'a> {
    pub id: i64,
    /// True for what Midwatch tells of itself.
    pub notice: bool,
    pub severity: Severity,
    pub cluster: &'a str,
    pub labels: &'a BTreeMap<String, String>,
}

/// Says which channels are told of an incident.
pub trait Routes: Send + Sync {
    fn channels(&self, incident: &IncidentView<'_>) -> Vec<String>;
}

impl<F> Routes for F
where
    F: Fn(&IncidentView<'_>) -> Vec<String> + Send + Sync,
{
    fn channels(&self, incident: &IncidentView<'_>) -> Vec<String> {
        self(incident)
    }
}

/// What a transaction adds.
#[derive(Default)]
struct Orders {
    outbox: Vec<New>,
    digest: Vec<DigestItem>,
    jobs: Vec<store::jobs::New>,
}

pub(super) async fn tell(
    connection: &mut SqliteConnection,
    settings: &Settings,
    routes: &dyn Routes,
    incoming: &[Incoming],
    desk: &mut Desk,
    now: Millis,
) -> Result<(), Error> {
    let ids: Vec<i64> = desk.happened.iter().filter(|(_, h)| !h.effects.is_empty()).map(|(id, _)| *id).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let history = History::load(connection, &ids, desk, now).await?;
    let mut orders = Orders::default();
    let mut told = history.told_lately;
    for (id, happened) in &desk.happened {
        let Some(incident) = desk.incidents.get_mut(id).filter(|_| !happened.effects.is_empty()) else { continue };
        let standing = history.standings.get(id).copied().unwrap_or_default();
        let Some(news) = change(incident, &happened.effects, standing, now) else { continue };
        if Severity::from_stored(&incident.severity) < settings.least_severity {
            continue;
        }
        let channels = history.channels(routes, incident, happened, incoming);
        if news.kind == Kind::Plain {
            orders.jobs.push(investigate(incident, &news, now));
        }
        if news.is_first && incident.kind == "alert" && news.kind == Kind::Plain {
            told += 1;
            let limit = match Severity::from_stored(&incident.severity) {
                Severity::Critical => settings.storm.critical_per_minute,
                Severity::None | Severity::Info | Severity::Warning => settings.storm.incidents_per_minute,
            };
            if told > limit {
                incident.digest = Some(now / MINUTE);
            }
        }
        orders.say(incident, &news, channels, &history, now);
    }
    store::incidents::save(connection, &ids.iter().filter_map(|id| desk.incidents.get(id)).collect::<Vec<_>>()).await?;
    store::outbox::enqueue(connection, &orders.outbox, now).await?;
    store::outbox::digest(connection, &orders.digest, now).await?;
    store::jobs::enqueue(connection, &orders.jobs, now).await
}

/// What was said before this transaction.
struct History {
    standings: HashMap<i64, Standing>,
    told: BTreeMap<i64, BTreeSet<String>>,
    told_by_digest: BTreeMap<i64, BTreeSet<String>>,
    waiting: BTreeSet<(i64, String)>,
    told_lately: u32,
}

impl History {
    async fn load(connection: &mut SqliteConnection, ids: &[i64], desk: &Desk, now: Millis) -> Result<Self, Error> {
        let new = desk.happened.values().filter(|happened| happened.effects.contains(&Mark::New)).count();
        let told_lately = store::incidents::told_since(connection, now - MINUTE).await?;
        Ok(Self {
            standings: store::episodes::standing(connection, ids).await?,
            told: by_incident(store::outbox::told(connection, ids).await?),
            told_by_digest: by_incident(store::outbox::told_by_digest(connection, ids).await?),
            waiting: store::outbox::waiting(connection, ids).await?.into_iter().collect(),
            told_lately: told_lately.saturating_sub(u32::try_from(new).unwrap_or(u32::MAX)),
        })
    }

    /// Where it was told before, and where the alerts that changed it belong.
    fn channels(
        &self,
        routes: &dyn Routes,
        incident: &Incident,
        happened: &Happened,
        incoming: &[Incoming],
    ) -> BTreeSet<String> {
        let mut channels = self.told.get(&incident.id).cloned().unwrap_or_default();
        for index in &happened.alerts {
            let Some(alert) = incoming.get(*index).and_then(|one| one.alert.as_ref()) else { continue };
            channels.extend(routes.channels(&IncidentView {
                id: incident.id,
                notice: incident.kind == "notice",
                severity: Severity::from_stored(&incident.severity),
                cluster: &incident.cluster,
                labels: &alert.labels,
            }));
        }
        channels
    }
}

fn by_incident(rows: Vec<(i64, String)>) -> BTreeMap<i64, BTreeSet<String>> {
    let mut map: BTreeMap<i64, BTreeSet<String>> = BTreeMap::new();
    for (incident, channel) in rows {
        map.entry(incident).or_default().insert(channel);
    }
    map
}

struct News {
    kind: Kind,
    is_first: bool,
    /// Only more of the same: may wait for company.
    only_joined: bool,
}

/// Moves the incident to its new state. None when there is nothing to tell.
fn change(incident: &mut Incident, marks: &BTreeSet<Mark>, standing: Standing, now: Millis) -> Option<News> {
    incident.updated_at = now;
    let is_first = marks.contains(&Mark::New);
    let was_open = incident.state == "open";
    if incident.state == "merged" {
        return None;
    }
    if !standing.firing && !standing.suppressed {
        "resolved".clone_into(&mut incident.state);
        incident.closed_at = Some(now);
        incident.revision += i64::from(!is_first);
        let faded = incident.kind == "notice" && !marks.contains(&Mark::Ended);
        return (was_open && !faded).then_some(News { kind: Kind::Resolved, is_first, only_joined: false });
    }
    "open".clone_into(&mut incident.state);
    incident.closed_at = None;
    if !standing.firing {
        // All that is left is silenced or inhibited: kept, and not spoken of.
        return None;
    }
    let kind = if incident.kind == "notice" { Kind::Notice } else { Kind::Plain };
    if is_first {
        return Some(News { kind, is_first, only_joined: false });
    }
    let loud = [Mark::Reopened, Mark::Released, Mark::Worse, Mark::Flapping].iter().any(|mark| marks.contains(mark));
    if !loud && was_open && !marks.contains(&Mark::Joined) {
        return None;
    }
    incident.revision += 1;
    Some(News { kind, is_first, only_joined: was_open && !loud })
}

fn investigate(incident: &Incident, news: &News, now: Millis) -> store::jobs::New {
    let urgency = match Severity::from_stored(&incident.severity) {
        Severity::Critical => 0,
        Severity::Warning => 1,
        Severity::Info | Severity::None => 2,
    };
    let wait = if news.only_joined { LOOK_AGAIN << (incident.revision - 3).clamp(0, 5) } else { 0 };
    Job::Investigate { incident: incident.id }.queued(urgency, now + wait)
}

impl Orders {
    fn say(&mut self, incident: &Incident, news: &News, channels: BTreeSet<String>, history: &History, now: Millis) {
        if incident.digest.is_some() {
            let minute = now / MINUTE;
            let channels = match history.told_by_digest.get(&incident.id) {
                Some(told) => told.clone(),
                None if news.is_first => channels,
                // The digest that tells of it is not sent yet, and will show the state as it is then.
                None => return,
            };
            self.digest.extend(channels.into_iter().map(|channel| DigestItem {
                minute,
                channel,
                incident: incident.id,
            }));
            return;
        }
        let pause = JOINED << (incident.revision - 2).clamp(0, 5);
        for channel in channels {
            if news.only_joined && history.waiting.contains(&(incident.id, channel.clone())) {
                continue;
            }
            let next_at = if news.only_joined { now + pause } else { now };
            self.outbox.push(New {
                incident: incident.id,
                revision: incident.revision,
                kind: news.kind,
                channel,
                next_at,
            });
        }
    }
}

/// What a diagnosis changes.
#[derive(Debug, Clone)]
pub struct Diagnosed {
    pub incident: i64,
    /// The report as JSON.
    pub report: String,
    /// Object and class of the first cause; None when none was found.
    pub cause: Option<String>,
    /// Whether a model is to be asked too.
    pub wants_words: bool,
}

/// Stores a report, merges the incident into an older open one of the same cause, and queues the revision that tells
/// it. Gives the incident that stands for it now. Safe to repeat.
pub async fn diagnosed(connection: &mut SqliteConnection, diagnosed: &Diagnosed, now: Millis) -> Result<i64, Error> {
    let mut found = store::incidents::load(connection, &[diagnosed.incident]).await?;
    let Some(mut incident) = found.remove(&diagnosed.incident) else { return Ok(diagnosed.incident) };
    if let Some(into) = incident.merged_into {
        return Ok(into);
    }
    incident.cause.clone_from(&diagnosed.cause);
    incident.updated_at = now;
    incident.revision += 1;
    store::incidents::save(connection, &[&incident]).await?;
    store::reports::save(connection, incident.id, incident.revision, &diagnosed.report, now).await?;
    let twin = match &incident.cause {
        Some(cause) if incident.state == "open" => store::incidents::with_cause(connection, cause, incident.id).await?,
        _ => None,
    };
    let stands = match twin {
        None => incident,
        Some(twin) => {
            // The older one keeps its card, and tells of the newcomer's alerts in its next revision.
            let (into, from) = (twin.min(incident.id), twin.max(incident.id));
            let mut channels = store::outbox::told(connection, &[from]).await?;
            store::incidents::absorb(connection, from, into, now).await?;
            let mut both = store::incidents::load(connection, &[into]).await?;
            let Some(mut stands) = both.remove(&into) else { return Ok(into) };
            stands.revision += 1;
            stands.updated_at = now;
            store::incidents::save(connection, &[&stands]).await?;
            store::reports::save(connection, into, stands.revision, &diagnosed.report, now).await?;
            channels.retain(|(_, channel)| !channel.is_empty());
            say_diagnosis(connection, &stands, channels, now).await?;
            return Ok(into);
        }
    };
    say_diagnosis(connection, &stands, Vec::new(), now).await?;
    if diagnosed.wants_words {
        store::jobs::enqueue(connection, &[Job::Word { incident: stands.id }.queued(3, now)], now).await?;
    }
    Ok(stands.id)
}

/// Queues the revision that tells what a model said of an incident.
pub async fn worded(connection: &mut SqliteConnection, incident: i64, now: Millis) -> Result<(), Error> {
    let mut found = store::incidents::load(connection, &[incident]).await?;
    let Some(mut incident) = found.remove(&incident) else { return Ok(()) };
    if incident.merged_into.is_some() || incident.state != "open" {
        return Ok(());
    }
    incident.revision += 1;
    incident.updated_at = now;
    store::incidents::save(connection, &[&incident]).await?;
    say_diagnosis(connection, &incident, Vec::new(), now).await
}

async fn say_diagnosis(
    connection: &mut SqliteConnection,
    incident: &Incident,
    more: Vec<(i64, String)>,
    now: Millis,
) -> Result<(), Error> {
    // What a digest told of stays with digests: the storm is not over because a diagnosis is.
    let mut channels: BTreeSet<String> = more.into_iter().map(|(_, channel)| channel).collect();
    channels.extend(store::outbox::told(connection, &[incident.id]).await?.into_iter().map(|(_, channel)| channel));
    let kind = if incident.state == "resolved" { Kind::Resolved } else { Kind::Diagnosis };
    let rows: Vec<New> = channels
        .into_iter()
        .map(|channel| New { incident: incident.id, revision: incident.revision, kind, channel, next_at: now })
        .collect();
    store::outbox::enqueue(connection, &rows, now).await
}
