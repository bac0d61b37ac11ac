//! What is sent, format by format, for the same conversation.

use llm::provider::{MaxTokens, Quirks, Switch};
use llm::{Dialect, Message, Request, Thinking, Tool, ToolCall};
use serde_json::{Value, json};

use crate::ask::{quirks, user};

fn call(id: &str, name: &str, arguments: &Value, extra: Option<Value>) -> ToolCall {
    ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: arguments.as_object().unwrap().clone(), extra }
}

fn conversation(extra: Option<Value>) -> Request {
    let schema = json!({"type": "object", "properties": {"n": {"type": "string"}}});
    let result =
        |id: &str, name: &str| Message::Tool { id: id.to_owned(), name: name.to_owned(), content: "r".to_owned() };
    Request {
        messages: vec![
            Message::System { content: "s".to_owned() },
            user("q"),
            Message::Assistant {
                content: String::new(),
                reasoning: "t".to_owned(),
                calls: vec![call("c1", "get", &json!({"n": "x"}), extra), call("call_3_2", "list", &json!({}), None)],
            },
            result("c1", "get"),
            result("call_3_2", "list"),
            user("now"),
        ],
        tools: vec![
            Tool { name: "get".to_owned(), description: "d".to_owned(), parameters: schema },
            Tool {
                name: "list".to_owned(),
                description: "e".to_owned(),
                parameters: json!({"type": "object", "properties": {}}),
            },
        ],
        max_tokens: Some(500),
        thinking: Thinking::Off,
        schema: Some(json!({"type": "object"})),
    }
}

fn with(thinking: Switch) -> Quirks {
    Quirks { thinking, output_limit: Some(400), ..quirks(true) }
}

#[test]
fn openai_chat() {
    let extra = json!({"extra_content": {"google": {"thought_signature": "s"}}, "thinking": ["of another"]});
    let body = Dialect::OpenaiChat.body(&conversation(Some(extra)), &with(Switch::EnableThinking));
    let expected = json!({
        "model": "m", "stream": true, "stream_options": {"include_usage": true}, "max_tokens": 400, "enable_thinking": false,
        "tools": [
            {"type": "function", "function": {"name": "get", "description": "d",
                "parameters": {"type": "object", "properties": {"n": {"type": "string"}}}}},
            {"type": "function", "function": {"name": "list", "description": "e",
                "parameters": {"type": "object", "properties": {}}}},
        ],
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}},
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": null, "reasoning_content": "t", "tool_calls": [
                {"id": "c1", "type": "function", "function": {"name": "get", "arguments": "{\"n\":\"x\"}"},
                    "extra_content": {"google": {"thought_signature": "s"}}},
                {"id": "call_3_2", "type": "function", "function": {"name": "list", "arguments": "{}"}},
            ]},
            {"role": "tool", "tool_call_id": "c1", "content": "r"},
            {"role": "tool", "tool_call_id": "call_3_2", "content": "r"},
            {"role": "user", "content": "now"},
        ],
    });
    assert_eq!(body, expected);
}

#[test]
fn openai_chat_switches() {
    let rows = [
        (Switch::TemplateKwargs, "/chat_template_kwargs/enable_thinking", json!(false)),
        (Switch::ThinkingType, "/thinking/type", json!("disabled")),
        (Switch::Effort("none"), "/reasoning_effort", json!("none")),
        (Switch::NoThink, "/messages/5/content", json!("now /no_think")),
        (Switch::Unsent, "/messages/5/content", json!("now")),
    ];
    for (switch, member, value) in rows {
        let mut request = conversation(None);
        let body = Dialect::OpenaiChat.body(&request, &with(switch));
        assert_eq!(body.pointer(member), Some(&value), "{switch:?}");
        request.thinking = Thinking::Default;
        let plain = Dialect::OpenaiChat.body(&request, &with(switch));
        assert_eq!(plain, Dialect::OpenaiChat.body(&request, &with(Switch::Unsent)), "{switch:?}: nothing is sent");
    }
    let other = Quirks {
        max_tokens: MaxTokens::MaxCompletionTokens,
        stream: false,
        json_schema: false,
        ..with(Switch::Unsent)
    };
    let body = Dialect::OpenaiChat.body(&conversation(None), &other);
    assert_eq!((&body["max_completion_tokens"], &body["stream"]), (&json!(400), &json!(false)));
    for member in ["max_tokens", "stream_options", "response_format", "tool_choice", "temperature"] {
        assert_eq!(body.get(member), None, "{member}");
    }
}

#[test]
fn openai_responses() {
    let thought = json!({"id": "rs", "type": "reasoning", "encrypted_content": "e", "summary": []});
    let request = conversation(Some(json!({"reasoning": thought})));
    let body = Dialect::OpenaiResponses.body(&request, &with(Switch::Effort("minimal")));
    assert_eq!(
        body["input"],
        json!([
            {"role": "system", "content": "s"},
            {"role": "user", "content": "q"},
            thought,
            {"type": "function_call", "call_id": "c1", "name": "get", "arguments": "{\"n\":\"x\"}"},
            {"type": "function_call", "call_id": "call_3_2", "name": "list", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "r"},
            {"type": "function_call_output", "call_id": "call_3_2", "output": "r"},
            {"role": "user", "content": "now"},
        ])
    );
    assert_eq!(
        body["tools"][1],
        json!({"type": "function", "name": "list", "description": "e", "strict": false,
        "parameters": {"type": "object", "properties": {}}})
    );
    assert_eq!((&body["max_output_tokens"], &body["reasoning"]), (&json!(400), &json!({"effort": "minimal"})));
    assert_eq!((&body["store"], &body["include"]), (&json!(false), &json!(["reasoning.encrypted_content"])));
    assert_eq!(body["text"]["format"]["schema"], json!({"type": "object"}));
}

