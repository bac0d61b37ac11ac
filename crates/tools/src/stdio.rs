//! The server on standard input and output: one client, the person at the terminal.

use rmcp::{ServerHandler, ServiceExt};

/// Serves until the client closes its end. Nothing else may write to standard output meanwhile.
pub async fn serve(server: impl ServerHandler) -> Result<(), String> {
    let running = match server.serve(rmcp::transport::stdio()).await {
        Ok(running) => running,
        // a client that leaves before it said anything is no failure
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(error.to_string()),
    };
    running.waiting().await.map(|_| ()).map_err(|error| error.to_string())
}
