//! What an approval has to be like.

use serde::{Deserialize, Serialize};

use crate::class::Class;
use crate::identity::Identity;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// People who have to say yes.
    pub quorum: u32,
    pub distinct_from_requester: bool,
    /// Seconds for which a log-in counts; None: any.
    pub reauth: Option<u64>,
    /// Seconds between the last yes and the execution.
    pub hold: u64,
    /// Seconds for which a yes is good.
    pub ttl: u64,
    /// Who may say yes: each list has to name the person. Without a list: whoever may approve at all.
    pub users: Vec<Vec<String>>,
}

/// Seconds for which a yes is good at most.
pub const LONGEST: u64 = 900;

impl Terms {
    /// What holds for a class where a rule says nothing.
    pub fn of(class: Class, protected: bool) -> Self {
        let hard = class >= Class::D;
        Self {
            quorum: if hard && protected { 2 } else { 1 },
            distinct_from_requester: hard,
            reauth: hard.then_some(300),
            hold: if hard { 30 } else { 0 },
            ttl: LONGEST,
            users: Vec::new(),
        }
    }

    /// The terms under which both sides agree.
    pub fn and(self, other: Self) -> Self {
        let mut users = self.users;
        users.extend(other.users);
        users.sort();
        users.dedup();
        Self {
            quorum: self.quorum.max(other.quorum),
            distinct_from_requester: self.distinct_from_requester || other.distinct_from_requester,
            reauth: [self.reauth, other.reauth].into_iter().flatten().min(),
            hold: self.hold.max(other.hold),
            ttl: self.ttl.min(other.ttl),
            users,
        }
    }

    pub fn may_approve(&self, approver: &Identity, requester: &Identity) -> bool {
        let distinct = !self.distinct_from_requester || approver.user() != requester.user();
        distinct && self.users.iter().all(|names| names.iter().any(|name| approver.matches(name)))
    }
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn two_rules_together_are_as_strict_as_the_stricter_in_each_part() {
        let one = Terms { users: vec![vec!["group:oncall".to_owned()]], ..Terms::of(Class::W, false) };
        let two = Terms { users: vec![vec!["group:dba".to_owned()]], ttl: 60, ..Terms::of(Class::D, true) };
        let both = one.clone().and(two.clone());
        assert_eq!(both, two.and(one));
        assert_eq!((both.quorum, both.hold, both.ttl, both.reauth), (2, 30, 60, Some(300)));
        let person =
            |name: &str, groups: &[&str]| Identity::new(name, groups.iter().map(|group| (*group).to_owned())).unwrap();
        let alice = person("alice", &["oncall", "dba"]);
        assert!(both.may_approve(&alice, &person("bob", &[])));
        assert!(!both.may_approve(&alice, &alice), "who asks does not approve");
        assert!(!both.may_approve(&person("carol", &["oncall"]), &alice), "one of two groups is not enough");
    }
}