#[test]
fn anthropic() {
    let thought = json!({"type": "thinking", "thinking": "t", "signature": "s"});
    let request = conversation(Some(json!({"thinking": [thought]})));
    let body = Dialect::Anthropic.body(&request, &Quirks { json_schema: false, ..with(Switch::Unsent) });
    let expected = json!({
        "model": "m", "max_tokens": 400, "stream": true,
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "tools": [
            {"name": "get", "description": "d", "input_schema": {"type": "object", "properties": {"n": {"type": "string"}}}},
            {"name": "list", "description": "e", "input_schema": {"type": "object", "properties": {}}},
        ],
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "q"}]},
            {"role": "assistant", "content": [
                thought,
                {"type": "tool_use", "id": "c1", "name": "get", "input": {"n": "x"}},
                {"type": "tool_use", "id": "call_3_2", "name": "list", "input": {}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "c1", "content": "r"},
                {"type": "tool_result", "tool_use_id": "call_3_2", "content": "r"},
                {"type": "text", "text": "now"},
            ]},
        ],
    });
    assert_eq!(body, expected);
    let headers = Dialect::Anthropic.headers(Some("k"));
    assert_eq!(headers, [("x-api-key", "k".to_owned()), ("anthropic-version", "2023-06-01".to_owned())]);
}

#[test]
fn gemini() {
    let request = conversation(Some(json!({"thoughtSignature": "s"})));
    let body = Dialect::Gemini.body(&request, &with(Switch::Effort("none")));
    let expected = json!({
        "systemInstruction": {"parts": [{"text": "s"}]},
        "contents": [
            {"role": "user", "parts": [{"text": "q"}]},
            {"role": "model", "parts": [
                {"functionCall": {"name": "get", "args": {"n": "x"}, "id": "c1"}, "thoughtSignature": "s"},
                {"functionCall": {"name": "list", "args": {}}},
            ]},
            {"role": "user", "parts": [
                {"functionResponse": {"name": "get", "response": {"result": "r"}, "id": "c1"}},
                {"functionResponse": {"name": "list", "response": {"result": "r"}}},
                {"text": "now"},
            ]},
        ],
        "tools": [{"functionDeclarations": [
            {"name": "get", "description": "d", "parameters": {"type": "object", "properties": {"n": {"type": "string"}}}},
            {"name": "list", "description": "e"},
        ]}],
        "generationConfig": {"maxOutputTokens": 400, "responseMimeType": "application/json",
            "responseJsonSchema": {"type": "object"}, "thinkingConfig": {"thinkingBudget": 0}},
    });
    assert_eq!(body, expected);
}

#[test]
fn ollama() {
    let quirks = Quirks { context: Some(32_768), ..with(Switch::Unsent) };
    let body = Dialect::Ollama.body(&conversation(None), &quirks);
    assert_eq!(
        body["messages"],
        json!([
            {"role": "system", "content": "s"},
            {"role": "user", "content": "q"},
            {"role": "assistant", "content": "", "thinking": "t", "tool_calls": [
                {"id": "c1", "function": {"name": "get", "arguments": {"n": "x"}}},
                {"id": "call_3_2", "function": {"name": "list", "arguments": {}}},
            ]},
            {"role": "tool", "tool_name": "get", "tool_call_id": "c1", "content": "r"},
            {"role": "tool", "tool_name": "list", "tool_call_id": "call_3_2", "content": "r"},
            {"role": "user", "content": "now"},
        ])
    );
    assert_eq!(body["options"], json!({"num_ctx": 32_768, "num_predict": 400}));
    assert_eq!(
        (&body["think"], &body["format"], &body["stream"]),
        (&json!(false), &json!({"type": "object"}), &json!(true))
    );
}

#[test]
fn addresses_with_a_version_and_without() {
    let quirks = quirks(true);
    let path = |base: &str, dialect: Dialect| llm::join(base, &dialect.path(&quirks));
    assert_eq!(path("/v1", Dialect::OpenaiChat), "/v1/chat/completions");
    assert_eq!(path("/api/v3/", Dialect::OpenaiChat), "/api/v3/chat/completions");
    assert_eq!(path("", Dialect::Anthropic), "/v1/messages");
    assert_eq!(path("/v1", Dialect::Anthropic), "/v1/messages");
    assert_eq!(path("/anthropic", Dialect::Anthropic), "/anthropic/v1/messages");
    assert_eq!(path("/v1beta", Dialect::Gemini), "/v1beta/models/m:streamGenerateContent?alt=sse");
    assert_eq!(path("", Dialect::Gemini), "/v1beta/models/m:streamGenerateContent?alt=sse");
    assert_eq!(path("/api", Dialect::Ollama), "/api/chat");
    assert_eq!(path("/", Dialect::Ollama), "/api/chat");
    assert_eq!(path("/v1", Dialect::Ollama), "/api/chat");
    assert_eq!(path("/api", Dialect::Anthropic), "/api/v1/messages");
    assert_eq!(path("/api/v1", Dialect::OpenaiResponses), "/api/v1/responses");
}

#[test]
fn the_same_request_has_the_same_bytes() {
    for dialect in crate::ask::ALL {
        let body = |request: &Request| dialect.body(request, &quirks(true)).to_string();
        assert_eq!(body(&conversation(None)), body(&conversation(None)), "{dialect:?}");
    }
}
