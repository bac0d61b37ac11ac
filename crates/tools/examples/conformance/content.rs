//! What the fixtures answer that needs no conversation.

use rmcp::model::{CallToolResult, GetPromptResult, Prompt, ReadResourceResult, Resource, ResourceTemplate, Tool};
use serde_json::{Map, Value, json};

/// One red pixel.
const PNG: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";
/// A header and no sound.
const WAV: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

const NAMES: &[&str] = &[
    "test_simple_text",
    "test_image_content",
    "test_audio_content",
    "test_embedded_resource",
    "test_multiple_content_types",
    "test_error_handling",
    "test_tool_with_logging",
    "test_tool_with_progress",
    "test_elicitation_sep1034_defaults",
    "test_elicitation_sep1330_enums",
    "test_missing_capability",
    "test_logging_tool",
    "test_streaming_elicitation",
    "test_trigger_tool_change",
    "test_input_required_result_elicitation",
    "test_input_required_result_sampling",
    "test_input_required_result_list_roots",
    "test_input_required_result_request_state",
    "test_input_required_result_multiple_inputs",
    "test_input_required_result_multi_round",
    "test_input_required_result_tampered_state",
    "test_input_required_result_capabilities",
];

pub fn read<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap_or_else(|error| panic!("a fixture is not what the protocol says: {error}"))
}

/// A result that needs no further round. The server leaves the mark out for older revisions.
pub fn complete<T: serde::de::DeserializeOwned>(mut value: Value) -> T {
    value["resultType"] = "complete".into();
    read(value)
}

pub fn tools() -> Vec<Tool> {
    let bare = NAMES.iter().map(|name| tool(name, json!({"type": "object", "properties": {}})));
    let with_text = |name: &str, argument: &str| {
        tool(name, json!({"type": "object", "properties": {argument: {"type": "string"}}, "required": [argument]}))
    };
    let region = json!({"type": "string", "x-mcp-header": "Region"});
    let headed = tool("test_custom_header", json!({"type": "object", "properties": {"region": region}}));
    bare.chain([headed, with_text("test_sampling", "prompt"), with_text("test_elicitation", "message"), schema_2020()])
        .collect()
}

fn tool(name: &str, schema: Value) -> Tool {
    read(json!({"name": name, "description": "A fixture of the conformance suite", "inputSchema": schema}))
}

/// Every keyword has to arrive as it was written.
fn schema_2020() -> Tool {
    tool(
        "json_schema_2020_12_tool",
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "$defs": {"address": {"$anchor": "addressDef", "type": "object", "properties": {
                "street": {"type": "string"}, "city": {"type": "string"},
            }}},
            "properties": {
                "name": {"type": "string"},
                "address": {"$ref": "#/$defs/address"},
                "contactMethod": {"type": "string", "enum": ["phone", "email"]},
                "phone": {"type": "string"},
                "email": {"type": "string"},
            },
            "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
            "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
            "then": {"required": ["phone"]},
            "else": {"required": ["email"]},
            "additionalProperties": false,
        }),
    )
}

pub fn text(text: impl Into<String>) -> CallToolResult {
    complete(json!({"content": [{"type": "text", "text": text.into()}]}))
}

/// None for tools that have to talk first.
pub fn called(name: &str) -> Option<CallToolResult> {
    let image = json!({"type": "image", "data": PNG, "mimeType": "image/png"});
    let content = match name {
        "test_simple_text" => json!([{"type": "text", "text": "This is a simple text response for testing."}]),
        "test_image_content" => json!([image]),
        "test_audio_content" => json!([{"type": "audio", "data": WAV, "mimeType": "audio/wav"}]),
        "test_embedded_resource" => json!([{"type": "resource", "resource": {"uri": "test://embedded-resource",
            "mimeType": "text/plain", "text": "This is an embedded resource content."}}]),
        "test_multiple_content_types" => json!([{"type": "text", "text": "Multiple content types test:"}, image,
            {"type": "resource", "resource": {"uri": "test://mixed-content-resource", "mimeType": "application/json",
            "text": "{\"test\":\"data\",\"value\":123}"}}]),
        "test_error_handling" => {
            let content = [json!({"type": "text", "text": "This tool intentionally returns an error for testing"})];
            return Some(complete(json!({"isError": true, "content": content})));
        }
        "json_schema_2020_12_tool" | "test_custom_header" => json!([{"type": "text", "text": "ok"}]),
        _ => return None,
    };
    Some(complete(json!({"content": content})))
}

