//! A question as one model at one address takes it: names, schemas, roles, tools by the rung of the ladder, within its context.

use serde_json::{Value, json};

use crate::names::Names;
use crate::normalise::{normalise, order};
use crate::provider::{Quirks, Tools};
use crate::reply::ToolCall;
use crate::request::{Message, Request, Thinking, Tool};
use crate::schema::simplify;
use crate::shrink::shrink;
use crate::text::mode::{self, Outcome};
use crate::text::tame;
use crate::tokens;

/// Room for an answer where nobody says how long it may get.
const ANSWER: u32 = 2_048;

pub(crate) struct Prepared {
    /// what goes out
    pub request: Request,
    pub names: Names,
    /// the answer follows a schema that holds the calls
    pub by_schema: bool,
    /// our estimate of the question
    pub tokens: u32,
    /// what was left out for lack of room, in words
    pub note: Option<String>,
    /// the tools as they are called on the wire, whether they are sent or described
    tools: Vec<Tool>,
}

impl Prepared {
    /// What the answer is read with: calls may name these tools, also where none went out.
    pub fn offered(&self) -> Request {
        Request { tools: self.tools.clone(), ..self.request.clone() }
    }
}

pub(crate) fn prepare(request: &Request, quirks: &Quirks, thinking: Option<Thinking>) -> Prepared {
    let names = Names::new(&request.tools);
    let tools = tools(request, &names, quirks);
    let mut messages = normalise(&request.messages, &names, quirks);
    tame_results(&mut messages);
    if quirks.hide_last {
        hide_last(&mut messages);
    }
    let mut out = Request {
        messages: Vec::new(),
        tools: Vec::new(),
        max_tokens: request.max_tokens,
        thinking: thinking.unwrap_or(request.thinking),
        schema: request.schema.clone(),
    };
    if let (Some(wish), Some(limit)) = (out.max_tokens, quirks.output_limit) {
        out.max_tokens = Some(wish.min(limit));
    }
    if quirks.brief {
        out.thinking = Thinking::Off;
        out.max_tokens = out.max_tokens.map(|most| most.saturating_mul(2).min(quirks.output_limit.unwrap_or(u32::MAX)));
    }
    let by_schema = quirks.tools == Tools::Schema && !tools.is_empty();
    let (kept, note) = fit(messages, &tools, &out, quirks);
    messages = kept;
    match quirks.tools {
        Tools::Native => out.tools.clone_from(&tools),
        Tools::Text => messages = as_text(messages, &tools),
        Tools::Schema => {
            messages = as_text(messages, &tools);
            if by_schema {
                out.schema = Some(union(&tools));
            }
        }
    }
    out.messages = order(messages, quirks);
    Prepared { tokens: tokens::of_request(&out), request: out, names, by_schema, note, tools }
}

/// In the order of the request: a provider's prompt cache holds then.
fn tools(request: &Request, names: &Names, quirks: &Quirks) -> Vec<Tool> {
    let wanted = request.tools.iter().map(|tool| Tool {
        name: names.wire(&tool.name),
        description: tool.description.clone(),
        parameters: simplify(&tool.parameters, quirks.schema),
    });
    wanted.filter(|tool| !quirks.without.contains(&tool.name)).take(quirks.most_tools).collect()
}

/// Cut to what the context leaves beside tools and answer.
fn fit(messages: Vec<Message>, tools: &[Tool], out: &Request, quirks: &Quirks) -> (Vec<Message>, Option<String>) {
    let fixed = tokens::of_request(&Request { tools: tools.to_vec(), ..Request::default() });
    let answer = out.max_tokens.or(quirks.output_limit);
    let within = quirks.context.map(|context| {
        let answer = answer.unwrap_or(ANSWER).min(context / 4);
        // the estimate may be wrong by a tenth
        (context - context / 10).saturating_sub(answer)
    });
    let Some(room) = [within, quirks.room].into_iter().flatten().min() else { return (messages, None) };
    shrink(messages, room.saturating_sub(fixed).max(256))
}

/// Some servers make control tokens of a log line that spells one.
fn tame_results(messages: &mut [Message]) {
    for message in messages {
        if let Message::Tool { content, .. } = message {
            *content = tame(content);
        }
    }
}

fn hide_last(messages: &mut [Message]) {
    let last = messages.iter_mut().rev().find_map(|message| match message {
        Message::Tool { content, .. } => Some(content),
        Message::System { .. } | Message::User { .. } | Message::Assistant { .. } => None,
    });
    if let Some(content) = last {
        *content = "(withheld: the provider's filter refused this result)".to_owned();
    }
}

/// One of the calls, or the final answer.
fn union(tools: &[Tool]) -> Value {
    let calls = tools.iter().map(|tool| {
        let name = json!({"type": "string", "enum": [tool.name]});
        json!({
            "type": "object",
            "properties": {"name": name, "arguments": tool.parameters},
            "required": ["name", "arguments"],
            "additionalProperties": false,
        })
    });
    let answer = json!({
        "type": "object",
        "properties": {"final_answer": {"type": "string"}},
        "required": ["final_answer"],
        "additionalProperties": false,
    });
    json!({"anyOf": calls.chain([answer]).collect::<Vec<_>>()})
}

/// Tools described in the system message, calls and results as text: no tool role and no tool_calls anywhere.
fn as_text(messages: Vec<Message>, tools: &[Tool]) -> Vec<Message> {
    let mut plain: Vec<Message> = Vec::new();
    let mut results = Vec::new();
    let flush = |results: &mut Vec<(String, String, String)>, plain: &mut Vec<Message>| {
        if !results.is_empty() {
            let outcomes = results.iter().map(|(id, name, content)| Outcome { id, name, content });
            plain.push(Message::User { content: mode::results(&outcomes.collect::<Vec<_>>()) });
            results.clear();
        }
    };
    for message in messages {
        match message {
            Message::Tool { id, name, content } => results.push((id, name, content)),
            Message::Assistant { content, calls, .. } => {
                flush(&mut results, &mut plain);
                let calls = calls.iter().map(call).collect::<Vec<_>>();
                let content = [vec![content], calls].concat();
                let content = content.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n");
                plain.push(Message::Assistant { content, reasoning: String::new(), calls: Vec::new() });
            }
            message @ (Message::System { .. } | Message::User { .. }) => {
                flush(&mut results, &mut plain);
                plain.push(message);
            }
        }
    }
    flush(&mut results, &mut plain);
    if tools.is_empty() {
        return plain;
    }
    let prompt = mode::prompt(tools);
    match plain.first_mut() {
        Some(Message::System { content }) => *content = format!("{content}\n\n{prompt}"),
        Some(Message::User { .. } | Message::Assistant { .. } | Message::Tool { .. }) | None => {
            plain.insert(0, Message::System { content: prompt });
        }
    }
    plain
}

fn call(call: &ToolCall) -> String {
    let body = json!({"name": call.name, "arguments": call.arguments});
    format!("<tool_call>\n{body}\n</tool_call>")
}
