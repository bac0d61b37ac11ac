//! After a change: whether the object becomes well again, and what happens when it does not.

use serde_json::Value;

use super::object;
use super::{Approvals, Refusal, span, stop};
use crate::audit::{self, Action, Entry};
use crate::jobs::Job;
use crate::store::proposals::{self, Row};
use crate::store::{Millis, jobs};

/// What stands in `health`.
pub const WATCHING: &str = "watching";
pub const GOOD: &str = "good";
pub const BAD: &str = "bad";
const LOOK_EVERY: Millis = 5_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    Good,
    /// Not yet, with what is missing.
    Coming(String),
    Bad(String),
}

/// How an object is, by its status alone.
pub fn health(object: &Value) -> Health {
    let number = |field: &Value| field.as_i64().unwrap_or_default();
    let (spec, status) = (&object["spec"], &object["status"]);
    if number(&status["observedGeneration"]) < number(&object["metadata"]["generation"])
        && !status["observedGeneration"].is_null()
    {
        return Health::Coming("the controller has not looked at it yet".to_owned());
    }
    let conditions = status["conditions"].as_array();
    let condition = |kind: &str, value: &str| {
        let mut all = conditions.into_iter().flatten();
        all.find(|one| one["type"] == kind && one["status"] == value).and_then(|one| one["message"].as_str())
    };
    match object["kind"].as_str().unwrap_or_default() {
        "Deployment" => {
            if let Some(why) = condition("Progressing", "False").or_else(|| condition("ReplicaFailure", "True")) {
                return Health::Bad(why.to_owned());
            }
            rolled_out(spec["replicas"].as_i64().unwrap_or(1), &status["updatedReplicas"], &status["availableReplicas"])
        }
        "StatefulSet" => {
            rolled_out(spec["replicas"].as_i64().unwrap_or(1), &status["updatedReplicas"], &status["availableReplicas"])
        }
        "ReplicaSet" => {
            rolled_out(spec["replicas"].as_i64().unwrap_or(1), &status["replicas"], &status["availableReplicas"])
        }
        "DaemonSet" => rolled_out(
            number(&status["desiredNumberScheduled"]),
            &status["updatedNumberScheduled"],
            &status["numberAvailable"],
        ),
        "Pod" => match status["phase"].as_str() {
            Some("Failed") => Health::Bad("the pod failed".to_owned()),
            Some("Succeeded") => Health::Good,
            _ if condition("Ready", "True").is_some() || has(conditions, "Ready", "True") => Health::Good,
            _ => Health::Coming("the pod is not ready".to_owned()),
        },
        "Job" if has(conditions, "Failed", "True") => Health::Bad("the job failed".to_owned()),
        _ => Health::Good,
    }
}

fn has(conditions: Option<&Vec<Value>>, kind: &str, value: &str) -> bool {
    conditions.into_iter().flatten().any(|one| one["type"] == kind && one["status"] == value)
}

fn rolled_out(wanted: i64, updated: &Value, available: &Value) -> Health {
    let (updated, available) = (updated.as_i64().unwrap_or_default(), available.as_i64().unwrap_or_default());
    if updated >= wanted && available >= wanted {
        return Health::Good;
    }
    Health::Coming(format!("{updated} of {wanted} replicas are new, {available} are available"))
}

impl Approvals {
    /// The job: one look, and another one later unless this one told enough.
    pub async fn watch(&self, seq: i64) -> Result<(), String> {
        self.look(seq).await.map_err(|error| error.to_string())
    }

    async fn look(&self, seq: i64) -> Result<(), Refusal> {
        let Some(row) = proposals::by_seq(self.store.read(), seq).await? else { return Ok(()) };
        if row.health.as_deref() != Some(WATCHING) {
            return Ok(());
        }
        let Some(plan) = self.plan(&row)? else { return Ok(()) };
        let now = self.now();
        let until = row.ended_at.unwrap_or(row.created_at) + span(self.settings.watch());
        let (Some(_), Some(name)) = (&plan.after, plan.object_name()) else {
            return self.conclude(&row, Ok("the object is gone, as was asked".to_owned())).await;
        };
        // Of a subresource the object itself tells how it is.
        let about = cluster::Request { subresource: None, ..plan.request.clone() };
        let as_user = self.as_user(about.as_user.as_ref())?;
        let reading = super::reading(&as_user, &self.current_policy());
        let found = match object::read(&reading, &about, &name).await {
            Ok(Some(seen)) => health(&seen.raw),
            Ok(None) => Health::Bad("the object is gone".to_owned()),
            Err(error) => Health::Coming(error.to_string()),
        };
        match found {
            Health::Good => self.conclude(&row, Ok("well".to_owned())).await,
            Health::Bad(why) => self.conclude(&row, Err(why)).await,
            Health::Coming(why) if now >= until => self.conclude(&row, Err(why)).await,
            Health::Coming(_) => {
                let again = self.store.write(move |connection| {
                    let job = Job::Watch { proposal: seq }.queued(3, now + LOOK_EVERY);
                    Box::pin(async move { jobs::enqueue(connection, &[job], now).await })
                });
                Ok(again.await?)
            }
        }
    }

    pub(super) async fn conclude(&self, row: &Row, how: Result<String, String>) -> Result<(), Refusal> {
        let (seq, now) = (row.seq, self.now());
        let (health, text) = match how {
            Ok(text) => (GOOD, text),
            Err(text) => (BAD, text),
        };
        let entry = Entry {
            proposal: Some(row.id.clone()),
            decision: Some(health.to_owned()),
            ..Entry::new(Action::HealthChecked, "midwatch").note(text)
        };
        let written = self.store.write(move |connection| {
            Box::pin(async move {
                let now = proposals::present(connection, now).await?;
                proposals::set_health(connection, seq, health, now).await?;
                audit::append(connection, &entry, now).await?;
                if health == BAD { stop::after_failure(connection, now).await } else { Ok(()) }
            })
        });
        Ok(written.await?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rollout_is_good_when_all_replicas_are_new_and_available() {
        let object = |updated: i64, available: i64, seen: i64| {
            json!({"kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 3},
                "status": {"observedGeneration": seen, "updatedReplicas": updated, "availableReplicas": available}})
        };
        assert_eq!(health(&object(3, 3, 2)), Health::Good);
        assert!(matches!(health(&object(3, 3, 1)), Health::Coming(_)));
        assert!(matches!(health(&object(3, 2, 2)), Health::Coming(_)));
        let mut stuck = object(1, 2, 2);
        stuck["status"]["conditions"] = json!([{"type": "Progressing", "status": "False", "message": "deadline"}]);
        assert_eq!(health(&stuck), Health::Bad("deadline".to_owned()));
    }

    #[test]
    fn what_has_no_status_is_well() {
        assert_eq!(health(&json!({"kind": "ConfigMap", "data": {}})), Health::Good);
        assert_eq!(
            health(&json!({"kind": "Pod", "status": {"phase": "Failed"}})),
            Health::Bad("the pod failed".into())
        );
    }
}