pub fn prompts() -> Vec<Prompt> {
    let argument = |name: &str| json!({"name": name, "description": "A test argument", "required": true});
    let prompts = [
        ("test_simple_prompt", Vec::new()),
        ("test_prompt_with_arguments", vec![argument("arg1"), argument("arg2")]),
        ("test_prompt_with_embedded_resource", vec![argument("resourceUri")]),
        ("test_prompt_with_image", Vec::new()),
        ("test_input_required_result_prompt", Vec::new()),
    ];
    let prompt = |(name, arguments): (&str, Vec<Value>)| {
        read(json!({"name": name, "description": "A fixture of the conformance suite", "arguments": arguments}))
    };
    prompts.map(prompt).to_vec()
}

pub fn prompt(name: &str, arguments: &Map<String, Value>) -> Option<GetPromptResult> {
    let given = |key: &str| arguments.get(key).and_then(Value::as_str).unwrap_or_default();
    let say = |text: &str| json!({"role": "user", "content": {"type": "text", "text": text}});
    let messages = match name {
        "test_simple_prompt" => vec![say("This is a simple prompt for testing.")],
        "test_prompt_with_arguments" => {
            let (first, second) = (given("arg1"), given("arg2"));
            vec![say(&format!("Prompt with arguments: arg1='{first}', arg2='{second}'"))]
        }
        "test_prompt_with_embedded_resource" => {
            let resource = json!({"uri": given("resourceUri"), "mimeType": "text/plain",
                "text": "Embedded resource content for testing."});
            let embedded = json!({"role": "user", "content": {"type": "resource", "resource": resource}});
            vec![embedded, say("Please process the embedded resource above.")]
        }
        "test_prompt_with_image" => {
            let image = json!({"role": "user", "content": {"type": "image", "data": PNG, "mimeType": "image/png"}});
            vec![image, say("Please analyze the image above.")]
        }
        _ => return None,
    };
    Some(complete(json!({"messages": messages})))
}

pub fn resources() -> Vec<Resource> {
    let kinds = [("static-text", "text/plain"), ("static-binary", "image/png"), ("watched-resource", "text/plain")];
    let resource = |(name, kind)| {
        read(json!({"uri": format!("test://{name}"), "name": name, "mimeType": kind,
            "description": "A fixture of the conformance suite"}))
    };
    kinds.map(resource).to_vec()
}

pub fn template() -> ResourceTemplate {
    read(json!({"uriTemplate": "test://template/{id}/data", "name": "template", "mimeType": "application/json",
        "description": "A fixture of the conformance suite"}))
}

pub fn resource(uri: &str) -> Option<ReadResourceResult> {
    let content = match uri {
        "test://static-text" => {
            json!({"mimeType": "text/plain", "text": "This is the content of the static text resource."})
        }
        "test://static-binary" => json!({"mimeType": "image/png", "blob": PNG}),
        "test://watched-resource" => json!({"mimeType": "text/plain", "text": "This is a watched resource."}),
        other => {
            let id = other.strip_prefix("test://template/")?.strip_suffix("/data")?;
            let data = json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
            json!({"mimeType": "application/json", "text": data.to_string()})
        }
    };
    let mut content = content;
    content["uri"] = uri.into();
    Some(complete(json!({"contents": [content]})))
}
