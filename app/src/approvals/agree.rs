//! The yes and the no of people.

use super::{Approvals, Event, Refusal, State, View, identity, millis};
use crate::audit::{self, Action, Entry};
use crate::jobs::Job;
use crate::people::{Method, Person, Role};
use crate::store::proposals::{self, Row, Yes};
use crate::store::{Millis, jobs};

/// How long the way back is kept.
const KEPT: Millis = 7 * 24 * 3_600_000;

/// What became of a yes inside its transaction.
enum Said {
    Counted,
    Enough,
    Twice,
    TooLate,
    Over(String),
}

impl Approvals {
    /// `digest` is that of what the person saw: a yes to anything else is none.
    pub async fn approve(&self, person: &Person, id: &str, digest: &str) -> Result<View, Refusal> {
        let row = self.row(person, id).await?;
        let plan = self.plan(&row)?.ok_or_else(|| Refusal::Stale("the plan was forgotten".to_owned()))?;
        if row.digest != digest {
            return Err(Refusal::Stale("this is not the change that you looked at; look again".to_owned()));
        }
        let now = self.now();
        self.may_approve(person, &plan, now)?;
        if plan.policy != self.current_policy().version() {
            self.leave(&row, Event::Moved, Action::Refused, "midwatch", "the policy has changed since").await?;
            return Err(Refusal::Stale("the policy has changed since; the change has to be proposed again".to_owned()));
        }
        let mut yes = Yes {
            approver: person.name.clone(),
            digest: row.digest.clone(),
            auth_time: person.auth_time,
            method: person.method.name().to_owned(),
            at: now,
            mac: Vec::new(),
        };
        self.seal.sign(&row.id, &mut yes);
        let entry = Entry {
            on_behalf_of: Some(row.requester.clone()),
            class: Some(row.class.clone()),
            rule: Some(plan.rule.clone()),
            proposal: Some(row.id.clone()),
            digest: Some(row.digest.clone()),
            session: Some(yes.method.clone()),
            ..Entry::new(Action::Approved, &person.name)
        };
        let (quorum, hold) = (usize::try_from(plan.terms.quorum.max(1)).unwrap_or(usize::MAX), millis(plan.terms.hold));
        let seq = row.seq;
        let said = self.store.write(move |connection| {
            Box::pin(async move { said(connection, seq, &yes, &entry, quorum, hold, now).await })
        });
        match said.await? {
            Said::Enough => self.store.wake().jobs.notify_one(),
            Said::Counted => {}
            Said::Twice => return Err(Refusal::Refused("you said yes before; another person has to".to_owned())),
            Said::TooLate => {
                self.leave(&row, Event::TimeOut, Action::Expired, "midwatch", "nobody decided in time").await?;
                return Err(Refusal::Stale("its time has run out; it has to be proposed again".to_owned()));
            }
            Said::Over(state) => return Err(Refusal::Refused(format!("it is {state} already"))),
        }
        self.view(person, id).await
    }

    /// Whether this person's yes would count, and if not, why.
    pub(super) fn may_approve(&self, person: &Person, plan: &super::Plan, now: Millis) -> Result<(), Refusal> {
        let no = |why: &str| Err(Refusal::NotAllowed(why.to_owned()));
        if !person.has(Role::Approver) {
            return no("approving needs the role approver");
        }
        if !in_person(person) {
            return no("a token cannot say yes, because programs hold tokens: log in on the page, or use the terminal");
        }
        let requester = cluster::Identity::new(plan.requester.clone(), []);
        let requester = requester.map_err(|error| Refusal::NotAllowed(error.to_string()))?;
        if !plan.terms.may_approve(&identity(person)?, &requester) {
            let own = plan.terms.distinct_from_requester && plan.requester == person.name;
            return no(if own {
                "this class of change needs the yes of somebody else than who proposed it"
            } else {
                "the policy names others who may approve this"
            });
        }
        if plan.terms.reauth.is_some_and(|seconds| now - person.auth_time > millis(seconds)) {
            return no("this class of change needs a fresh login: log in again, then approve");
        }
        Ok(())
    }

    pub async fn deny(&self, person: &Person, id: &str, why: &str) -> Result<View, Refusal> {
        let row = self.row(person, id).await?;
        if !person.has(Role::Approver) {
            return Err(Refusal::NotAllowed("denying needs the role approver; you can withdraw it".to_owned()));
        }
        self.leave(&row, Event::Refused, Action::Denied, &person.name, why).await?;
        self.view(person, id).await
    }

