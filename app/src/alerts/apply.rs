//! Events become rows: alerts, episodes, incidents, jobs and what to say, all in the caller's transaction.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::SqliteConnection;

use super::alert::{Alert, Severity, Source};
use super::episodes::{Effect, Event, step};
use super::settings::Settings;
use super::{group, tell};
use crate::store::incidents::Incident;
use crate::store::{self, Error, Millis};

/// One event of one alert. `alert` is None when only time passed or a source no longer lists it.
#[derive(Debug, Clone)]
pub struct Incoming {
    pub id: String,
    pub source: Source,
    pub alert: Option<Alert>,
    pub event: Event,
}

/// What became of the alerts of a transaction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Applied {
    pub opened: u64,
    pub resolved: u64,
    /// Events that said nothing new.
    pub unchanged: u64,
    pub incidents: u64,
}

/// What happened to an incident in this transaction.
#[derive(Debug, Default)]
pub(super) struct Happened {
    pub effects: BTreeSet<Mark>,
    /// Alerts whose labels take part in choosing the channels.
    pub alerts: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    New,
    Joined,
    Reopened,
    Released,
    Worse,
    Flapping,
    Ended,
    /// Nobody said anything any more.
    Faded,
}

/// The transaction's working set.
pub(super) struct Desk {
    pub incidents: BTreeMap<i64, Incident>,
    pub happened: BTreeMap<i64, Happened>,
    keys: HashMap<String, i64>,
    new_keys: BTreeMap<String, i64>,
    leads: HashMap<String, i64>,
    next_id: i64,
}

pub async fn apply(
    connection: &mut SqliteConnection,
    settings: &Settings,
    routes: &dyn tell::Routes,
    incoming: &[Incoming],
    now: Millis,
) -> Result<Applied, Error> {
    if incoming.is_empty() {
        return Ok(Applied::default());
    }
    let ids: Vec<&str> = incoming.iter().map(|one| one.id.as_str()).collect::<BTreeSet<_>>().into_iter().collect();
    let mut known = store::alerts::tracks(connection, &ids).await?;
    let mut desk = Desk::load(connection, incoming, &known, now).await?;
    let mut applied = Applied::default();
    let mut episodes: BTreeMap<(String, Millis), i64> = BTreeMap::new();
    let mut latest = HashMap::new();
    for (index, one) in incoming.iter().enumerate() {
        let before = known.remove(&one.id).unwrap_or_default();
        let step = step(settings, before.track, one.event, now);
        count(&mut applied, &step.effects);
        let fresh = step.effects.iter().any(|effect| starts(*effect));
        let begun = step.track.episode.as_ref().map(|episode| episode.starts_at);
        let incident = match (before.incident, begun) {
            (None, None) => continue,
            // A new outbreak may belong elsewhere by now; everything else stays where it was.
            (Some(incident), _) if !fresh => incident,
            _ => desk.place(index, one, now),
        };
        desk.note(incident, index, &step.effects, one.alert.as_ref());
        if let Some(start) = begun {
            episodes.insert((one.id.clone(), start), incident);
            latest.insert((one.id.clone(), start), step.track.episode.clone());
        }
        known.insert(one.id.clone(), store::alerts::Known { track: step.track, incident: Some(incident) });
    }
    applied.incidents = desk.happened.values().filter(|happened| happened.effects.contains(&Mark::New)).count() as u64;
    save(connection, incoming, &known, &desk, (&episodes, &latest), now).await?;
    tell::tell(connection, settings, routes, incoming, &mut desk, now).await?;
    Ok(applied)
}

type Latest = HashMap<(String, Millis), Option<super::episodes::Episode>>;

async fn save(
    connection: &mut SqliteConnection,
    incoming: &[Incoming],
    known: &HashMap<String, store::alerts::Known>,
    desk: &Desk,
    (episodes, latest): (&BTreeMap<(String, Millis), i64>, &Latest),
    now: Millis,
) -> Result<(), Error> {
    // The newest message of an alert wins; duplicates within one statement would be refused.
    let mut seen = HashSet::new();
    let rows: Vec<store::alerts::Row<'_>> = incoming
        .iter()
        .rev()
        .filter(|one| known.contains_key(&one.id))
        .filter_map(|one| Some((one, one.alert.as_ref()?)))
        .filter(|(one, _)| seen.insert(one.id.as_str()))
        .map(|(one, alert)| store::alerts::Row {
            id: &one.id,
            source: one.source.as_str(),
            labels: &alert.labels,
            annotations: &alert.annotations,
            extra: &alert.extra,
            generator_url: &alert.generator_url,
            fingerprint: &alert.fingerprint,
            listed: one.source == Source::Reconcile,
        })
        .collect();
    store::alerts::save(connection, &rows, now).await?;
    let changes: Vec<store::alerts::Changes<'_>> = known
        .iter()
        .map(|(id, known)| store::alerts::Changes {
            id,
            flips: &known.track.flips,
            flapping: i64::from(known.track.flapping),
            hold_until: known.track.hold_until,
        })
        .collect();
    store::alerts::save_changes(connection, &changes).await?;
    store::incidents::save(connection, &desk.incidents.values().collect::<Vec<_>>()).await?;
    store::incidents::save_keys(connection, &desk.new_keys).await?;
    let rows: Vec<store::episodes::Row<'_>> = episodes
        .iter()
        .filter_map(|(key, incident)| {
            let episode = latest.get(key)?.as_ref()?;
            Some(store::episodes::Row { alert: &key.0, incident: *incident, episode })
        })
        .collect();
    store::episodes::save(connection, &rows).await
}

