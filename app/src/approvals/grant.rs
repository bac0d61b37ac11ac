//! Grants: for a time, somebody may ask for what is otherwise off. Each change still needs its own approval.

use cluster::{Class, Request};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Approvals, Refusal};
use crate::audit::{self, Action, Entry};
use crate::people::{Person, Role};
use crate::store::permissions::{self, Row};
use crate::store::{Millis, proposals};

const LONGEST: Millis = 8 * 3_600_000;

/// What a grant is good for. Each list has to name the thing; `*` stands for any text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    pub classes: Vec<Class>,
    pub namespaces: Vec<String>,
    pub kinds: Vec<String>,
    pub names: Vec<String>,
}

/// What somebody wants to grant.
#[derive(Debug, Clone)]
pub struct Grant {
    pub subject: String,
    pub scope: Scope,
    pub max_uses: i64,
    pub hours: f64,
    pub reason: String,
}

/// Whether a grant can open what this rule closed: only what no rule allows, never what a rule of the file forbids.
pub fn opens(rule: &str) -> bool {
    !rule.starts_with("rules[")
}

pub fn covers(row: &Row, class: Class, request: &Request, object: Option<&Value>) -> bool {
    let Ok(scope) = serde_json::from_str::<Scope>(&row.scope) else { return false };
    let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let kind = text(object.and_then(|object| object["kind"].as_str()));
    let name = text(request.name.as_deref().or_else(|| object.and_then(|o| o["metadata"]["name"].as_str())));
    let named = |patterns: &[String], text: &str| patterns.iter().any(|pattern| fits(pattern, text));
    scope.classes.contains(&class)
        && named(&scope.namespaces, request.within().unwrap_or_default())
        && named(&scope.kinds, &kind)
        && named(&scope.names, &name)
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end),
    }
}

impl Approvals {
    pub async fn grant(&self, person: &Person, grant: Grant) -> Result<i64, Refusal> {
        let no = |why: &str| Err(Refusal::NotAllowed(why.to_owned()));
        if !person.has(Role::Admin) {
            return no("granting needs the role admin");
        }
        if grant.subject == person.name {
            return no("nobody grants to themselves");
        }
        if grant.scope.classes.iter().any(|class| *class != Class::D) {
            return no("only changes of class D can be granted; W needs none, X and N are never done");
        }
        let one_star = |patterns: &[String]| patterns.iter().all(|p| p.matches('*').count() <= 1);
        let Scope { classes, namespaces, kinds, names } = &grant.scope;
        if classes.is_empty() || [namespaces, kinds, names].iter().any(|list| list.is_empty() || !one_star(list)) {
            return no("name classes, namespaces, kinds and names, each pattern with one * at most");
        }
        if grant.reason.trim().is_empty() || grant.max_uses < 1 {
            return no("a grant needs a reason and at least one use");
        }
        #[expect(clippy::cast_possible_truncation, reason = "bounded by the check")]
        let length = (grant.hours * 3_600_000.0) as Millis;
        if !(1..=LONGEST).contains(&length) {
            return no("a grant lasts at most 8 hours");
        }
        let now = self.now();
        let new = permissions::New {
            scope: serde_json::to_string(&grant.scope).map_err(anyhow::Error::from)?,
            subject: grant.subject,
            max_uses: grant.max_uses,
            reason: grant.reason,
            granter: person.name.clone(),
            expires_at: 0,
        };
        let entry = Entry {
            on_behalf_of: Some(new.subject.clone()),
            request: Some(super::json(&grant.scope)?),
            ..Entry::new(Action::Granted, &person.name).note(new.reason.clone())
        };
        let added = self.store.write(move |connection| {
            Box::pin(async move {
                let now = proposals::present(connection, now).await?;
                let new = permissions::New { expires_at: now + length, ..new };
                let id = permissions::insert(connection, &new, now).await?;
                audit::append(connection, &entry, now).await?;
                Ok(id)
            })
        });
        Ok(added.await?)
    }

    pub async fn revoke(&self, person: &Person, id: i64) -> Result<(), Refusal> {
        if !person.has(Role::Admin) {
            return Err(Refusal::NotAllowed("taking a grant back needs the role admin".to_owned()));
        }
        let now = self.now();
        let entry = Entry::new(Action::Revoked, &person.name).note(format!("grant {id}"));
        let done = self.store.write(move |connection| {
            Box::pin(async move {
                let done = permissions::revoke(connection, id, now).await?;
                if done {
                    audit::append(connection, &entry, now).await?;
                }
                Ok(done)
            })
        });
        if done.await? { Ok(()) } else { Err(Refusal::Refused(format!("there is no grant {id} that still holds"))) }
    }

    pub async fn grants(&self) -> Result<Vec<Row>, Refusal> {
        Ok(permissions::list(self.store.read()).await?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_grant_covers_what_all_its_lists_name() {
        let scope = json!({"classes": ["D"], "namespaces": ["shop-*"], "kinds": ["Deployment"], "names": ["web"]});
        let row = Row {
            id: 1,
            subject: "ann".into(),
            scope: scope.to_string(),
            max_uses: 1,
            used: 0,
            reason: String::new(),
            granter: "bob".into(),
            created_at: 0,
            expires_at: 1,
            revoked_at: None,
        };
        let ask = |class: Class, namespace: &str, kind: &str, name: &str| {
            let request = Request { namespace: Some(namespace.into()), name: Some(name.into()), ..Request::default() };
            covers(&row, class, &request, Some(&json!({"kind": kind})))
        };
        assert!(ask(Class::D, "shop-a", "Deployment", "web"));
        assert!(!ask(Class::N, "shop-a", "Deployment", "web"));
        assert!(!ask(Class::D, "shop", "Deployment", "web"));
        assert!(!ask(Class::D, "shop-a", "StatefulSet", "web"));
        assert!(!ask(Class::D, "shop-a", "Deployment", "web-2"));
    }
}
