//! The suite's fixtures in front of our server: what they do not know is ours.
#![expect(deprecated, reason = "the older requirement set still tests logging and sampling")]

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use rmcp::ErrorData;
use rmcp::handler::server::ServerHandler;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, CompleteRequestParams, CompleteResult,
    ElicitRequestParams, GetPromptRequestParams, GetPromptResponse, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, LoggingLevel, LoggingMessageNotificationParam, PaginatedRequestParams,
    ProgressNotificationParam, ProtocolVersion, ReadResourceRequestParams, ReadResourceResponse, Reference,
    ServerConfig, SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
};
use rmcp::service::{NotificationContext, RequestContext, RoleServer, SubscriptionContext};
use serde_json::json;
use tools::{Seals, Server};

use super::content::{self, read, text};
use super::rounds;

type Rpc = RequestContext<RoleServer>;

/// The suite wants to see one message after the other.
const PAUSE: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub struct Fixtures {
    server: Server,
    seals: Arc<Seals>,
}

impl Fixtures {
    pub fn new(server: Server) -> Result<Self, String> {
        Ok(Self { server, seals: Arc::new(Seals::new()?) })
    }

    pub fn with(&self, one: impl FnOnce(&Server) -> Server) -> Self {
        Self { server: one(&self.server), seals: self.seals.clone() }
    }

    async fn fixture(&self, request: &CallToolRequestParams, rpc: &Rpc) -> Option<Result<CallToolResponse, ErrorData>> {
        let result = match request.name.as_ref() {
            "test_tool_with_logging" | "test_logging_tool" => logged(rpc).await,
            "test_tool_with_progress" => progressed(rpc).await,
            "test_streaming_elicitation" => text("Nothing had to be asked."),
            "test_trigger_tool_change" => {
                self.server.rights_changed();
                text("changed")
            }
            "test_missing_capability" => {
                let able = rpc.client_capabilities().is_some_and(|c| c.sampling.is_some());
                let needed = read::<ClientCapabilities>(json!({"sampling": {}}));
                if !able {
                    return Some(Err(ErrorData::missing_required_client_capability(needed)));
                }
                text("The client can sample.")
            }
            "test_sampling" => return Some(sampled(request, rpc).await.map(CallToolResponse::from)),
            "test_elicitation" => {
                let message = argument(request, "message");
                let text = json!({"type": "string", "description": "User's response"});
                let schema = json!({"type": "object", "required": ["username", "email"],
                    "properties": {"username": text, "email": text}});
                return Some(elicited(&message, schema, "User response", rpc).await.map(CallToolResponse::from));
            }
            "test_elicitation_sep1034_defaults" => {
                let answer = elicited("Please review", defaults(), "Elicitation completed", rpc).await;
                return Some(answer.map(CallToolResponse::from));
            }
            "test_elicitation_sep1330_enums" => {
                let answer = elicited("Please choose", enums(), "Elicitation completed", rpc).await;
                return Some(answer.map(CallToolResponse::from));
            }
            name => match content::called(name) {
                Some(result) => result,
                None => return rounds::call(&self.seals, request, rpc.client_capabilities().as_ref()),
            },
        };
        Some(Ok(result.into()))
    }
}

fn argument(request: &CallToolRequestParams, name: &str) -> String {
    let value = request.arguments.as_ref().and_then(|arguments| arguments.get(name));
    value.and_then(|value| value.as_str()).unwrap_or_default().to_owned()
}

async fn logged(rpc: &Rpc) -> CallToolResult {
    // the newest revision wants silence from requests that did not ask
    let newest = rpc.protocol_version().is_some_and(|v| v.as_str() >= ProtocolVersion::V_2026_07_28.as_str());
    if !newest || rpc.meta.log_level().is_some() {
        for message in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
            let message = LoggingMessageNotificationParam::new(LoggingLevel::Info, json!(message));
            let _ = rpc.peer.notify_logging_message(message).await;
            tokio::time::sleep(PAUSE).await;
        }
    }
    text("Logged.")
}

async fn progressed(rpc: &Rpc) -> CallToolResult {
    for done in [0.0, 50.0, 100.0] {
        if let Some(token) = rpc.meta.get_progress_token() {
            let mut step = ProgressNotificationParam::new(token, done);
            step.total = Some(100.0);
            let _ = rpc.peer.notify_progress(step).await;
        }
        tokio::time::sleep(PAUSE).await;
    }
    text("Done.")
}

async fn sampled(request: &CallToolRequestParams, rpc: &Rpc) -> Result<CallToolResult, ErrorData> {
    let message = json!({"role": "user", "content": {"type": "text", "text": argument(request, "prompt")}});
    let asked = rpc.peer.create_message(read(json!({"messages": [message], "maxTokens": 100}))).await;
    let answer = asked.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    let answer = serde_json::to_value(answer).unwrap_or_default();
    Ok(text(format!("LLM response: {}", answer["content"]["text"].as_str().unwrap_or_default())))
}

