//! Whether each tool server answers, and whether what it says of its tools is still what was pinned.

use agent::{Hands, Pins};

use super::{Line, bad, good, note};
use crate::app::open_store;
use crate::config::Config;
use crate::store::tool_pins;
use crate::toolbox::look;

pub async fn check(config: &Config) -> Vec<Line> {
    let pins = pins(config).await;
    let looked = config.tool_servers.iter().map(|server| look(config, server, pins.clone()));
    let found = futures::future::join_all(looked).await;
    let mut lines = Vec::new();
    for (server, found) in config.tool_servers.iter().zip(found) {
        let name = &server.name;
        match found {
            Err(error) => lines.push(bad(format!("工具服务 {error}"), error.to_string())),
            Ok(toolbox) => {
                let (offered, aside) = (toolbox.tools().len(), toolbox.quarantined());
                lines.push(good(
                    format!("工具服务 {name} 有应答，可用工具 {offered} 个"),
                    format!("tool server {name} answers and offers {offered} tool(s)"),
                ));
                for one in aside.iter().filter(|one| one.change.is_some() || server.reads.contains(&one.tool)) {
                    lines.push(note(
                        format!("工具服务 {name} 的 {} 未提供给模型：{}", one.tool, one.why),
                        format!("{} of tool server {name} is not offered: {}", one.tool, one.why),
                    ));
                }
            }
        }
    }
    lines
}

/// The store has its own line: here its absence only means that nothing was pinned yet.
async fn pins(config: &Config) -> Pins {
    if config.tool_servers.is_empty() || !config.store_settings().path.exists() {
        return Pins::default();
    }
    let Ok(store) = open_store(config).await else { return Pins::default() };
    let pins = tool_pins::all(store.read()).await.unwrap_or_default();
    store.close().await;
    pins
}
