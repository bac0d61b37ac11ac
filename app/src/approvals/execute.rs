//! Sends what was approved, once, to the object that was looked at.

use std::sync::Arc;

use cluster::{JSON_PATCH, Outcome, Permit, Request, Sent};
use serde_json::{Value, json};

use super::plan::{Plan, object_digest};
use super::propose::{conditions, trial};
use super::{Approvals, Event, Refusal, State, object, span};
use crate::audit::{self, Action, Entry};
use crate::failpoint::crash_at;
use crate::jobs::Job;
use crate::store::proposals::{self, Row};
use crate::store::{Millis, jobs};

/// A change that was not sent within this time after its intent is not sent any more.
pub const SEND_WITHIN: Millis = 20_000;
/// How often the object is looked at because its version moved after the look.
const LOOKS: usize = 4;
/// When the object is looked at after a lost answer.
pub const LOOK_AGAIN: Millis = 2_000;

/// What came of it.
pub struct Came {
    pub event: Event,
    pub text: String,
    pub code: Option<u16>,
    pub audit_id: Option<String>,
    pub object: Option<Value>,
    /// Whether it took effect, as far as that is known.
    pub applied: Option<bool>,
}

impl Came {
    fn not(event: Event, text: impl Into<String>) -> Self {
        Self { event, text: text.into(), code: None, audit_id: None, object: None, applied: None }
    }
}

/// What the API server's answer means. A version that moved is 409, and 422 where a JSON patch tests it.
fn came_of(request: &Request, sent: Result<Sent, Outcome>) -> Came {
    match sent {
        Ok(sent) => Came {
            event: Event::Done,
            text: "done".to_owned(),
            code: Some(sent.code),
            audit_id: sent.audit_id,
            object: Some(sent.object),
            applied: Some(true),
        },
        Err(Outcome::Refused { code, message, audit_id, .. }) => {
            let tested = request.content_type.as_deref() == Some(JSON_PATCH);
            Came {
                event: if code == 409 || (code == 422 && tested) { Event::Moved } else { Event::NotDone },
                text: format!("HTTP {code}: {message}"),
                code: Some(code),
                audit_id,
                object: None,
                applied: Some(false),
            }
        }
        Err(Outcome::Unknown { why, audit_id }) => Came { audit_id, ..Came::not(Event::Lost, why) },
        Err(Outcome::NotSent { why }) => Came::not(Event::NotDone, format!("it was not sent: {why}")),
    }
}

impl Approvals {
    /// The job: whatever state a crash left it in, this goes on from there. Nothing is ever sent twice.
    pub async fn execute(self: &Arc<Self>, seq: i64) -> Result<(), String> {
        self.advance(seq).await.map_err(|error| error.to_string())
    }

    async fn advance(self: &Arc<Self>, seq: i64) -> Result<(), Refusal> {
        let Some(row) = proposals::by_seq(self.store.read(), seq).await? else { return Ok(()) };
        let state = State::read(&row.state);
        let plan = match self.plan(&row) {
            Ok(Some(plan)) => plan,
            Ok(None) => return Ok(()),
            Err(error) => {
                // Whoever touched the plan, it is not run.
                return match state {
                    Some(State::Proposed | State::Approved) => {
                        self.leave(&row, Event::Moved, Action::Refused, "midwatch", &error.to_string()).await
                    }
                    _ => Err(error),
                };
            }
        };
        match state {
            Some(State::Approved) => {
                crash_at("approval-before-intent");
                if !self.intend(&row, &plan).await? {
                    return Ok(());
                }
                crash_at("approval-after-intent");
                let came = self.send(&plan, self.now()).await;
                crash_at("approval-before-record");
                self.record(&row, &plan, came).await
            }
            // Another run of this job ended between the intent and the record: sent or not, nobody knows.
            Some(State::Intended) => {
                self.record(&row, &plan, Came::not(Event::Lost, "Midwatch stopped while it was being sent")).await
            }
            Some(State::Unknown) => self.settle(&row, &plan).await,
            Some(
                State::Proposed
                | State::Executed
                | State::Failed
                | State::Resolved
                | State::Denied
                | State::Expired
                | State::Withdrawn
                | State::Stale,
            )
            | None => Ok(()),
        }
    }

    async fn send(&self, plan: &Plan, intended_at: Millis) -> Came {
        let as_user = match self.as_user(plan.request.as_user.as_ref()) {
            Ok(cluster) => cluster,
            Err(error) => return Came::not(Event::NotDone, error.to_string()),
        };
        let mut came = Came::not(Event::Moved, "the object does not keep still");
        for _ in 0..LOOKS {
            let request = match self.unchanged(plan, &as_user).await {
                Ok(request) => request,
                Err(Refusal::Stale(why)) => return Came::not(Event::Moved, why),
                Err(error) => return Came::not(Event::NotDone, error.to_string()),
            };
            if self.now() - intended_at > SEND_WITHIN {
                return Came::not(Event::NotDone, "looking at the object took too long; nothing was sent");
            }
            crash_at("approval-before-send");
            let sent = as_user.execute(&request, Permit::new(request.digest())).await;
            crash_at("approval-after-send");
            came = came_of(&request, sent);
            // Refused because the object's version moved after the look, most often by its status: look again.
            if came.event != Event::Moved {
                return came;
            }
        }
        came
    }

