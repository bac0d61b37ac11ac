//! What a person may do in Midwatch. What they may do in the cluster is the API server's to say.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// reads
    Viewer,
    /// reads, and proposes changes
    Operator,
    /// reads, and approves changes of others
    Approver,
    /// everything, users and grants included
    Admin,
}

impl Role {
    /// Whether a set of roles contains what this one allows.
    pub fn within(self, roles: &BTreeSet<Self>) -> bool {
        match self {
            Self::Viewer => !roles.is_empty(),
            Self::Operator | Self::Approver | Self::Admin => roles.contains(&self) || roles.contains(&Self::Admin),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Approver => "approver",
            Self::Admin => "admin",
        }
    }
}

/// The roles that a token may carry, of those its user has.
pub fn narrowed(user: &BTreeSet<Role>, token: &BTreeSet<Role>) -> BTreeSet<Role> {
    token.iter().copied().filter(|role| role.within(user)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_with_a_role_views_and_an_admin_does_all() {
        let set = |roles: &[Role]| roles.iter().copied().collect::<BTreeSet<_>>();
        assert!(!Role::Viewer.within(&set(&[])));
        assert!(Role::Viewer.within(&set(&[Role::Approver])));
        assert!(!Role::Operator.within(&set(&[Role::Approver])));
        assert!(!Role::Approver.within(&set(&[Role::Operator, Role::Viewer])));
        assert!(Role::Approver.within(&set(&[Role::Admin])));
        assert!(!Role::Admin.within(&set(&[Role::Operator, Role::Approver])));
    }

    #[test]
    fn a_token_never_carries_more_than_its_user() {
        let user = BTreeSet::from([Role::Operator]);
        let token = BTreeSet::from([Role::Admin, Role::Operator, Role::Viewer]);
        assert_eq!(narrowed(&user, &token), BTreeSet::from([Role::Operator, Role::Viewer]));
    }
}
