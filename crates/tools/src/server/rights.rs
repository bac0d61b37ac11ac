//! Tells clients that the list of tools may have changed for them.

use rmcp::service::{Peer, RoleServer, SubscriptionContext};
use tokio::sync::watch;

/// For a session of an older revision, until it ends.
pub fn tell(mut rights: watch::Receiver<()>, peer: Peer<RoleServer>) {
    rights.mark_unchanged();
    tokio::spawn(async move {
        // fails once the session is gone, or the hub
        while rights.changed().await.is_ok() {
            if peer.notify_tool_list_changed().await.is_err() {
                return;
            }
        }
    });
}

/// For a subscription, until the client ends it.
pub async fn listen(mut rights: watch::Receiver<()>, subscription: &SubscriptionContext) {
    rights.mark_unchanged();
    loop {
        let changed = tokio::select! {
            () = subscription.cancelled() => return,
            changed = rights.changed() => changed,
        };
        if changed.is_err() {
            // nothing will change any more; the client decides when it has listened enough
            return subscription.cancelled().await;
        }
        if subscription.sink().notify_tool_list_changed().await.is_err() {
            return;
        }
    }
}
