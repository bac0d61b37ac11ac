//! The path of one call: known, allowed, readable, recorded, run, bounded, redacted.

use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, LoggingLevel, ProgressNotificationParam,
};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::{Server, described};
use crate::answer::{self, Answer, MOST};
use crate::context::{Caller, Context, Progress, Step};
use crate::hands::Decision;
use crate::schema;
use crate::seal::Bound;
use crate::tool::{Arguments, Tool};
use crate::trouble::Trouble;
use cluster::{Class, Digest, canonical_json};

/// News waiting for a slow client; more is dropped.
const NEWS: usize = 16;

impl Server {
    pub(super) async fn answer(
        &self,
        caller: Caller,
        request: CallToolRequestParams,
        rpc: &RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        // one list decides: what is not shown to this caller is as unknown as what never was
        let Some(tool) = self.open_to(&caller).find(|tool| tool.name == request.name) else {
            return Err(ErrorData::invalid_params(format!("Unknown tool: {}", request.name), None));
        };
        if let Err(trouble) = self.shared.limit.admit(&caller.name) {
            return Ok(self.result(Err(trouble)).into());
        }
        let input = described::input(tool, self.several());
        let arguments = match schema::accept(&input, tool.old_spellings, request.arguments.unwrap_or_default()) {
            Ok(arguments) => arguments,
            Err(trouble) => return Ok(self.result(Err(trouble)).into()),
        };
        let digest = Digest::of(&canonical_json(&Value::Object(arguments.clone()))).to_string();
        let bound = Bound { principal: &caller.name, tool: tool.name, digest: &digest };
        if let Some(state) = &request.request_state {
            return self.resumed(&caller, &bound, state, request.input_responses.as_ref(), rpc).await;
        }
        match self.run(tool, &caller, arguments, rpc).await {
            Err(Trouble::Approval(proposed)) => self.approval(&caller, &bound, *proposed, rpc).await,
            result => {
                self.mention(tool, &result, rpc).await;
                Ok(self.result(result).into())
            }
        }
    }

    /// One call by the program itself, in the name of this caller: the same path without a client at the other end.
    pub async fn call(&self, caller: &Caller, name: &str, arguments: Arguments) -> Result<Answer, Trouble> {
        let unknown = || Trouble::NotFound { what: format!("the tool {name}"), near: Vec::new() };
        let tool = self.open_to(caller).find(|tool| tool.name == name).ok_or_else(unknown)?;
        self.shared.limit.admit(&caller.name)?;
        let arguments = schema::accept(&described::input(tool, self.several()), tool.old_spellings, arguments)?;
        let answer = self.made(tool, caller, arguments, Progress::default(), &CancellationToken::new()).await?;
        Ok(Answer { text: self.clean(&answer.text), data: answer::fit(answer::redacted(answer.data), MOST) })
    }

    /// Runs one tool for a caller who may use it.
    pub(super) async fn run(
        &self,
        tool: &'static Tool,
        caller: &Caller,
        arguments: Arguments,
        rpc: &RequestContext<RoleServer>,
    ) -> Result<Answer, Trouble> {
        let (sender, news) = mpsc::channel(NEWS);
        tokio::select! {
            biased;
            answer = self.made(tool, caller, arguments, Progress::to(sender), &rpc.ct) => answer,
            never = pass_on(news, rpc) => match never {},
        }
    }

    /// Recorded first, then run until it ends or is cancelled.
    async fn made(
        &self,
        tool: &'static Tool,
        caller: &Caller,
        mut arguments: Arguments,
        progress: Progress,
        cancel: &CancellationToken,
    ) -> Result<Answer, Trouble> {
        let hands = &self.shared.hands;
        let written = Value::Object(arguments.clone());
        if let Err(trouble) = hands.record(caller, tool, &written, Decision::Allowed).await {
            // what nobody can look up later must not happen, if it is more than a plain read
            if tool.class > Class::R {
                return Err(trouble);
            }
            warn!(tool = tool.name, %trouble, "a read was not written down");
        }
        let named = arguments.remove("context");
        let context = Context {
            cluster: hands.cluster(caller, named.as_ref().and_then(Value::as_str)),
            contexts: hands.contexts(),
            hands: hands.clone(),
            caller: caller.clone(),
            prometheus: hands.prometheus(),
            progress,
            cancel: cancel.clone(),
            now: hands.now(),
            lang: self.shared.settings.lang,
            room: self.shared.settings.room.min(MOST),
        };
        let result = tokio::select! {
            biased;
            () = cancel.cancelled() => Err(Trouble::Cancelled),
            answer = (tool.call)(&context, arguments) => answer,
        };
        if matches!(result, Err(Trouble::Cancelled))
            && let Err(trouble) = hands.record(caller, tool, &written, Decision::Cancelled).await
        {
            warn!(tool = tool.name, %trouble, "a cancelled call was not written down");
        }
        result
    }

    async fn mention(&self, tool: &Tool, result: &Result<Answer, Trouble>, rpc: &RequestContext<RoleServer>) {
        match result {
            Ok(answer) if answer.text.len() > self.shared.settings.room => {
                let text = format!("{}: the answer of {} bytes was cut", tool.name, answer.text.len());
                self.level.say(rpc, LoggingLevel::Info, text).await;
            }
            Ok(_) => {}
            Err(trouble) => {
                let text = redact::text(&trouble.to_string()).into_owned();
                self.level.say(rpc, LoggingLevel::Warning, format!("{}: {text}", tool.name)).await;
            }
        }
    }

    /// Text as it may leave: free of secrets, within the room.
    pub(super) fn clean(&self, text: &str) -> String {
        answer::cut(redact::text(text).into_owned(), self.shared.settings.room.min(MOST))
    }

    /// The one way out of every tool.
    pub(super) fn result(&self, result: Result<Answer, Trouble>) -> CallToolResult {
        match result {
            Ok(answer) => {
                let mut result = CallToolResult::success(vec![ContentBlock::text(self.clean(&answer.text))]);
                result.structured_content = Some(answer::fit(answer::redacted(answer.data), MOST));
                result
            }
            Err(trouble) => CallToolResult::error(vec![ContentBlock::text(self.clean(&trouble.to_string()))]),
        }
    }
}

enum Never {}

/// Hands a tool's news to the client, for as long as the call runs. Waits silently when nobody asked for any.
async fn pass_on(mut news: mpsc::Receiver<Step>, rpc: &RequestContext<RoleServer>) -> Never {
    let mut last = f64::NEG_INFINITY;
    while let Some(token) = rpc.meta.get_progress_token() {
        let Some(Step { done, total, message }) = news.recv().await else { break };
        // the protocol wants progress that only rises
        if done <= last {
            continue;
        }
        last = done;
        let mut step = ProgressNotificationParam::new(token, done).with_message(redact::text(&message).into_owned());
        step.total = total;
        let _ = rpc.peer.notify_progress(step).await;
    }
    std::future::pending().await
}
