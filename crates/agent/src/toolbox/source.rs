//! One server that is attached: asked for its tools, and for a call.

use std::collections::HashSet;

use rmcp::model::{CallToolRequestParams, CallToolResult, PaginatedRequestParams};
use rmcp::service::{RunningService, ServiceError};
use rmcp::{Peer, RoleClient};
use serde_json::{Map, Value};

use super::clean;
use super::client::Client;
use super::door::Failed;
use super::pins::Pin;

/// Pages of one listing, and tools of one server. A list without an end ends here.
const PAGES: usize = 16;
const TOOLS: usize = 128;

/// A tool as it is listed now.
#[derive(Debug, Clone)]
pub struct Listed {
    pub name: String,
    pub description: String,
    pub parameters: Value,
    /// of what the server says of it
    pub pin: Pin,
    /// it cannot be offered as it is
    pub refused: Option<String>,
}

pub struct Source {
    pub name: String,
    /// ends the connection, and the child process with it, when it is dropped
    pub running: RunningService<RoleClient, Client>,
    #[expect(dead_code, reason = "kept for its end: the process is killed when this is dropped")]
    pub child: Option<tokio::process::Child>,
}

impl Source {
    fn peer(&self) -> &Peer<RoleClient> {
        self.running.peer()
    }

    pub async fn list(&self) -> Result<Vec<Listed>, Failed> {
        let mut listed = Vec::new();
        let mut names = HashSet::new();
        let mut cursor = None;
        for _ in 0..PAGES {
            let asked = PaginatedRequestParams::default().with_cursor(cursor);
            let page = self.peer().list_tools(Some(asked)).await.map_err(failed)?;
            for tool in page.tools {
                // of two tools with one name nobody can say which is called
                if !names.insert(tool.name.to_string()) {
                    return Err(format!("it lists the tool {} twice", clean::line(&tool.name)).into());
                }
                if listed.len() < TOOLS {
                    listed.push(read(&tool));
                }
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(listed)
    }

    pub fn is_open(&self) -> bool {
        !self.running.is_closed() && !self.running.is_transport_closed()
    }

    pub async fn call(&self, name: &str, arguments: Map<String, Value>) -> Result<CallToolResult, Failed> {
        let asked = CallToolRequestParams::new(name.to_owned()).with_arguments(arguments);
        self.running.call_tool(asked).await.map_err(failed)
    }
}

fn failed(error: ServiceError) -> Failed {
    Failed { what: error.to_string(), challenge: error.auth_challenge().map(str::to_owned) }
}

fn read(tool: &rmcp::model::Tool) -> Listed {
    let described = tool.description.as_deref().unwrap_or_default();
    let given = Value::Object((*tool.input_schema).clone());
    let pin = Pin::of(&tool.name, described, &given);
    let (parameters, refused) = match clean::schema(&tool.input_schema) {
        Ok(schema) => (schema, None),
        Err(why) => (Value::Null, Some(why)),
    };
    Listed { name: tool.name.to_string(), description: clean::description(described), parameters, pin, refused }
}
