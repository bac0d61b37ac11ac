//! Who comes in at `/mcp`: the people of this program, by their bearer tokens.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tools::Caller;
use tools::http::{Authenticate, Denied};
use tools::scope;

use crate::people::{self, Method, People, Person, Role};

pub struct Door {
    people: Arc<People>,
    /// Nobody can have a token, and only this machine can reach us: then it may read without one.
    open: bool,
}

impl Door {
    pub fn new(people: Arc<People>, open: bool) -> Self {
        Self { people, open }
    }
}

impl Authenticate for Door {
    fn bearer<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Caller, Denied>> {
        async move {
            let person = self.people.bearer(token).await.map_err(|denied| match denied {
                people::Denied::Provider => Denied::Unavailable("the OIDC provider does not answer".to_owned()),
                people::Denied::Store(why) => Denied::Unavailable(why),
                people::Denied::Missing
                | people::Denied::Invalid(_)
                | people::Denied::Password
                | people::Denied::Wait
                | people::Denied::NoRole(_) => Denied::Invalid,
            })?;
            Ok(caller(&person))
        }
        .boxed()
    }

    fn anonymous(&self) -> Option<Caller> {
        self.open.then(|| Caller {
            name: "local".to_owned(),
            groups: Vec::new(),
            scopes: vec![scope::READ.to_owned()],
            roles: vec![Role::Viewer.name().to_owned()],
            method: String::new(),
            since: Timestamp::now(),
        })
    }

    fn issuers(&self) -> Vec<String> {
        self.people.issuer().map(str::to_owned).into_iter().collect()
    }
}

/// A person as the tools know them.
pub fn caller(person: &Person) -> Caller {
    let mut scopes = Vec::new();
    if person.has(Role::Viewer) {
        scopes.push(scope::READ.to_owned());
    }
    if person.has(Role::Operator) {
        scopes.push(scope::PROPOSE.to_owned());
    }
    Caller {
        name: person.name.clone(),
        groups: person.groups.clone(),
        scopes,
        roles: person.roles.iter().map(|role| role.name().to_owned()).collect(),
        method: person.method.name().to_owned(),
        since: Timestamp::from_millisecond(person.auth_time).unwrap_or_default(),
    }
}

/// The way back. None for somebody who proved no name.
pub fn person(caller: &Caller) -> Option<Person> {
    let method = match caller.method.as_str() {
        "password" => Method::Password,
        "token" => Method::Token,
        "oidc" => Method::Oidc,
        "terminal" => Method::Terminal,
        _ => return None,
    };
    let all = [Role::Viewer, Role::Operator, Role::Approver, Role::Admin];
    let roles: BTreeSet<Role> =
        all.into_iter().filter(|role| caller.roles.iter().any(|name| name == role.name())).collect();
    let (name, groups, auth_time) = (caller.name.clone(), caller.groups.clone(), caller.since.as_millisecond());
    Some(Person { name, groups, roles, method, auth_time })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_comes_through_the_tools_as_they_went_in() {
        let alice = Person {
            name: "alice".to_owned(),
            groups: vec!["sre".to_owned()],
            roles: BTreeSet::from([Role::Operator, Role::Approver]),
            method: Method::Oidc,
            auth_time: 1_763_000_000_123,
        };
        assert_eq!(person(&caller(&alice)), Some(alice));
    }

    #[test]
    fn scopes_follow_roles() {
        let with = |roles: &[Role]| {
            let roles = roles.iter().copied().collect();
            let one = Person { name: "a".to_owned(), groups: Vec::new(), roles, method: Method::Token, auth_time: 0 };
            caller(&one).scopes
        };
        assert_eq!(with(&[Role::Viewer]), ["midwatch:read"]);
        assert_eq!(with(&[Role::Approver]), ["midwatch:read"]);
        assert_eq!(with(&[Role::Operator]), ["midwatch:read", "midwatch:propose"]);
        assert_eq!(with(&[]), Vec::<String>::new());
    }
}
