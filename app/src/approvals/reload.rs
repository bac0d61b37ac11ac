//! A changed policy comes into force, and stands in the audit log before it does.

use cluster::policy::Change;

use super::{Approvals, Refusal};
use crate::audit::{self, Action, Entry};

impl Approvals {
    /// Looks at the policy file. One that cannot be used changes nothing.
    pub async fn reload_policy(&self) -> Result<(), Refusal> {
        let Some(Change::Found(found)) = self.policy.poll() else { return Ok(()) };
        let note = format!("version {} in place of {}", found.policy.version(), found.before);
        let (entry, now) = (Entry::new(Action::PolicyLoaded, "midwatch").note(note), self.now());
        let written =
            self.store.write(move |connection| Box::pin(async move { audit::append(connection, &entry, now).await }));
        written.await?;
        self.policy.adopt(found);
        Ok(())
    }
}
