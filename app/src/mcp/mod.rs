//! The MCP server inside the program: its settings, its doors, and the hub as its tools see it.

mod clusters;
mod desk;
mod door;
mod hub;
mod rights;
mod settings;

use std::sync::Arc;

use axum::Router;
use tools::Server;
use tools::http::{Front, router};

pub use clusters::Clusters;
pub use desk::Desk;
pub use door::{Door, caller, person};
pub use hub::Hub;
pub use rights::follow;
pub use settings::{Settings, Toolset};

/// `/mcp` and what belongs to it.
pub fn routes(server: &Server, door: Door, front: Front) -> Router {
    let server = server.clone();
    let make = move |caller: Option<tools::Caller>| caller.map_or_else(|| server.another(), |one| server.of(one));
    router(make, Arc::new(door), front)
}
