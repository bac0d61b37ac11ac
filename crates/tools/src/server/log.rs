//! Log messages to the client: for older revisions by the level that was set, for the newest by the request's own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use rmcp::model::{LoggingLevel, LoggingMessageNotificationParam};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::json;

/// Nobody asked for messages.
const SILENT: u8 = u8::MAX;

/// The least level that this connection wants to hear.
#[derive(Clone)]
pub struct Level(Arc<AtomicU8>);

impl Default for Level {
    fn default() -> Self {
        Self(Arc::new(AtomicU8::new(SILENT)))
    }
}

impl Level {
    pub fn set(&self, level: LoggingLevel) {
        self.0.store(rank(level), Ordering::Relaxed);
    }

    /// Sends one message if it is wanted. A client that has gone misses it.
    pub async fn say(&self, rpc: &RequestContext<RoleServer>, level: LoggingLevel, text: String) {
        let least = rpc.meta.log_level().map_or_else(|| self.0.load(Ordering::Relaxed), rank);
        if rank(level) < least {
            return;
        }
        let message = LoggingMessageNotificationParam::new(level, json!({"message": text})).with_logger("midwatch");
        let _ = rpc.peer.notify_logging_message(message).await;
    }
}

fn rank(level: LoggingLevel) -> u8 {
    match level {
        LoggingLevel::Debug => 0,
        LoggingLevel::Info => 1,
        LoggingLevel::Notice => 2,
        LoggingLevel::Warning => 3,
        LoggingLevel::Error => 4,
        LoggingLevel::Critical => 5,
        LoggingLevel::Alert => 6,
        LoggingLevel::Emergency => 7,
    }
}