    pub async fn withdraw(&self, person: &Person, id: &str) -> Result<View, Refusal> {
        let row = self.row(person, id).await?;
        if row.requester != person.name {
            return Err(Refusal::NotAllowed("only who proposed it can withdraw it; you can deny it".to_owned()));
        }
        self.leave(&row, Event::TakenBack, Action::Withdrawn, &person.name, "").await?;
        self.view(person, id).await
    }

    /// Ends what waits, for one of the reasons that need no sending.
    pub(super) async fn leave(
        &self,
        row: &Row,
        event: Event,
        action: Action,
        actor: &str,
        why: &str,
    ) -> Result<(), Refusal> {
        let (seq, now) = (row.seq, self.now());
        let note = self.seal.mask.text(why);
        let outcome = serde_json::json!({"text": note}).to_string();
        let entry = Entry {
            on_behalf_of: Some(row.requester.clone()),
            proposal: Some(row.id.clone()),
            digest: Some(row.digest.clone()),
            ..Entry::new(action, actor).note(note)
        };
        let left = self.store.write(move |connection| {
            Box::pin(async move {
                let Some(row) = proposals::by_seq(&mut *connection, seq).await? else { return Ok(Some(String::new())) };
                let Some(next) = State::read(&row.state).and_then(|state| state.after(event)) else {
                    return Ok(Some(row.state));
                };
                let now = proposals::present(connection, now).await?;
                if !proposals::advance(connection, seq, &row.state, next.name()).await? {
                    return Ok(Some(row.state));
                }
                proposals::end(connection, seq, &outcome, now).await?;
                audit::append(connection, &entry, now).await?;
                Ok(None)
            })
        });
        match left.await? {
            None => Ok(()),
            Some(state) => Err(Refusal::Refused(format!("it is {state} already"))),
        }
    }

    /// Forgets the plans of what is long over, and with them the ways back.
    pub async fn forget(&self) -> Result<(), Refusal> {
        let before = self.now() - KEPT;
        let forgotten = self
            .store
            .write(move |connection| Box::pin(async move { proposals::forget_plans(connection, before).await }));
        forgotten.await?;
        Ok(())
    }

    /// Ends what nobody decided in time.
    pub async fn expire(&self) -> Result<(), Refusal> {
        let now = self.now();
        let overdue = self.store.write(move |connection| {
            Box::pin(async move {
                let now = proposals::present(connection, now).await?;
                proposals::overdue(connection, now).await
            })
        });
        for row in overdue.await? {
            match self.leave(&row, Event::TimeOut, Action::Expired, "midwatch", "nobody decided in time").await {
                // Somebody was quicker.
                Ok(()) | Err(Refusal::Refused(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Whether this is a person at a keyboard and not a program with their token, which a model may be driving.
pub(super) fn in_person(person: &Person) -> bool {
    match person.method {
        Method::Password | Method::Terminal => true,
        Method::Token | Method::Oidc => false,
    }
}

async fn said(
    connection: &mut sqlx::SqliteConnection,
    seq: i64,
    yes: &Yes,
    entry: &Entry,
    quorum: usize,
    hold: Millis,
    now: Millis,
) -> Result<Said, crate::store::Error> {
    let Some(row) = proposals::by_seq(&mut *connection, seq).await? else { return Ok(Said::Over("gone".to_owned())) };
    if row.state != State::Proposed.name() {
        return Ok(Said::Over(row.state));
    }
    let now = proposals::present(connection, now).await?;
    if now + hold >= row.expires_at {
        return Ok(Said::TooLate);
    }
    if !proposals::add_yes(connection, seq, yes).await? {
        return Ok(Said::Twice);
    }
    audit::append(connection, entry, now).await?;
    let all = proposals::yeses(&mut *connection, seq).await?;
    if all.len() < quorum {
        return Ok(Said::Counted);
    }
    let Some(next) = State::Proposed.after(Event::Agreed) else { return Ok(Said::Over(row.state)) };
    if !proposals::advance(connection, seq, State::Proposed.name(), next.name()).await? {
        return Ok(Said::Over(row.state));
    }
    proposals::set_due(connection, seq, now + hold).await?;
    jobs::enqueue(connection, &[Job::Execute { proposal: seq }.queued(0, now + hold)], now).await?;
    Ok(Said::Enough)
}
