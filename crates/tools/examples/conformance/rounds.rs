//! Fixtures that answer in several rounds: what is asked, and what follows from the answers.

use rmcp::ErrorData;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, ClientCapabilities, GetPromptRequestParams, GetPromptResponse,
    InputRequest, InputRequests, InputRequiredResult, InputResponses,
};
use serde_json::{Value, json};
use tools::{Bound, Seals};

use super::content::{complete, read, text};

/// A form with one field.
pub fn form(message: &str, field: &str, kind: &str) -> Value {
    json!({"method": "elicitation/create", "params": {"mode": "form", "message": message, "requestedSchema":
        {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}}})
}

fn sampling(question: &str, tokens: u32) -> Value {
    let message = json!({"role": "user", "content": {"type": "text", "text": question}});
    json!({"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": tokens}})
}

fn roots() -> Value {
    json!({"method": "roots/list", "params": {}})
}

fn ask<const N: usize>(requests: [(&str, Value); N], state: Option<String>) -> InputRequiredResult {
    let requests: InputRequests =
        requests.into_iter().map(|(key, request)| (key.to_owned(), read::<InputRequest>(request))).collect();
    InputRequiredResult::new(Some(requests), state)
}

/// The field of an accepted form.
fn field<'a>(responses: Option<&'a InputResponses>, key: &str, name: &str) -> Option<&'a Value> {
    let answer = responses?.get(key)?;
    (answer["action"] == "accept").then(|| answer["content"].get(name)).flatten()
}

pub fn call(
    seals: &Seals,
    request: &CallToolRequestParams,
    client: Option<&ClientCapabilities>,
) -> Option<Result<CallToolResponse, ErrorData>> {
    let responses = request.input_responses.as_ref();
    let answer = match request.name.as_ref() {
        "test_input_required_result_elicitation" => match field(responses, "user_name", "name").and_then(Value::as_str)
        {
            Some(name) => text(format!("Hello, {name}!")).into(),
            None => ask([("user_name", form("What is your name?", "name", "string"))], None).into(),
        },
        "test_input_required_result_sampling" => match responses.and_then(|r| r.get("capital_question")) {
            Some(answer) => {
                text(format!("The model says: {}", answer["content"]["text"].as_str().unwrap_or_default())).into()
            }
            None => ask([("capital_question", sampling("What is the capital of France?", 100))], None).into(),
        },
        "test_input_required_result_list_roots" => match responses.and_then(|r| r.get("client_roots")) {
            Some(answer) => text(format!("Roots: {}", answer["roots"])).into(),
            None => ask([("client_roots", roots())], None).into(),
        },
        "test_input_required_result_capabilities" => {
            let able = client.cloned().unwrap_or_default();
            let mut requests = InputRequests::new();
            if able.elicitation.is_some() {
                requests.insert("name".to_owned(), read(form("What is your name?", "name", "string")));
            }
            if able.sampling.is_some() {
                requests.insert("greeting".to_owned(), read(sampling("Generate a greeting", 50)));
            }
            InputRequiredResult::from_input_requests(requests).into()
        }
        "test_input_required_result_request_state" | "test_input_required_result_tampered_state" => {
            let ask_again = |state| ask([("confirm", form("Please confirm", "ok", "boolean"))], Some(state)).into();
            return Some(stateful(seals, request, "confirm", ask_again));
        }
        "test_input_required_result_multiple_inputs" => {
            let ask_again = |state| {
                let name = form("What is your name?", "name", "string");
                let greeting = sampling("Generate a greeting", 50);
                ask([("user_name", name), ("greeting", greeting), ("client_roots", roots())], Some(state)).into()
            };
            return Some(stateful(seals, request, "client_roots", ask_again));
        }
        "test_input_required_result_multi_round" => return Some(two_forms(seals, request)),
        _ => return None,
    };
    Some(Ok(answer))
}

fn bound<'a>(request: &'a CallToolRequestParams) -> Bound<'a> {
    Bound { principal: "conformance", tool: &request.name, digest: "" }
}

fn sealed(seals: &Seals, request: &CallToolRequestParams, content: &str) -> Result<String, ErrorData> {
    let state = seals.seal(&bound(request), content, jiff::Timestamp::now());
    state.map_err(|why| ErrorData::internal_error(why, None))
}

fn opened(seals: &Seals, request: &CallToolRequestParams) -> Result<Option<String>, ErrorData> {
    let Some(state) = &request.request_state else { return Ok(None) };
    let content = seals.open(state, &bound(request), jiff::Timestamp::now());
    content.map(Some).ok_or_else(|| ErrorData::invalid_params("requestState is not valid", None))
}

fn stateful(
    seals: &Seals,
    request: &CallToolRequestParams,
    key: &str,
    ask_again: impl Fn(String) -> CallToolResponse,
) -> Result<CallToolResponse, ErrorData> {
    let known = opened(seals, request)?.is_some();
    let answered = request.input_responses.as_ref().is_some_and(|r| r.contains_key(key));
    if known && answered {
        return Ok(text("state-ok").into());
    }
    Ok(ask_again(sealed(seals, request, "waiting")?))
}

fn two_forms(seals: &Seals, request: &CallToolRequestParams) -> Result<CallToolResponse, ErrorData> {
    let step = opened(seals, request)?;
    let responses = request.input_responses.as_ref();
    match step.as_deref() {
        Some("1") if responses.is_some_and(|r| r.contains_key("step1")) => {
            let form = form("Step 2: What is your favorite color?", "color", "string");
            Ok(ask([("step2", form)], Some(sealed(seals, request, "2")?)).into())
        }
        Some("2") if responses.is_some_and(|r| r.contains_key("step2")) => Ok(text("Both steps are done.").into()),
        _ => {
            let form = form("Step 1: What is your name?", "name", "string");
            Ok(ask([("step1", form)], Some(sealed(seals, request, "1")?)).into())
        }
    }
}

pub fn prompt(request: &GetPromptRequestParams) -> Option<GetPromptResponse> {
    if request.name != "test_input_required_result_prompt" {
        return None;
    }
    let given = field(request.input_responses.as_ref(), "user_context", "context").and_then(Value::as_str);
    let Some(context) = given else {
        let form = form("What context should the prompt use?", "context", "string");
        return Some(ask([("user_context", form)], None).into());
    };
    let message = json!({"role": "user", "content": {"type": "text", "text": format!("Use this context: {context}")}});
    Some(GetPromptResponse::Complete(complete(json!({"messages": [message]}))))
}
