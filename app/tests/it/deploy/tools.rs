//! The tools that read, over `/mcp` with the agent's token, by the account of the deployment.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::AGENT_TOKEN;
use super::alert::Running;

/// What the account cannot read on purpose, and so these tools: docs/rights.md.
const WITHHELD: [(&str, &str); 3] =
    [("nodes_log", "proxy"), ("nodes_stats_summary", "proxy"), ("helm_list", "secrets")];

fn arguments(tool: &str, pod: &str) -> Value {
    let namespace = "aiops";
    match tool {
        "nodes_log" => json!({"name": "node-1", "query": "kubelet"}),
        "nodes_stats_summary" => json!({"name": "node-1"}),
        "pods_get" | "pods_log" => json!({"name": pod, "namespace": namespace}),
        "pods_list_in_namespace" | "changes" | "diagnose" => json!({"namespace": namespace}),
        "resources_get" => json!({"apiVersion": "v1", "kind": "Pod", "name": pod, "namespace": namespace}),
        "resources_list" => json!({"apiVersion": "apps/v1", "kind": "Deployment"}),
        "describe" => json!({"kind": "Pod", "name": pod, "namespace": namespace}),
        "evidence" => json!({"id": "E1", "namespace": namespace}),
        "explain" => json!({"kind": "Pod"}),
        "logs_search" => json!({"namespace": namespace, "pattern": "error"}),
        "query_metrics" => json!({"query": "up"}),
        "proposal_status" => json!({"id": "P-1"}),
        "rollout" => {
            json!({"action": "status", "kind": "Deployment", "name": "test-deployment", "namespace": namespace})
        }
        "search" => json!({"name": "test-"}),
        "wait_for" => {
            json!({"kind": "Pod", "name": pod, "namespace": namespace, "condition": "PodScheduled", "timeoutSeconds": 1})
        }
        "who_can" => json!({"verb": "get", "resource": "pods"}),
        _ => json!({}),
    }
}

struct Agent {
    client: reqwest::Client,
    url: String,
    session: Option<String>,
}

impl Agent {
    async fn ask(&mut self, method: &str, params: Value) -> Value {
        let body = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
        let mut request = self.client.post(&self.url).bearer_auth(AGENT_TOKEN).body(body);
        request =
            request.header("Content-Type", "application/json").header("Accept", "application/json, text/event-stream");
        if let Some(session) = &self.session {
            request = request.header("Mcp-Session-Id", session).header("MCP-Protocol-Version", "2025-06-18");
        }
        let answer = request.send().await.unwrap();
        if let Some(session) = answer.headers().get("mcp-session-id") {
            self.session = Some(session.to_str().unwrap().to_owned());
        }
        let text = answer.text().await.unwrap();
        // plain, or the last event of a stream
        let mut events = text.lines().rev().filter_map(|line| line.strip_prefix("data:"));
        let json = events.find(|data| data.contains("\"jsonrpc\"")).unwrap_or(&text);
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{method}: {error}: {text}"))
    }
}

pub async fn read_what_the_account_reads(running: &Running) {
    let url = format!("http://{}/mcp", running.address);
    let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(30)).build().unwrap();
    let anonymous = client.post(&url).body("{}").send().await.unwrap();
    assert_eq!(anonymous.status(), 401);
    let mut agent = Agent { client, url, session: None };
    let hello =
        json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}});
    agent.ask("initialize", hello).await;
    let listed = agent.ask("tools/list", json!({})).await;
    let tools = listed["result"]["tools"].as_array().unwrap_or_else(|| panic!("{listed}")).clone();
    let mut refused = BTreeSet::new();
    let (mut answered, mut failed) = (0, Vec::new());
    for tool in &tools {
        let name = tool["name"].as_str().unwrap();
        assert_eq!(tool["annotations"]["readOnlyHint"], true, "a viewer is offered {name}");
        let answer = agent.ask("tools/call", json!({"name": name, "arguments": arguments(name, &running.pod)})).await;
        let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_else(|| panic!("{name}: {answer}"));
        match WITHHELD.iter().find(|(tool, _)| *tool == name) {
            Some((_, right)) => {
                assert_eq!(answer["result"]["isError"], true, "{name}: {text}");
                assert!(text.contains(right), "{name} does not say that it lacks {right}: {text}");
                refused.insert(name);
            }
            None => {
                if text.contains("forbidden") || text.contains("403") || text.contains("refused before it left") {
                    failed.push(format!("{name}: {text}"));
                }
                answered += 1;
            }
        }
        assert!(!text.contains(super::INTAKE_TOKEN), "{name} hands out a secret: {text}");
    }
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(answered >= 20, "only {answered} of {} tools answered", tools.len());
    println!("{answered} tools answered, {refused:?} say which right they lack");
}
