//! What the store holds for the tools: incidents, their reports, the audit.

use std::sync::Arc;

use serde_json::{Value, json};
use tools::{Caller, Change, Decision, Document, Helm, Proposed, Tool, Trouble};

use super::person;
use crate::approvals::Approvals;
use crate::audit::{Action, Audit, Entry};
use crate::hands::{self, Place};
use crate::store::{Error, Store, alerts, incidents, reports};

/// Incidents in one answer, and alerts of one incident.
const MOST: i64 = 50;

pub struct Desk {
    pub store: Store,
    pub audit: Audit,
    pub approvals: Arc<Approvals>,
    pub place: Place,
    pub helm: Option<Helm>,
}

fn failed(error: Error) -> Trouble {
    Trouble::Refused(format!("Midwatch's store does not answer: {error}. Try again."))
}

fn time(millis: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(millis).ok().map(|time| time.to_string())
}

fn summary(incident: &incidents::Incident) -> Value {
    json!({
        "id": incident.id,
        "state": incident.state,
        "severity": incident.severity,
        "title": incident.title,
        "cluster": incident.cluster,
        "cause": incident.cause,
        "opened": time(incident.opened_at),
        "updated": time(incident.updated_at),
        "closed": incident.closed_at.and_then(time),
    })
}

impl Desk {
    pub async fn propose(&self, caller: &Caller, change: Change) -> Result<Proposed, Trouble> {
        let nobody = || Trouble::Refused("Only somebody who proved their name can propose a change.".to_owned());
        if change.context.as_deref().is_some_and(|context| self.approvals.context() != Some(context)) {
            let why = "only the cluster that Midwatch serves can be changed; leave context out";
            return Err(Trouble::unreadable("context", why));
        }
        hands::propose(&self.approvals, &person(caller).ok_or_else(nobody)?, change, &self.place).await
    }

    pub async fn status(&self, caller: &Caller, id: &str) -> Result<Option<Proposed>, Trouble> {
        match person(caller) {
            Some(person) => hands::status(&self.approvals, &person, id, &self.place).await,
            None => Ok(None),
        }
    }

    pub async fn alerts(&self, firing: bool) -> Result<Value, Trouble> {
        let listed = incidents::list(self.store.read(), firing, MOST).await.map_err(failed)?;
        let told = listed.iter().filter(|incident| incident.merged_into.is_none());
        Ok(json!({"incidents": told.map(summary).collect::<Vec<_>>()}))
    }

    pub async fn document(&self, which: &Document) -> Result<Option<Value>, Trouble> {
        let (Document::Incident(id) | Document::Report(id)) = which;
        let Ok(id) = id.parse::<i64>() else { return Ok(None) };
        let Some(incident) = incidents::get(self.store.read(), id).await.map_err(failed)? else { return Ok(None) };
        let id = incident.merged_into.unwrap_or(incident.id);
        let report = reports::latest(self.store.read(), id).await.map_err(failed)?;
        let report: Option<Value> = report.and_then(|text| serde_json::from_str(&text).ok());
        match which {
            Document::Report(_) => Ok(report),
            Document::Incident(_) => {
                let alerts = alerts::of_incident(self.store.read(), id, MOST).await.map_err(failed)?;
                let alerts = alerts.iter().map(|alert| {
                    json!({"state": alert.state, "labels": alert.labels, "annotations": alert.annotations,
                        "started": time(alert.starts_at)})
                });
                let mut shown = summary(&incident);
                shown["alerts"] = alerts.collect();
                shown["causes"] = report.map(|report| report["causes"].clone()).unwrap_or_default();
                Ok(Some(shown))
            }
        }
    }

    pub async fn record(
        &self,
        caller: &Caller,
        tool: &Tool,
        arguments: &Value,
        decision: Decision,
    ) -> Result<(), Trouble> {
        let mut entry = Entry::new(Action::Decided, caller.name.clone());
        entry.tool = Some(tool.name.to_owned());
        entry.request = Some(arguments.clone());
        entry.class = Some(tool.class.as_str().to_owned());
        let (decided, note) = match decision {
            Decision::Allowed => ("allow", None),
            Decision::Refused(why) => ("deny", Some(why)),
            Decision::Cancelled => ("allow", Some("cancelled by the client".to_owned())),
        };
        entry.decision = Some(decided.to_owned());
        entry.note = note;
        let written = match tool.class {
            cluster::Class::R => self.audit.note(entry).await,
            _ => self.audit.write(entry).await.map(|_| ()),
        };
        written.map_err(|error| {
            Trouble::Refused(format!("The audit log cannot be written, so this does not happen: {error}"))
        })
    }
}
