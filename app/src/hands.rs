//! Proposals as the tools of an MCP server see them: a wish goes in, an id and an address come out. No right comes with it.

use std::path::PathBuf;

use jiff::Timestamp;
use tools::{Change, Proposed, Standing, Trouble};

use crate::approvals::{Approvals, Refusal, State, View, Wish};
use crate::people::Person;

/// Where people say yes.
pub struct Place {
    /// address of the pages
    pub base: String,
    /// the store's folder, where perhaps no server is behind the pages
    pub terminal: Option<PathBuf>,
}

impl Place {
    fn how(&self, id: &str) -> String {
        let Some(folder) = &self.terminal else { return "on that page".to_owned() };
        let folder = folder.display();
        format!(
            "with `midwatch approvals approve {id} --data-dir {folder}`, or on that page if `midwatch serve` runs on this folder,"
        )
    }
}

/// Proposes what a tool was asked for, in the name of the person who called it.
pub async fn propose(
    approvals: &Approvals,
    person: &Person,
    change: Change,
    place: &Place,
) -> Result<Proposed, Trouble> {
    let wish = Wish {
        verb: change.verb,
        api_version: change.api_version,
        kind: change.kind,
        namespace: change.namespace,
        name: change.name,
        subresource: change.subresource,
        query: change.query,
        body: change.body,
        reason: change.reason,
    };
    let view = approvals.propose(person, wish).await.map_err(trouble)?;
    Ok(proposed(&view, place))
}

/// None also for what belongs to somebody else.
pub async fn status(
    approvals: &Approvals,
    person: &Person,
    id: &str,
    place: &Place,
) -> Result<Option<Proposed>, Trouble> {
    match approvals.view(person, id).await {
        Ok(view) => Ok(Some(proposed(&view, place))),
        Err(Refusal::NoSuch(_)) => Ok(None),
        Err(error) => Err(trouble(error)),
    }
}

fn proposed(view: &View, place: &Place) -> Proposed {
    let text = view.outcome.as_ref().and_then(|outcome| outcome["text"].as_str()).map(str::to_owned);
    let health = view.health.as_ref().map(|health| format!("health afterwards: {health}"));
    let outcome: Vec<String> = text.into_iter().chain(health).collect();
    let class = view.plan.as_ref().map(|plan| format!(" (class {})", plan.class)).unwrap_or_default();
    Proposed {
        id: view.id.clone(),
        url: format!("{}/approvals/{}", place.base.trim_end_matches('/'), view.id),
        how: place.how(&view.id),
        summary: format!("{}{class}", view.summary),
        standing: standing(view),
        outcome: (!outcome.is_empty()).then(|| outcome.join("; ")),
        expires: Timestamp::from_millisecond(view.expires_at).unwrap_or_default(),
    }
}

fn standing(view: &View) -> Standing {
    match view.state {
        State::Proposed => Standing::Waiting,
        State::Approved => Standing::Approved,
        State::Intended => Standing::Running,
        State::Executed => Standing::Done,
        State::Resolved => match view.outcome.as_ref().and_then(|outcome| outcome["applied"].as_bool()) {
            Some(true) => Standing::Done,
            Some(false) => Standing::Failed,
            None => Standing::Unknown,
        },
        State::Failed | State::Stale => Standing::Failed,
        State::Unknown => Standing::Unknown,
        State::Denied | State::Withdrawn => Standing::Denied,
        State::Expired => Standing::Expired,
    }
}

fn trouble(refusal: Refusal) -> Trouble {
    match refusal {
        Refusal::Forbidden { verb, resource, namespace, .. } => Trouble::Forbidden { verb, resource, namespace },
        Refusal::Unreachable(why) => Trouble::Unreachable(why),
        Refusal::Malformed(why) => Trouble::unreadable("the change", why),
        other => Trouble::Refused(other.to_string()),
    }
}
