//! Our own server through a pipe in this process: the same door as everybody's, without a port.

use rmcp::{ServerHandler, ServiceExt};

use super::client::Client;
use super::settings::Elicitation;
use super::source::Source;

/// Bytes that the pipe holds.
const PIPE: usize = 64 << 10;

pub async fn open(server: impl ServerHandler) -> Result<Source, String> {
    let (ours, theirs) = tokio::io::duplex(PIPE);
    // it ends when our end of the pipe is closed
    tokio::spawn(async move {
        match server.serve(theirs).await {
            Ok(running) => drop(running.waiting().await),
            Err(error) => tracing::error!(%error, "the tools in this process did not start"),
        }
    });
    let running = Client { elicitation: Elicitation::Decline }.serve(ours).await.map_err(|error| error.to_string())?;
    Ok(Source { name: "midwatch".to_owned(), running, child: None })
}
