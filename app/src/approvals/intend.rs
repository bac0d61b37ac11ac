//! The last look before a change is sent: in one transaction everything is checked again, the grant is used up, and the
//! intent is written down.

use std::sync::Arc;

use cluster::Digest;
use cluster::limits::Writes;

use super::plan::Plan;
use super::seal::Seal;
use super::{Approvals, Event, Refusal, State, millis};
use crate::audit::{self, Action, Entry};
use crate::jobs::Job;
use crate::store::proposals::{Row, Written, Yes};
use crate::store::{Millis, jobs, permissions, proposals};

const HOUR: Millis = 3_600_000;
/// How long a change waits for another one on the same object before it looks again.
const WAIT: Millis = 2_000;

/// All that decides whether a change may be sent now.
pub struct Moment<'a> {
    pub row: &'a Row,
    pub plan: &'a Plan,
    pub yeses: &'a [Yes],
    pub policy: Digest,
    pub paused: bool,
    /// Another change is under way on the same object.
    pub busy: bool,
    pub written: Written,
    pub caps: Writes,
    pub now: Millis,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Go,
    Wait(Millis),
    /// It ends here.
    End(Event, String),
}

/// Pure, so that it can be tried on everything.
pub fn decide(moment: &Moment<'_>, seal: &Seal) -> Verdict {
    let Moment { row, plan, yeses, policy, paused, busy, written, caps, now } = moment;
    let end = |event, why: &str| Verdict::End(event, why.to_owned());
    if State::read(&row.state) != Some(State::Approved) {
        return end(Event::Moved, "it is not approved");
    }
    if plan.digest().to_string() != row.digest || plan.expires_at != row.expires_at {
        return end(Event::Moved, "the stored plan is not the one that was approved");
    }
    if *now >= plan.expires_at {
        return end(Event::TimeOut, "its time has run out");
    }
    if plan.policy != *policy {
        return end(Event::Moved, "the policy has changed since");
    }
    if *paused {
        return end(Event::Moved, "writes are paused");
    }
    let genuine = |yes: &&Yes| seal.is_genuine(&row.id, yes) && yes.digest == row.digest;
    let in_time = |yes: &&Yes| yes.at <= *now && *now - yes.at < millis(plan.terms.ttl);
    let fresh = |yes: &&Yes| plan.terms.reauth.is_none_or(|seconds| yes.at - yes.auth_time <= millis(seconds));
    let other = |yes: &&Yes| !plan.terms.distinct_from_requester || yes.approver != plan.requester;
    let counted: Vec<&Yes> = yeses.iter().filter(genuine).filter(in_time).filter(fresh).filter(other).collect();
    let mut names: Vec<&str> = counted.iter().map(|yes| yes.approver.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() || names.len() < usize::try_from(plan.terms.quorum).unwrap_or(usize::MAX) {
        return end(Event::Moved, "too few of the yeses that it got count");
    }
    let due = counted.iter().map(|yes| yes.at).max().unwrap_or(*now) + millis(plan.terms.hold);
    if *now < due {
        return Verdict::Wait(due);
    }
    let most = |most: u32| i64::from(most);
    if written.user >= most(caps.user)
        || written.namespace >= most(caps.namespace)
        || written.cluster >= most(caps.cluster)
    {
        return end(Event::Moved, "the limit of writes within an hour is reached");
    }
    if *busy {
        return Verdict::Wait(now + WAIT);
    }
    Verdict::Go
}

impl Approvals {
    /// True when the intent is on disk: then, and only then, the change may be sent.
    pub(super) async fn intend(self: &Arc<Self>, row: &Row, plan: &Plan) -> Result<bool, Refusal> {
        let (own, plan, seq, now) = (self.clone(), plan.clone(), row.seq, self.now());
        let done = self
            .store
            .write(move |connection| Box::pin(async move { transact(connection, &own, &plan, seq, now).await }));
        Ok(done.await?)
    }
}

async fn transact(
    connection: &mut sqlx::SqliteConnection,
    own: &Approvals,
    plan: &Plan,
    seq: i64,
    now: Millis,
) -> Result<bool, crate::store::Error> {
    let now = proposals::present(connection, now).await?;
    let Some(row) = proposals::by_seq(&mut *connection, seq).await? else { return Ok(false) };
    let yeses = proposals::yeses(&mut *connection, seq).await?;
    let policy = own.current_policy();
    let moment = Moment {
        plan,
        yeses: &yeses,
        policy: policy.version(),
        paused: permissions::paused(&mut *connection).await?.is_some(),
        busy: proposals::in_flight(connection, &row.target).await?,
        written: proposals::written_since(connection, &row, now - HOUR).await?,
        caps: policy.limits().writes_per_hour,
        row: &row,
        now,
    };
    let verdict = decide(&moment, &own.seal);
    let entry = Entry {
        on_behalf_of: Some(row.requester.clone()),
        class: Some(row.class.clone()),
        rule: Some(plan.rule.clone()),
        proposal: Some(row.id.clone()),
        digest: Some(row.digest.clone()),
        ..Entry::new(Action::Intended, "midwatch")
    };
    let (event, why) = match verdict {
        Verdict::Wait(until) => {
            jobs::enqueue(connection, &[Job::Execute { proposal: seq }.queued(0, until)], now).await?;
            return Ok(false);
        }
        Verdict::End(event, why) => (event, why),
        Verdict::Go => match plan.permission {
            Some(id) if !permissions::take(connection, id, now).await? => {
                (Event::Moved, "the grant that it needs is used up, taken back or over".to_owned())
            }
            Some(_) | None => (Event::Intend, String::new()),
        },
    };
    let Some(next) = State::read(&row.state).and_then(|state| state.after(event)) else { return Ok(false) };
    if !proposals::advance(connection, seq, &row.state, next.name()).await? {
        return Ok(false);
    }
    if next == State::Intended {
        proposals::set_intended(connection, seq, now).await?;
        let request = serde_json::to_value(&plan.request)?;
        audit::append(connection, &Entry { request: Some(request), ..entry }, now).await?;
        return Ok(true);
    }
    proposals::end(connection, seq, &serde_json::json!({"text": why}).to_string(), now).await?;
    let action = if event == Event::TimeOut { Action::Expired } else { Action::Refused };
    audit::append(connection, &Entry { action, ..entry }.note(why), now).await?;
    Ok(false)
}

#[cfg(test)]
#[path = "intend_tests.rs"]
mod tests;