async fn elicited(
    message: &str,
    schema: serde_json::Value,
    said: &str,
    rpc: &Rpc,
) -> Result<CallToolResult, ErrorData> {
    let form: ElicitRequestParams = read(json!({"mode": "form", "message": message, "requestedSchema": schema}));
    let asked = rpc.peer.create_elicitation(form).await;
    let answer = asked.map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
    let answer = serde_json::to_value(answer).unwrap_or_default();
    let action = answer["action"].as_str().unwrap_or_default();
    Ok(text(format!("{said}: action={action}, content={}", answer["content"])))
}

fn defaults() -> serde_json::Value {
    json!({"type": "object", "properties": {
        "name": {"type": "string", "default": "John Doe"},
        "age": {"type": "integer", "default": 30},
        "score": {"type": "number", "default": 95.5},
        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
        "verified": {"type": "boolean", "default": true},
    }})
}

fn enums() -> serde_json::Value {
    let options = ["option1", "option2", "option3"];
    let titled = |word: &str| {
        let title = |(value, name): (&str, &str)| json!({"const": value, "title": format!("{name} {word}")});
        [("value1", "First"), ("value2", "Second"), ("value3", "Third")].map(title)
    };
    json!({"type": "object", "properties": {
        "untitledSingle": {"type": "string", "enum": options},
        "titledSingle": {"type": "string", "oneOf": titled("Option")},
        "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"]},
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled("Choice")}},
    }})
}

impl ServerHandler for Fixtures {
    fn get_info(&self) -> ServerConfig {
        let mut info = self.server.get_info();
        if let Some(resources) = &mut info.capabilities.resources {
            resources.subscribe = Some(true);
        }
        info
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        self.server.supported_protocol_versions()
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        content::tools().into_iter().find(|tool| tool.name == name).or_else(|| self.server.get_tool(name))
    }

    async fn list_tools(&self, page: Option<PaginatedRequestParams>, rpc: Rpc) -> Result<ListToolsResult, ErrorData> {
        let mut listed = self.server.list_tools(page, rpc).await?;
        listed.tools.extend(content::tools());
        Ok(listed)
    }

    async fn call_tool(&self, request: CallToolRequestParams, rpc: Rpc) -> Result<CallToolResponse, ErrorData> {
        match self.fixture(&request, &rpc).await {
            Some(answer) => answer,
            None => self.server.call_tool(request, rpc).await,
        }
    }

    async fn list_prompts(
        &self,
        page: Option<PaginatedRequestParams>,
        rpc: Rpc,
    ) -> Result<ListPromptsResult, ErrorData> {
        let mut listed = self.server.list_prompts(page, rpc).await?;
        listed.prompts.extend(content::prompts());
        Ok(listed)
    }

    async fn get_prompt(&self, request: GetPromptRequestParams, rpc: Rpc) -> Result<GetPromptResponse, ErrorData> {
        if let Some(round) = rounds::prompt(&request) {
            return Ok(round);
        }
        match content::prompt(&request.name, &request.arguments.clone().unwrap_or_default()) {
            Some(prompt) => Ok(prompt.into()),
            None => self.server.get_prompt(request, rpc).await,
        }
    }

    async fn list_resources(
        &self,
        page: Option<PaginatedRequestParams>,
        rpc: Rpc,
    ) -> Result<ListResourcesResult, ErrorData> {
        let mut listed = self.server.list_resources(page, rpc).await?;
        listed.resources.extend(content::resources());
        Ok(listed)
    }

    async fn list_resource_templates(
        &self,
        page: Option<PaginatedRequestParams>,
        rpc: Rpc,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let mut listed = self.server.list_resource_templates(page, rpc).await?;
        listed.resource_templates.push(content::template());
        Ok(listed)
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        rpc: Rpc,
    ) -> Result<ReadResourceResponse, ErrorData> {
        match content::resource(&request.uri) {
            Some(found) => Ok(found.into()),
            None => self.server.read_resource(request, rpc).await,
        }
    }

    async fn complete(&self, request: CompleteRequestParams, rpc: Rpc) -> Result<CompleteResult, ErrorData> {
        let fixture = match &request.r#ref {
            Reference::Prompt(prompt) => prompt.name.starts_with("test_"),
            Reference::Resource(resource) => resource.uri.starts_with("test://"),
            _ => false,
        };
        if fixture { Ok(CompleteResult::default()) } else { self.server.complete(request, rpc).await }
    }

    async fn set_level(&self, request: SetLevelRequestParams, rpc: Rpc) -> Result<(), ErrorData> {
        self.server.set_level(request, rpc).await
    }

    async fn subscribe(&self, _: SubscribeRequestParams, _: Rpc) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(&self, _: UnsubscribeRequestParams, _: Rpc) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn on_initialized(&self, context: NotificationContext<RoleServer>) {
        self.server.on_initialized(context).await;
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        self.server.accepted_subscription_filter(requested)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        self.server.listen(context).await
    }
}
