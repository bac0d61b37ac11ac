//! What became of a change whose answer was lost: found out by reading, never by sending it again.

use cluster::Verb;
use jiff::Timestamp;
use serde_json::Value;

use super::canonical::MANAGER;
use super::clean::clean_new;
use super::execute::{Came, LOOK_AGAIN};
use super::object::{self, Seen};
use super::plan::Plan;
use super::{Approvals, Event, Refusal};
use crate::jobs::Job;
use crate::store::proposals::Row;
use crate::store::{Millis, jobs};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    Applied,
    NotApplied,
    /// The object is neither as before nor as it was to become.
    Unclear,
}

/// What the object tells about a change that was on its way since `since`.
pub fn found(plan: &Plan, now: Option<&Seen>, since: Millis) -> Found {
    let before = plan.request.preconditions.as_ref().and_then(|conditions| conditions.uid.as_deref());
    match (plan.request.verb, now) {
        (Verb::Delete, None) => Found::Applied,
        (Verb::Delete, Some(seen)) if seen.uid.as_deref() != before || seen.is_going() => Found::Applied,
        (Verb::Delete, Some(_)) => Found::NotApplied,
        (Verb::Create, None) => {
            if plan.object_name().is_some() {
                Found::NotApplied
            } else {
                Found::Unclear
            }
        }
        (Verb::Create, Some(seen)) => {
            let asked = plan.request.body.as_ref().unwrap_or(&Value::Null);
            if wrote(seen, since) || Some(&clean_new(&seen.raw, asked)) == plan.after.as_ref() {
                return Found::Applied;
            }
            Found::NotApplied
        }
        (_, None) => Found::Unclear,
        (_, Some(seen)) if seen.uid.as_deref() != before => Found::Unclear,
        (_, Some(seen)) if Some(&seen.clean) == plan.after.as_ref() || wrote(seen, since) => Found::Applied,
        (_, Some(seen)) if Some(&seen.clean) == plan.live.as_ref() => Found::NotApplied,
        (_, Some(_)) => Found::Unclear,
    }
}

/// Whether the API server noted a write of ours since then. It notes whole seconds.
fn wrote(seen: &Seen, since: Millis) -> bool {
    let entries = seen.raw["metadata"]["managedFields"].as_array();
    entries.into_iter().flatten().any(|entry| {
        let time = entry["time"].as_str().and_then(|time| time.parse::<Timestamp>().ok());
        entry["manager"] == MANAGER && time.is_some_and(|time| time.as_second() >= since.div_euclid(1_000))
    })
}

impl Approvals {
    pub(super) async fn settle(&self, row: &Row, plan: &Plan) -> Result<(), Refusal> {
        let as_user = self.as_user(plan.request.as_user.as_ref())?;
        let reading = super::reading(&as_user, &self.current_policy());
        let seen = match plan.object_name() {
            Some(name) => object::read(&reading, &plan.request, &name).await?,
            None => None,
        };
        let now = self.now();
        let (applied, text) = match found(plan, seen.as_ref(), row.intended_at.unwrap_or_default()) {
            Found::Applied => (Some(true), "it took effect"),
            // It may still be on its way.
            Found::NotApplied | Found::Unclear if now < self.settled_at(row) => {
                let seq = row.seq;
                let again = self.store.write(move |connection| {
                    let job = Job::Execute { proposal: seq }.queued(0, now + LOOK_AGAIN);
                    Box::pin(async move { jobs::enqueue(connection, &[job], now).await })
                });
                return Ok(again.await?);
            }
            Found::NotApplied => (Some(false), "it did not take effect"),
            Found::Unclear => {
                (None, "whether it took effect cannot be told: somebody changed the object meanwhile; look at it")
            }
        };
        let came = Came {
            event: Event::Found,
            text: text.to_owned(),
            code: None,
            audit_id: None,
            object: seen.map(|seen| seen.raw),
            applied,
        };
        self.record(row, plan, came).await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::plan::tests::plan;
    use super::*;

    fn object(replicas: i64, managed: &str) -> Seen {
        Seen::new(json!({"kind": "Deployment", "metadata": {"name": "web", "uid": "u1", "generation": 3,
            "managedFields": [{"manager": MANAGER, "time": managed}]}, "spec": {"replicas": replicas}}))
    }

    #[test]
    fn the_object_tells_what_became_of_a_lost_change() {
        let plan = plan();
        let since = "2026-01-01T00:00:10.500Z".parse::<Timestamp>().unwrap().as_millisecond();
        let (old, new) = ("2026-01-01T00:00:09Z", "2026-01-01T00:00:10Z");
        assert_eq!(found(&plan, Some(&object(5, old)), since), Found::Applied);
        assert_eq!(found(&plan, Some(&object(3, old)), since), Found::NotApplied);
        // somebody put it back at once: it still was done
        assert_eq!(found(&plan, Some(&object(3, new)), since), Found::Applied);
        assert_eq!(found(&plan, Some(&object(9, old)), since), Found::Unclear);
        assert_eq!(found(&plan, None, since), Found::Unclear);
        let mut other = object(5, old);
        other.uid = Some("u2".into());
        assert_eq!(found(&plan, Some(&other), since), Found::Unclear);
    }

    #[test]
    fn a_deletion_is_seen_by_what_is_there() {
        let mut plan = plan();
        plan.request.verb = Verb::Delete;
        plan.after = None;
        assert_eq!(found(&plan, None, 0), Found::Applied);
        assert_eq!(found(&plan, Some(&object(3, "2026-01-01T00:00:00Z")), 0), Found::NotApplied);
        let mut other = object(3, "2026-01-01T00:00:00Z");
        other.uid = Some("u2".into());
        assert_eq!(found(&plan, Some(&other), 0), Found::Applied);
    }
}
