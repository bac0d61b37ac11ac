//! The path of one call: known, allowed, readable, run, bounded, redacted.

use rmcp::ErrorData;
use rmcp::model::{CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::Value;

use super::{Server, described};
use crate::answer::{self, Answer, MOST};
use crate::context::{Caller, Context, Progress};
use crate::schema;
use crate::tool::Tool;
use crate::trouble::Trouble;

impl Server {
    pub(super) async fn answer(
        &self,
        caller: Caller,
        request: CallToolRequestParams,
        rpc: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        // one list decides: what is not shown to this caller is as unknown as what never was
        let Some(tool) = self.open_to(&caller).find(|tool| tool.name == request.name) else {
            return Err(ErrorData::invalid_params(format!("Unknown tool: {}", request.name), None));
        };
        let result = self.run(tool, caller, request, &rpc).await;
        Ok(self.result(result).into())
    }

    async fn run(
        &self,
        tool: &'static Tool,
        caller: Caller,
        request: CallToolRequestParams,
        rpc: &RequestContext<RoleServer>,
    ) -> Result<Answer, Trouble> {
        let contexts = self.hands.contexts();
        let schema = described::input(tool, contexts.len() > 1);
        let mut arguments = schema::accept(&schema, tool.old_spellings, request.arguments.unwrap_or_default())?;
        let named = arguments.remove("context");
        let named = named.as_ref().and_then(Value::as_str);
        let context = Context {
            cluster: self.hands.cluster(&caller, named),
            contexts,
            hands: self.hands.clone(),
            prometheus: self.hands.prometheus(),
            progress: Progress::default(),
            cancel: rpc.ct.clone(),
            now: self.hands.now(),
            lang: self.settings.lang,
            room: self.settings.room.min(MOST),
            caller,
        };
        tokio::select! {
            () = rpc.ct.cancelled() => Err(Trouble::Cancelled),
            answer = (tool.call)(&context, arguments) => answer,
        }
    }

    /// The one way out of every tool: bounded, and free of secrets.
    fn result(&self, result: Result<Answer, Trouble>) -> CallToolResult {
        let room = self.settings.room.min(MOST);
        let text = |text: String| answer::cut(redact::text(&text).into_owned(), room);
        match result {
            Ok(answer) => {
                let mut result = CallToolResult::success(vec![ContentBlock::text(text(answer.text))]);
                result.structured_content = Some(answer::fit(answer.data, MOST));
                result
            }
            Err(trouble) => CallToolResult::error(vec![ContentBlock::text(text(trouble.to_string()))]),
        }
    }
}
