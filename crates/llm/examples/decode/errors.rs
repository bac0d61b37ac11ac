//! The mode `errors`: status, headers and body of an answer that is none, to its class and what it names.

use llm::refusal::{self, Refusal};
use llm::{Tool, calls_in};
use serde_json::{Map, Value, json};

pub fn decode(row: &Map<String, Value>, tools: &[Tool]) -> crate::Decoded {
    let status = match row.get("status") {
        Some(Value::Number(number)) => number.as_u64().and_then(|number| u16::try_from(number).ok()),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => None,
    };
    let status = status.ok_or("`status` is no HTTP status")?;
    let body = match row.get("body") {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let headers = match row.get("headers") {
        Some(Value::Object(headers)) => headers.clone(),
        Some(Value::Null) | None => Map::new(),
        Some(_) => return Err("`headers` is no object".to_owned()),
    };
    let header = |name: &str| {
        let value = headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)?;
        value.as_str().map_or_else(|| value.as_f64().map(|number| number.to_string()), |text| Some(text.to_owned()))
    };
    let refusal = refusal::read(status, &header, &body, jiff::Timestamp::now());
    Ok(told(&refusal, tools))
}

fn told(refusal: &Refusal, tools: &[Tool]) -> Map<String, Value> {
    let mut row = Map::from_iter([("class".to_owned(), json!(refusal.class))]);
    let mut set = |name: &str, value: Option<Value>| value.map(|value| row.insert(name.to_owned(), value));
    set("param", refusal.param.as_ref().map(|param| json!(param)));
    set("limit", refusal.limit.map(Value::from));
    set("used", refusal.used.map(Value::from));
    let wait = refusal.wait.and_then(|wait| u64::try_from(wait.as_millis()).ok());
    set("retry_after_ms", wait.map(Value::from));
    let calls = refusal.generation.as_deref().map(|text| calls_in(text, tools)).filter(|calls| !calls.is_empty());
    let plain = calls.map(|calls| {
        calls.iter().map(|call| json!({"name": call.name, "arguments": call.arguments})).collect::<Value>()
    });
    set("recovered", plain);
    row
}
