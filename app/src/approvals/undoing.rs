//! The way back from what was done, as a proposal of its own: looked at, approved and run like any other.

use super::{Approvals, NoWayBack, Refusal, State, View, object, undo};
use crate::people::Person;

impl Approvals {
    /// Proposes the inverse of what was done, for the object as it is now.
    pub async fn undo(&self, person: &Person, id: &str) -> Result<View, Refusal> {
        let row = self.row(person, id).await?;
        let outcome: serde_json::Value = row.outcome.as_deref().map_or(serde_json::Value::Null, parsed);
        let ran = matches!(State::read(&row.state), Some(State::Executed | State::Resolved));
        let ran = ran && outcome["applied"] != false;
        if !ran {
            return Err(Refusal::Refused(format!("nothing has to be undone: it is {}", row.state)));
        }
        let forgotten = || Refusal::Refused("how it was before is kept for seven days, and they are over".to_owned());
        let plan = self.plan(&row)?.ok_or_else(forgotten)?;
        let name = outcome["name"].as_str().map(str::to_owned).or_else(|| plan.object_name());
        let name = name.ok_or_else(|| Refusal::Refused("the object's name is not known".to_owned()))?;
        let as_user = self.acting_for(person)?;
        let acting = self.as_user(as_user.as_ref())?;
        let reading = super::reading(&acting, &self.current_policy());
        let current = object::read(&reading, &plan.request, &name).await?;
        let done = outcome["uid"].as_str();
        if current.as_ref().is_some_and(|seen| done.is_some() && seen.uid.as_deref() != done && plan.after.is_some()) {
            return Err(Refusal::Stale("the object was made anew since".to_owned()));
        }
        let now = current.as_ref().map(|seen| &seen.clean);
        let mut back = undo::request(&plan.request, &plan.undo, &name, now).map_err(|error| match error {
            NoWayBack::Conflict(_) | NoWayBack::Gone => Refusal::Stale(error.to_string()),
            NoWayBack::Impossible(_) | NoWayBack::Recreated | NoWayBack::Nothing => Refusal::Refused(error.to_string()),
        })?;
        back.as_user = as_user;
        self.propose_request(person, back, Some(format!("undo of {id}")), Some(&row)).await
    }
}

fn parsed(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap_or_default()
}
