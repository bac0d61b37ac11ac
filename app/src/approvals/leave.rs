//! Reads of a person: the policy decides on each, and a sensitive one stands in the audit log before it leaves.

use std::sync::Arc;

use cluster::{Asked, Class, Classified, Cluster, Effect, Identity, Request};
use futures::future::BoxFuture;
use jiff::Timestamp;

use super::Approvals;
use crate::audit::{self, Action, Entry};

impl Approvals {
    /// The same client, with the policy deciding on each read for this person.
    pub fn asking(self: &Arc<Self>, cluster: &Cluster, identity: &Identity) -> Cluster {
        let (own, who) = (self.clone(), identity.clone());
        let leave = move |request: &Request, class: &Classified| -> BoxFuture<'static, Result<(), String>> {
            let (own, who, request, class) = (own.clone(), who.clone(), request.clone(), class.clone());
            Box::pin(async move { own.leave_to_read(&who, &request, &class).await })
        };
        cluster.reading(self.current_policy().scope().clone(), Arc::new(leave))
    }

    async fn leave_to_read(&self, who: &Identity, request: &Request, class: &Classified) -> Result<(), String> {
        let now = self.now();
        let at = Timestamp::from_millisecond(now).unwrap_or_default();
        let asked = Asked { request, classified: class, live: None, identity: who, now: at };
        let decision = self.current_policy().decide(&asked);
        let allowed = decision.effect == Effect::Allow;
        // Plain reads are many and tell nothing: only what is sensitive or refused is written down.
        if allowed && class.class == Class::R {
            return Ok(());
        }
        let entry = Entry {
            request: serde_json::to_value(request).ok(),
            class: Some(class.class.as_str().to_owned()),
            decision: Some(if allowed { "allow" } else { "deny" }.to_owned()),
            rule: Some(decision.rule.clone()),
            ..Entry::new(Action::Decided, who.user())
        };
        let written =
            self.store.write(move |connection| Box::pin(async move { audit::append(connection, &entry, now).await }));
        written.await.map_err(|error| format!("the audit log cannot be written: {error}"))?;
        if allowed { Ok(()) } else { Err(format!("{} ({})", decision.why, decision.rule)) }
    }
}