fn starts(effect: Effect) -> bool {
    match effect {
        Effect::Opened | Effect::ResolvedOnly | Effect::Suppressed | Effect::FlappingStarted => true,
        Effect::Reopened | Effect::Resolved | Effect::Stale | Effect::Released | Effect::FlappingEnded => false,
    }
}

fn count(applied: &mut Applied, effects: &[Effect]) {
    if effects.is_empty() {
        applied.unchanged += 1;
    }
    for effect in effects {
        match effect {
            Effect::Opened | Effect::Reopened | Effect::Released => applied.opened += 1,
            Effect::Resolved | Effect::ResolvedOnly | Effect::Stale => applied.resolved += 1,
            Effect::Suppressed | Effect::FlappingStarted | Effect::FlappingEnded => {}
        }
    }
}

impl Desk {
    async fn load(
        connection: &mut SqliteConnection,
        incoming: &[Incoming],
        known: &HashMap<String, store::alerts::Known>,
        now: Millis,
    ) -> Result<Self, Error> {
        let wanted: Vec<String> =
            incoming.iter().filter_map(|one| Some(group::keys(&one.id, one.alert.as_ref()?))).flatten().collect();
        let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
        let keys: HashMap<String, i64> =
            store::incidents::by_keys(connection, &wanted, now - group::REOPEN).await?.into_iter().collect();
        let leads = store::incidents::leads(connection, now - group::LEAD).await?;
        let ids: Vec<i64> = keys
            .values()
            .copied()
            .chain(known.values().filter_map(|known| known.incident))
            .chain(leads.iter().map(|(_, id)| *id))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        Ok(Self {
            incidents: store::incidents::load(connection, &ids).await?.into_iter().collect(),
            happened: BTreeMap::new(),
            keys,
            new_keys: BTreeMap::new(),
            leads: leads.into_iter().collect(),
            next_id: store::incidents::next_id(connection).await?,
        })
    }

    /// The incident that a new outbreak belongs to, made if there is none.
    fn place(&mut self, index: usize, one: &Incoming, now: Millis) -> i64 {
        let Some(alert) = &one.alert else {
            // Time alone starts no outbreak, so this is not reached with an alert that is unknown.
            return self.keys.get(&format!("alert {}", one.id)).copied().unwrap_or_default();
        };
        let keys = group::keys(&one.id, alert);
        let found = keys.iter().find_map(|key| self.keys.get(key).copied());
        let own = one.source == Source::Own;
        let lead = (!own).then(|| self.leads.get(alert.cluster()).copied()).flatten();
        let (incident, mark) = match found.or(lead) {
            Some(incident) => (incident, Mark::Joined),
            None => (self.open(one, alert, now), Mark::New),
        };
        self.happened.entry(incident).or_default().effects.insert(mark);
        self.happened.entry(incident).or_default().alerts.push(index);
        if group::leads(alert) {
            self.leads.insert(alert.cluster().to_owned(), incident);
            if let Some(incident) = self.incidents.get_mut(&incident) {
                incident.control_plane = true;
            }
        }
        for key in keys {
            self.keys.insert(key.clone(), incident);
            self.new_keys.insert(key, incident);
        }
        incident
    }

    fn open(&mut self, one: &Incoming, alert: &Alert, now: Millis) -> i64 {
        let id = self.next_id;
        self.next_id += 1;
        let incident = Incident {
            id,
            kind: if one.source == Source::Own { "notice" } else { "alert" }.to_owned(),
            state: "open".to_owned(),
            severity: alert.severity().as_str().to_owned(),
            cluster: alert.cluster().to_owned(),
            title: group::title(alert),
            lead: one.id.clone(),
            control_plane: false,
            cause: None,
            merged_into: None,
            digest: None,
            revision: 1,
            opened_at: now,
            updated_at: now,
            closed_at: None,
        };
        self.incidents.insert(id, incident);
        id
    }

    fn note(&mut self, id: i64, index: usize, effects: &[Effect], alert: Option<&Alert>) {
        let Some(incident) = self.incidents.get_mut(&id) else { return };
        let happened = self.happened.entry(id).or_default();
        for effect in effects {
            let mark = match effect {
                Effect::Opened | Effect::ResolvedOnly | Effect::Suppressed => None,
                Effect::Reopened => Some(Mark::Reopened),
                Effect::Released => Some(Mark::Released),
                Effect::FlappingStarted => Some(Mark::Flapping),
                Effect::Resolved | Effect::FlappingEnded => Some(Mark::Ended),
                Effect::Stale => Some(Mark::Faded),
            };
            happened.effects.extend(mark);
            if mark.is_some() && happened.alerts.last() != Some(&index) {
                happened.alerts.push(index);
            }
        }
        let Some(severity) = alert.filter(|_| !effects.is_empty()).map(Alert::severity) else { return };
        if severity > Severity::from_stored(&incident.severity) {
            severity.as_str().clone_into(&mut incident.severity);
            happened.effects.insert(Mark::Worse);
        }
    }
}
