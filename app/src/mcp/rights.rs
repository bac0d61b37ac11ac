//! Clients are told to ask for the list of tools again when somebody's roles changed. Roles are set by another process, so the
//! store is looked at.

use std::time::Duration;

use tokio::sync::watch;
use tools::Server;
use tracing::warn;

use crate::store::{Store, people};

const EVERY: Duration = Duration::from_secs(5);

/// Everybody's roles, in one text.
async fn roles(store: &Store) -> Option<String> {
    match people::users(store.read()).await {
        Ok(users) => {
            Some(users.iter().map(|user| format!("{} {} {}\n", user.name, user.roles, user.disabled)).collect())
        }
        Err(error) => {
            warn!(%error, "the users cannot be read");
            None
        }
    }
}

/// Until `stop` turns true.
pub async fn follow(store: Store, server: Server, mut stop: watch::Receiver<bool>) {
    let mut known = roles(&store).await;
    loop {
        tokio::select! {
            _ = stop.wait_for(|stop| *stop) => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let now = roles(&store).await;
        // what cannot be read now is no news
        if now.is_some() && now != known {
            known = now;
            server.rights_changed();
        }
    }
}
