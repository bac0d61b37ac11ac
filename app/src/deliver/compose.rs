//! What a row of the outbox says: the incident as it is now, as a message tree.

use std::collections::BTreeMap;
use std::sync::Arc;

use diagnose::{Lang, Report};
use jiff::Timestamp;
use notify::{Block, Channel, Inline, Keep, Link, Message, Section, Status};

use super::routes::Routes;
use super::template::Templates;
use super::words;
use crate::investigate::verify::Words;
use crate::message::{self, Overview, Voice};
use crate::store::alerts::Stored;
use crate::store::incidents::Incident;
use crate::store::outbox::{self, Row};
use crate::store::{Error, Millis, Store, alerts, incidents, reports, runs, sending};

/// Alerts of an incident that a message looks at; the count is told in any case.
const ALERTS: i64 = 50;
/// Incidents that a digest lists by name.
const LISTED: usize = 20;

pub struct Composer {
    pub store: Store,
    pub voice: Voice,
    /// the cluster's name where an alert's labels do not give one
    pub cluster: String,
    /// links in messages start with it
    pub public_url: Option<String>,
    pub routes: Arc<Routes>,
    pub templates: Templates,
}

/// A message with what the sender needs to know of it.
pub struct Composed {
    pub message: Message,
    /// the incident's revision that it tells
    pub revision: i64,
    pub critical: bool,
}

impl Composer {
    /// None when there is nothing left to say: the incident was merged into another that has its own row.
    pub async fn compose(&self, row: &Row, channel: &Channel) -> Result<Option<Composed>, Error> {
        if row.incident == outbox::DIGEST {
            return self.digest(row).await.map(Some);
        }
        let Some(incident) = incidents::get(self.store.read(), row.incident).await? else { return Ok(None) };
        if incident.state == "merged" {
            return Ok(None);
        }
        let alerts = alerts::of_incident(self.store.read(), incident.id, ALERTS).await?;
        let mut message = self.incident(&incident, &alerts).await?;
        if let Some(labels) = alerts.first().map(|alert| &alert.labels)
            && incident.state == "open"
            && sending::messages_before(self.store.read(), row).await? == 0
        {
            // people are called once, by the first message, whatever it tells
            message.mentions = self.routes.mentions(labels).to_vec();
        }
        if flapping(&alerts) {
            message.footer = self.flapping_footer(&alerts);
        }
        self.templates.apply(&mut message, channel, self.voice.lang);
        clean(&mut message);
        let critical = incident.severity == "critical";
        Ok(Some(Composed { message, revision: incident.revision, critical }))
    }

    /// The incident as it is now: its newest diagnosis, or its end.
    pub async fn incident(&self, incident: &Incident, alerts: &[Stored]) -> Result<Message, Error> {
        let report = self.report(incident).await?;
        let overview = self.overview(incident, alerts, report.as_ref());
        let mut message = match (incident.state.as_str(), &report) {
            ("resolved", report) => message::resolved(&overview, report.as_ref(), ended(incident), &self.voice),
            (_, Some(report)) => {
                let mut message = message::diagnosed(&overview, report, &self.voice);
                if let Some(words) = self.words(incident).await? {
                    message.sections.extend(words::section(&words, self.voice.lang));
                }
                message
            }
            (_, None) if incident.kind == "notice" => message::notice(&overview, &self.voice),
            (_, None) => message::plain(&overview, &self.voice),
        };
        message.thread = format!("incident-{}", incident.id);
        message.revision = u32::try_from(incident.revision).unwrap_or(u32::MAX);
        message.link = self.link(incident);
        Ok(message)
    }

    async fn report(&self, incident: &Incident) -> Result<Option<Report>, Error> {
        let Some(json) = reports::latest(self.store.read(), incident.id).await? else { return Ok(None) };
        Ok(serde_json::from_str(&json).ok())
    }

    /// What a model said of the newest report.
    async fn words(&self, incident: &Incident) -> Result<Option<Words>, Error> {
        let newest = reports::newest(self.store.read(), incident.id).await?;
        let Some((revision, words)) = runs::words(self.store.read(), incident.id).await? else { return Ok(None) };
        if newest.is_none_or(|(newest, _)| newest != revision) {
            return Ok(None);
        }
        Ok(serde_json::from_str(&words).ok())
    }

