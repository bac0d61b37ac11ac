//! An answer that is none, read: its class by status, code and short parts of its words, in the order of the table below.

mod numbers;
mod words;

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::error::Class;
use crate::wait;

/// What a provider said instead of an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    pub class: Class,
    /// its own words, shortened
    pub text: String,
    /// the parameter, tool or place in a schema that is refused
    pub param: Option<String>,
    /// tokens that are allowed
    pub limit: Option<u32>,
    /// tokens that were asked for
    pub used: Option<u32>,
    pub wait: Option<Duration>,
    /// what the model wrote where the provider could not read a call (Groq)
    pub generation: Option<String>,
}

impl Refusal {
    /// A failure that no server told.
    pub(crate) fn ours(class: Class, text: impl Into<String>) -> Self {
        Self { class, text: text.into(), param: None, limit: None, used: None, wait: None, generation: None }
    }
}

/// Reads an answer's status, headers (by lower-case name) and body.
pub fn read(status: u16, header: wait::Header<'_>, body: &str, now: Timestamp) -> Refusal {
    let value: Value = serde_json::from_str(body.trim()).unwrap_or(Value::Null);
    let said = Said::of(status, body, &value);
    let class = class(&said);
    let counts = matches!(class, Class::ContextLength | Class::MaxTokensRange | Class::TooManyTools);
    let (limit, used) = if counts { numbers::of(class, &said.words, &said.error) } else { (None, None) };
    let waits = matches!(class, Class::RateLimit | Class::Overloaded | Class::GatewayTimeout | Class::TransientEmpty);
    Refusal {
        class,
        param: numbers::param(class, said.param.as_deref(), &said.message),
        limit,
        used,
        wait: waits.then(|| wait::asked(header, &value, &said.words, now)).flatten(),
        generation: said.error["failed_generation"].as_str().map(str::to_owned),
        text: said.message,
    }
}

/// The parts of an answer that say something, whoever wrote it.
struct Said {
    status: u16,
    /// for people: not more than a few lines
    message: String,
    /// message, code and type in lower case
    words: String,
    code: String,
    param: Option<String>,
    error: Value,
    empty: bool,
    page: bool,
    body: Value,
}

impl Said {
    fn of(status: u16, body: &str, value: &Value) -> Self {
        let value = value.get(0).unwrap_or(value);
        let error = [&value["error"], &value["errors"][0], &value["base_resp"]];
        let error = error.into_iter().find(|error| error.is_object()).unwrap_or(value).clone();
        let page = body.trim_start().starts_with('<');
        let texts = [
            &error["message"],
            &value["error"],
            &value["message"],
            &value["detail"],
            &value["detail"][0]["msg"],
            &value["msg"],
            &value["error_msg"],
            &error["status_msg"],
            &error["msg"],
        ];
        let mut message = texts.into_iter().find_map(Value::as_str).unwrap_or_default().to_owned();
        if message.is_empty() && !page && !value.is_object() {
            message = body.chars().take(2_000).collect();
        }
        // FastAPI says where, not in its words
        if let Some(place) = value["detail"][0]["loc"].as_array().and_then(|place| place.last()?.as_str()) {
            message = format!("{message}: `{place}`");
        }
        // a router in front repeats what the provider behind it said
        if let Some(raw) = error["metadata"]["raw"].as_str() {
            message = format!("{message}: {raw}");
        }
        let plain = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => String::new(),
        };
        let codes = [
            &error["code"],
            &value["code"],
            &value["error_code"],
            &error["status_code"],
            &error["type"],
            &error["status"],
        ];
        let code = codes.iter().map(|code| plain(code)).find(|code| !code.is_empty()).unwrap_or_default();
        let all: Vec<String> = codes.iter().map(|code| plain(code)).collect();
        let details = if value["detail"].is_array() { value["detail"].to_string() } else { String::new() };
        let words = format!("{message} {} {details}", all.join(" ")).to_lowercase();
        // an error in an answer with 200 has the status that its code names
        let named = code.parse::<u16>().ok().filter(|code| (400..600).contains(code));
        let status = if status == 200 { named.unwrap_or(200) } else { status };
        let message: String = message.chars().take(600).collect();
        Self {
            status,
            message: if message.is_empty() { format!("HTTP {status}") } else { message },
            words,
            code: code.to_lowercase(),
            param: error["param"].as_str().filter(|param| !param.is_empty()).map(str::to_owned),
            error,
            empty: body.trim().is_empty() || body.trim() == "{}",
            page,
            body: value.clone(),
        }
    }

    fn any(&self, parts: &[&str]) -> bool {
        parts.iter().any(|part| self.words.contains(part))
    }
}

fn class(said: &Said) -> Class {
    if let Some(class) = without_error(said) {
        return class;
    }
    if words::quota(said) {
        return Class::Quota;
    }
    let filtered = words::filtered(said);
    if matches!(said.status, 401 | 403 | 407) && !filtered || words::auth(said) {
        return Class::Auth;
    }
    if said.status != 429 {
        let first = [
            (words::tools as fn(&Said) -> bool, Class::ToolsUnsupported),
            (words::tool_choice, Class::ToolChoiceUnsupported),
        ];
        if let Some((_, class)) = first.into_iter().find(|(test, _)| test(said)) {
            return class;
        }
        if words::not_found(said) {
            return Class::ModelNotFound;
        }
    }
    if said.status == 429
        || said.status == 200 && words::rate(said)
        || said.any(&["rate_limit_error"]) && said.status != 413
    {
        return Class::RateLimit;
    }
    if let Some((_, class)) = words::TABLE.iter().find(|(test, _)| test(said)) {
        return *class;
    }
    by_status(said)
}

/// A body that names no error.
fn without_error(said: &Said) -> Option<Class> {
    if said.status != 200 {
        return None;
    }
    if said.empty {
        return Some(Class::TransientEmpty);
    }
    if said.page {
        return Some(Class::ModelNotFound);
    }
    let choice = said.body.get("choices")?;
    let message = &choice[0]["message"];
    let calls = message["tool_calls"].as_array().is_some_and(|calls| !calls.is_empty());
    let said_tools = matches!(choice[0]["finish_reason"].as_str(), Some("tool_calls" | "function_call"));
    if said.body["error"].is_object() {
        return None;
    }
    Some(if said_tools && !calls { Class::EmptyToolCalls } else { Class::EmptyAnswer })
}

fn by_status(said: &Said) -> Class {
    match said.status {
        408 | 504 | 522 | 524 | 598 | 599 => Class::GatewayTimeout,
        500..=599 => Class::Overloaded,
        200..=299 => Class::BadRequestUnknown,
        300..=399 => Class::ModelNotFound,
        _ => Class::BadRequestUnknown,
    }
}
