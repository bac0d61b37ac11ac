//! A proposal as a person may see it: everything that they decide on, nothing secret, nothing cut.

use serde::Serialize;
use serde_json::Value;

use super::lines::{self, Line};
use super::plan::Plan;
use super::{Approvals, Refusal, State, Undo, diff};
use crate::people::{Person, Role};
use crate::store::Millis;
use crate::store::proposals::{self, Row, Yes};

const MOST: i64 = 100;

#[derive(Debug, Clone, Serialize)]
pub struct View {
    pub id: String,
    pub summary: String,
    pub state: State,
    pub requester: String,
    /// The model's words, which may be wrong or hostile.
    pub reason: Option<String>,
    pub digest: String,
    pub created_at: Millis,
    pub expires_at: Millis,
    pub due_at: Option<Millis>,
    pub approvals: Vec<Yes>,
    /// What came of it.
    pub outcome: Option<Value>,
    pub health: Option<String>,
    /// None once it was forgotten.
    pub plan: Option<Shown>,
    /// Why this person's yes would not count; None when it would.
    pub may_not_approve: Option<String>,
    pub may_deny: bool,
    pub may_withdraw: bool,
    pub may_undo: bool,
}

/// What of a plan is shown.
#[derive(Debug, Clone, Serialize)]
pub struct Shown {
    /// The request as it will be sent, secrets hidden.
    pub request: Value,
    pub class: String,
    pub why: Vec<String>,
    pub rule: String,
    pub quorum: u32,
    pub distinct: bool,
    pub hold: u64,
    pub as_user: Option<String>,
    pub lines: Vec<Line>,
    pub blast: Vec<(String, String)>,
    pub takes_from: Vec<String>,
    /// Why there is no way back; None when there is one.
    pub no_way_back: Option<String>,
}

impl Approvals {
    pub async fn view(&self, person: &Person, id: &str) -> Result<View, Refusal> {
        let row = self.row(person, id).await?;
        let yeses = proposals::yeses(self.store.read(), row.seq).await?;
        let plan = self.plan(&row)?;
        self.shown(person, row, yeses, plan)
    }

    /// What this person may see of the newest proposals.
    pub async fn list(&self, person: &Person, state: Option<State>) -> Result<Vec<Row>, Refusal> {
        let own = (!person.has(Role::Approver)).then_some(person.name.as_str());
        let mut rows = proposals::list(self.store.read(), own, state.map(State::name), MOST).await?;
        for row in &mut rows {
            row.state = self.state(row).name().to_owned();
        }
        Ok(rows)
    }

    /// The state now: time runs out also while nobody writes it down.
    fn state(&self, row: &Row) -> State {
        let state = State::read(&row.state).unwrap_or(State::Stale);
        let over = self.now() >= row.expires_at;
        match state {
            State::Proposed | State::Approved if over => State::Expired,
            state => state,
        }
    }

    fn shown(&self, person: &Person, row: Row, approvals: Vec<Yes>, plan: Option<Plan>) -> Result<View, Refusal> {
        let state = self.state(&row);
        let (waits, own) = (state == State::Proposed, row.requester == person.name);
        let now = self.now();
        let may_not_approve = match &plan {
            _ if !waits => Some(format!("it is {}", state.name())),
            None => Some("the plan was forgotten".to_owned()),
            Some(_) if approvals.iter().any(|yes| yes.approver == person.name) => Some("you said yes".to_owned()),
            Some(plan) => self.may_approve(person, plan, now).err().map(|error| error.to_string()),
        };
        let open = waits || state == State::Approved;
        let outcome: Option<Value> = row.outcome.as_deref().map(|text| serde_json::from_str(text).unwrap_or_default());
        let not_done = outcome.as_ref().is_some_and(|outcome| outcome["applied"] == false);
        let ran = matches!(state, State::Executed | State::Resolved) && !not_done;
        let may_undo =
            ran && person.has(Role::Operator) && plan.as_ref().is_some_and(|plan| no_way_back(&plan.undo).is_none());
        Ok(View {
            may_deny: open && person.has(Role::Approver),
            may_withdraw: open && own,
            may_undo,
            may_not_approve,
            plan: plan.map(|plan| self.shown_plan(&plan)).transpose()?,
            outcome,
            reason: row.reason.as_deref().map(lines::visible),
            id: row.id,
            summary: row.summary,
            state,
            requester: row.requester,
            digest: row.digest,
            created_at: row.created_at,
            expires_at: row.expires_at,
            due_at: row.due_at,
            approvals,
            health: row.health,
        })
    }

    fn shown_plan(&self, plan: &Plan) -> Result<Shown, Refusal> {
        let (before, after) = self.masked(plan);
        let changes = diff::diff(before.as_ref(), after.as_ref());
        let long = || Refusal::Refused("the change is too long to be shown in full".to_owned());
        let lines = lines::lines(&changes, after.as_ref().or(before.as_ref())).ok_or_else(long)?;
        let mut request = super::json(&plan.request)?;
        if let Some(body) = &plan.request.body {
            request["body"] = self.seal.mask.object(&self.named(body, plan), Some(body));
        }
        Ok(Shown {
            request,
            class: plan.class.clone(),
            why: plan.why.clone(),
            rule: plan.rule.clone(),
            quorum: plan.terms.quorum,
            distinct: plan.terms.distinct_from_requester,
            hold: plan.terms.hold,
            as_user: plan.request.as_user.as_ref().map(|user| user.user().to_owned()),
            lines,
            blast: plan.blast.lines.clone(),
            takes_from: plan.takes_from.clone(),
            no_way_back: no_way_back(&plan.undo),
        })
    }

    /// A patch of a Secret does not say that it is one.
    fn named(&self, body: &Value, plan: &Plan) -> Value {
        let mut body = body.clone();
        if plan.request.group.is_empty()
            && plan.request.resource == "secrets"
            && let Some(object) = body.as_object_mut()
        {
            object.insert("kind".to_owned(), "Secret".into());
        }
        body
    }

    /// Before and after with secrets hidden: equal where the objects are, different where they differ.
    pub(super) fn masked(&self, plan: &Plan) -> (Option<Value>, Option<Value>) {
        let mask = &self.seal.mask;
        let before = plan.live.as_ref().map(|object| mask.object(object, None));
        let after = plan.after.as_ref().map(|object| mask.object(object, plan.request.body.as_ref()));
        (before, after)
    }
}

fn no_way_back(undo: &Undo) -> Option<String> {
    match undo {
        Undo::Impossible(why) => Some(why.clone()),
        Undo::Recreated => Some("none is needed: a controller makes another one by itself".to_owned()),
        Undo::Patch(_) | Undo::Delete | Undo::Create(_) => None,
    }
}