    fn overview(&self, incident: &Incident, alerts: &[Stored], report: Option<&Report>) -> Overview {
        let lead = alerts.iter().find(|alert| alert.id == incident.lead).or_else(|| alerts.first());
        let empty = BTreeMap::new();
        let labels = lead.map_or(&empty, |alert| &alert.labels);
        let annotations = lead.map_or(&empty, |alert| &alert.annotations);
        let get = |map: &BTreeMap<String, String>, names: &[&str]| {
            names.iter().find_map(|name| map.get(*name).filter(|v| !v.is_empty()).cloned()).unwrap_or_default()
        };
        let summary = match self.voice.lang {
            Lang::Zh => get(annotations, &["summary_zh", "summary", "description", "message"]),
            Lang::En => get(annotations, &["summary", "description", "message"]),
        };
        let object = match report.map(|report| &report.target) {
            Some(diagnose::Target::Object(object)) => object.to_string(),
            Some(_) | None => message::object_of(labels),
        };
        Overview {
            title: incident.title.clone(),
            alert: get(labels, &["alertname"]),
            severity: incident.severity.clone(),
            namespace: get(labels, &["exported_namespace", "namespace"]),
            object,
            summary,
            since: alerts.iter().map(|alert| alert.starts_at).min().and_then(timestamp),
            count: alerts.len(),
            cluster: if incident.cluster.is_empty() { self.cluster.clone() } else { incident.cluster.clone() },
        }
    }

    fn link(&self, incident: &Incident) -> Option<Link> {
        let base = self.public_url.as_ref()?.trim_end_matches('/');
        let text = match self.voice.lang {
            Lang::Zh => "完整报告",
            Lang::En => "Full report",
        };
        Some(Link { text: text.to_owned(), url: format!("{base}/incidents/{}", incident.id) })
    }

    fn flapping_footer(&self, alerts: &[Stored]) -> String {
        let times: u32 = alerts.iter().map(|alert| alert.refires + 1).max().unwrap_or(1);
        match self.voice.lang {
            Lang::Zh => format!("告警反复触发（{times} 次），恢复通知将在稳定后发送"),
            Lang::En => format!("flapping: fired {times} times; its end is told when it stays quiet"),
        }
    }

    fn digest_line(&self, incident: &Incident) -> Vec<Inline> {
        let (zh, en) = match incident.severity.as_str() {
            "critical" => ("严重", "critical"),
            "warning" => ("警告", "warning"),
            _ => ("提示", "info"),
        };
        let ended = incident.state != "open";
        let text = match self.voice.lang {
            Lang::Zh => format!("[{zh}] {}{}", incident.title, if ended { "（已恢复）" } else { "" }),
            Lang::En => format!("[{en}] {}{}", incident.title, if ended { " (resolved)" } else { "" }),
        };
        vec![Inline::Text(text)]
    }

    async fn digest(&self, row: &Row) -> Result<Composed, Error> {
        let ids = outbox::digest_items(self.store.read(), row.revision, &row.channel).await?;
        let mut told = Vec::new();
        for id in &ids {
            told.extend(incidents::get(self.store.read(), *id).await?);
        }
        // the worst first, for the list may be cut
        told.sort_by_key(|incident| (incident.severity != "critical", incident.state != "open", incident.id));
        let count = told.len();
        let critical = told.iter().filter(|incident| incident.severity == "critical").count();
        let mut items: Vec<Vec<Inline>> = told.iter().take(LISTED).map(|one| self.digest_line(one)).collect();
        if count > LISTED {
            let more = count - LISTED;
            items.push(vec![Inline::Text(match self.voice.lang {
                Lang::Zh => format!("另有 {more} 个"),
                Lang::En => format!("{more} more"),
            })]);
        }
        let lead = match self.voice.lang {
            Lang::Zh => format!("一分钟内新增 {count} 个事件，其中严重 {critical} 个"),
            Lang::En => format!("{count} new incidents in one minute, {critical} of them critical"),
        };
        let title = match self.voice.lang {
            Lang::Zh => "告警风暴汇总",
            Lang::En => "Storm digest",
        };
        let mut message = message::empty(self.voice.lang, Status::Digest, lead);
        message.title = title.to_owned();
        message.severity = if critical > 0 { notify::Severity::Critical } else { notify::Severity::Warning };
        message.thread = format!("digest-{}", row.revision);
        message.sections = vec![Section::new("").with(Keep::Normal, Block::List(items))];
        clean(&mut message);
        Ok(Composed { message, revision: row.revision, critical: critical > 0 })
    }
}

/// Labels, annotations and templates may hold secrets; what goes out passes here.
fn clean(message: &mut Message) {
    message.map_text(&mut |text| redact::text(text).into_owned());
}

fn flapping(alerts: &[Stored]) -> bool {
    alerts.iter().any(|alert| alert.flapping)
}

fn ended(incident: &Incident) -> Timestamp {
    timestamp(incident.closed_at.unwrap_or(incident.updated_at)).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn timestamp(at: Millis) -> Option<Timestamp> {
    Timestamp::from_millisecond(at).ok()
}
