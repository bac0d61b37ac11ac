//! What a model can do, found out with three small questions.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::error::{Class, Error};
use crate::models::{Answer, Models};
use crate::provider::{Switch, Tools};
use crate::reply::Event;
use crate::request::{Message, Request, Thinking, Tool};

/// What was found.
#[derive(Debug, Clone, Serialize)]
pub struct Probe {
    pub name: String,
    /// why it gave no answer at all
    pub failed: Option<Failed>,
    pub tools: Works,
    /// several calls in one answer
    pub parallel: Works,
    pub streaming: Works,
    pub json_schema: Works,
    pub thinking: Thinks,
    /// tokens, where they are configured or were learnt
    pub context: Option<u32>,
    pub first_token_ms: Option<u64>,
    /// for the three questions
    pub took_ms: u64,
    pub requests: u32,
    /// what was switched off or changed because of it
    pub steps: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Failed {
    pub class: Class,
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Works {
    Yes,
    /// the model writes it into its text, and it is read there
    AsText,
    No,
    /// it was not asked
    Unknown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Thinks {
    /// it shows no thoughts
    No,
    /// it thinks, and can be told not to
    Switchable,
    /// it thinks whatever it is told
    Always,
    Unknown,
}

/// Asks the first of the models, each question for so long at most.
pub async fn probe(models: &Models, patience: Duration) -> Option<Probe> {
    let name = (*models.names().first()?).to_owned();
    let models = models.only(&name)?;
    let began = Instant::now();
    let mut found = Probe {
        name,
        failed: None,
        tools: Works::Unknown,
        parallel: Works::Unknown,
        streaming: Works::Unknown,
        json_schema: Works::Unknown,
        thinking: Thinks::Unknown,
        context: None,
        first_token_ms: None,
        took_ms: 0,
        requests: 0,
        steps: Vec::new(),
    };
    if let Err(error) = questions(&models, patience, &mut found).await {
        let requests = error.tried.iter().map(|one| one.requests).sum::<u32>();
        found.requests += requests;
        found.failed = Some(Failed { class: error.class, why: error.message });
    }
    if let Some((quirks, learnt)) = models.known() {
        found.context = quirks.context;
        found.steps = learnt;
        if found.tools == Works::Yes && quirks.tools != Tools::Native {
            found.tools = Works::AsText;
        }
        if found.thinking == Thinks::Always && quirks.thinking == Switch::Unsent && found.failed.is_some() {
            found.thinking = Thinks::Unknown;
        }
    }
    found.took_ms = millis(began.elapsed());
    Some(found)
}

async fn questions(models: &Models, patience: Duration, found: &mut Probe) -> Result<(), Error> {
    let plain = user("Count from 1 to 12 in digits, separated by spaces, and write nothing else.");
    let (answer, pieces) = ask(models, &plain, patience, found).await?;
    found.first_token_ms = answer.first_token.map(millis);
    found.streaming = if pieces > 1 { Works::Yes } else { Works::No };
    let thinks = !answer.reply.reasoning.trim().is_empty();
    let (answer, _) = ask(models, &tools(), patience, found).await?;
    let calls = answer.reply.calls.iter().filter(|call| call.name == "read_sensor").count();
    found.tools = if calls > 0 { Works::Yes } else { Works::No };
    found.parallel = if calls > 1 { Works::Yes } else { Works::No };
    let still = !answer.reply.reasoning.trim().is_empty();
    found.thinking = match (thinks, still) {
        (false, false) => Thinks::No,
        (true, false) => Thinks::Switchable,
        (_, true) => Thinks::Always,
    };
    let (answer, _) = ask(models, &by_schema(), patience, found).await?;
    let value: Value = serde_json::from_str(answer.reply.content.trim()).unwrap_or(Value::Null);
    let refused = models.known().is_some_and(|(quirks, _)| !quirks.json_schema);
    found.json_schema = if value["number"] == 7 && !refused { Works::Yes } else { Works::No };
    Ok(())
}

async fn ask(
    models: &Models,
    request: &Request,
    patience: Duration,
    found: &mut Probe,
) -> Result<(Answer, usize), Error> {
    let mut pieces = 0;
    let mut count = |event: Event| pieces += usize::from(matches!(event, Event::Text { .. } | Event::Reasoning { .. }));
    let answer = models.ask(request, Instant::now() + patience, &mut count).await?;
    found.requests += answer.requests;
    Ok((answer, pieces))
}

fn user(text: &str) -> Request {
    let messages = vec![Message::User { content: text.to_owned() }];
    Request { messages, max_tokens: Some(1_024), ..Request::default() }
}

fn tools() -> Request {
    let parameters = json!({
        "type": "object",
        "properties": {"room": {"type": "string", "description": "name of the room"}},
        "required": ["room"],
    });
    let description = "Reads the temperature of one room.".to_owned();
    let text =
        "Read the sensors of the rooms `north` and `south`. Call the tool for both rooms at once, in one answer.";
    Request {
        tools: vec![Tool { name: "read_sensor".to_owned(), description, parameters }],
        thinking: Thinking::Off,
        ..user(text)
    }
}

fn by_schema() -> Request {
    let schema = json!({
        "type": "object",
        "properties": {"number": {"type": "integer"}},
        "required": ["number"],
        "additionalProperties": false,
    });
    let text = "What is three plus four? Answer with a JSON object such as {\"number\": 1} and nothing else.";
    Request { schema: Some(schema), thinking: Thinking::Off, ..user(text) }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