    /// The request with the object's present version, if object and preview still are what was approved.
    async fn unchanged(&self, plan: &Plan, as_user: &cluster::Cluster) -> Result<Request, Refusal> {
        let stale = |why: &str| Err(Refusal::Stale(why.to_owned()));
        let reading = super::reading(as_user, &self.current_policy());
        let seen = match plan.object_name() {
            Some(name) => object::read(&reading, &plan.request, &name).await?,
            None => None,
        };
        let mut request = plan.request.clone();
        match (&plan.live, &seen) {
            (None, None) => {}
            (None, Some(_)) => return stale("somebody made an object of this name since"),
            (Some(_), None) => return stale("the object is gone"),
            (Some(_), Some(seen)) => {
                let before = plan.request.preconditions.clone().unwrap_or_default();
                if seen.uid != before.uid {
                    return stale("the object was made anew since");
                }
                let clean = Some(&seen.clean);
                if seen.generation != plan.generation || object_digest(clean) != object_digest(plan.live.as_ref()) {
                    return stale("somebody changed the object since");
                }
                // Values of a Secret are not seen here, so that only its version tells whether they changed.
                if seen.clean["kind"] == "Secret" && seen.resource_version != before.resource_version {
                    return stale("somebody changed the Secret since");
                }
                if seen.is_going() {
                    return stale("the object is being deleted");
                }
                request.preconditions = Some(conditions(seen));
            }
        }
        let live = seen.as_ref().map(|seen| &seen.clean);
        let after = object::preview(as_user, &trial(&request), live).await?;
        if object_digest(after.as_ref()) != object_digest(plan.after.as_ref()) {
            return stale("the change would now do something else than what was approved");
        }
        self.within_limits(&self.current_policy(), &reading, &request, seen.as_ref(), after.as_ref()).await?;
        Ok(request)
    }

    /// Writes down what came of it, and what is to be done next.
    pub(super) async fn record(&self, row: &Row, plan: &Plan, came: Came) -> Result<(), Refusal> {
        let (seq, now) = (row.seq, self.now());
        let object = came.object.unwrap_or_default();
        let meta = |field: &str| object["metadata"][field].as_str().map(str::to_owned);
        let text = self.seal.mask.text(&came.text);
        let uid = meta("uid").or_else(|| plan.request.preconditions.as_ref().and_then(|p| p.uid.clone()));
        let name = plan.object_name().or_else(|| meta("name"));
        let outcome = json!({"text": text, "code": came.code, "audit_id": came.audit_id, "uid": uid, "name": name,
            "applied": came.applied});
        let event = came.event;
        let action = match event {
            Event::Done => Action::Executed,
            Event::Lost => Action::Unknown,
            Event::Found => Action::Resolved,
            Event::Agreed
            | Event::Refused
            | Event::TakenBack
            | Event::TimeOut
            | Event::Moved
            | Event::Intend
            | Event::NotDone => Action::Refused,
        };
        let entry = Entry {
            on_behalf_of: Some(row.requester.clone()),
            class: Some(row.class.clone()),
            proposal: Some(row.id.clone()),
            digest: Some(row.digest.clone()),
            code: came.code,
            audit_id: came.audit_id,
            uid,
            before: plan.request.preconditions.as_ref().and_then(|p| p.resource_version.clone()),
            after: meta("resourceVersion"),
            ..Entry::new(action, "midwatch").note(text)
        };
        let watch = !self.settings.watch().is_zero();
        let written = self.store.write(move |connection| {
            Box::pin(async move {
                let Some(row) = proposals::by_seq(&mut *connection, seq).await? else { return Ok(()) };
                let next = State::read(&row.state).and_then(|state| state.after(event));
                let Some(next) = next else { return Ok(()) };
                let now = proposals::present(connection, now).await?;
                if !proposals::advance(connection, seq, &row.state, next.name()).await? {
                    return Ok(());
                }
                proposals::end(connection, seq, &outcome.to_string(), now).await?;
                audit::append(connection, &entry, now).await?;
                let job = match next {
                    State::Unknown => Job::Execute { proposal: seq }.queued(0, now + LOOK_AGAIN),
                    State::Executed if watch => {
                        proposals::set_health(connection, seq, super::watch::WATCHING, now).await?;
                        Job::Watch { proposal: seq }.queued(3, now + LOOK_AGAIN)
                    }
                    _ => return Ok(()),
                };
                jobs::enqueue(connection, &[job], now).await
            })
        });
        written.await?;
        self.store.wake().jobs.notify_one();
        crash_at("approval-after-record");
        Ok(())
    }

    /// How long nothing of a lost change was seen before it counts as not done.
    pub(super) fn settled_at(&self, row: &Row) -> Millis {
        // A request that still is on its way has to have died before that.
        row.intended_at.unwrap_or(row.created_at) + SEND_WITHIN.max(span(self.settings.settle()))
    }
}
