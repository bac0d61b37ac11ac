//! What we are to a server: a client that offers nothing. It samples for nobody, shows no folders, fills in no forms.

use rmcp::ClientHandler;
use rmcp::model::{ClientCapabilities, ClientConfig, Implementation};

#[derive(Debug, Clone, Copy)]
pub struct Client;

impl ClientHandler for Client {
    fn get_info(&self) -> ClientConfig {
        ClientConfig::new(ClientCapabilities::default(), Implementation::new("midwatch", env!("CARGO_PKG_VERSION")))
    }
}
