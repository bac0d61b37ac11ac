//! By which words a refusal is known: short parts, since wordings change.

use super::{Said, numbers};
use crate::error::Class;

pub fn quota(said: &Said) -> bool {
    // Google says so of every limit, also of those that are over in seconds
    let passes = said.error["details"].to_string().contains("retryDelay");
    said.status == 402
        || !passes
            && said.any(&[
                "insufficient_quota",
                "insufficient balance",
                "insufficient_balance",
                "balance is insufficient",
                "insufficient credits",
                "exceeded your current quota",
                "check your plan and billing",
                "arrearage",
                "overdue",
                "credit balance is too low",
                "余额不足",
                "欠费",
                "额度已用尽",
                "额度不足",
                "quota_not_enough",
                "billing_hard_limit",
                "allocationquota.freetieronly",
            ])
        || said.code == "1113"
}

pub fn auth(said: &Said) -> bool {
    said.any(&[
        "invalid_api_key",
        "incorrect api key",
        "invalid api key",
        "api key not valid",
        "api_key_invalid",
        "authentication_error",
        "invalidapikey",
        "no api key",
        "api key is missing",
        "unauthorized",
        "无效的令牌",
        "令牌验证失败",
        "身份验证失败",
    ])
}

pub fn not_found(said: &Said) -> bool {
    said.status == 404
        || said.any(&[
            "model_not_found",
            "model not exist",
            "model does not exist",
            "invalidendpointormodel",
            "modelnotopen",
            "模型不存在",
        ])
        || said.words.contains("model")
            && said.any(&[
                "` does not exist",
                "' does not exist",
                "not found, try pulling",
                "is not a valid model",
                "no such model",
            ])
}

pub fn rate(said: &Said) -> bool {
    said.any(&[
        "rate limit",
        "rate_limit",
        "too many requests",
        "quota exceeded",
        "throttling",
        "并发数过高",
        "请求过于频繁",
        "限流",
    ])
}

pub fn tools(said: &Said) -> bool {
    said.any(&[
        "support function call",
        "support tool",
        "supports tool",
        "support the tool",
        "support `tool",
        "support 'tool",
        "function calling is not",
        "function call is not supported",
        "tool call is not supported",
        "tool calls are not supported",
        "tool calling is not supported",
        "tools are not supported",
        "tools is not supported",
        "tool use is not supported",
        "tool use is not enabled",
        "function calling is unsupported",
        "function calling not supported",
        "functions are not supported",
        "--enable-auto-tool-choice",
        "--tool-call-parser",
        "--jinja",
        "不支持工具调用",
        "不支持函数调用",
        "不支持 function",
        "不支持function",
        "unsupported parameter: 'tools'",
        "unsupported parameter: `tools`",
        "'tools' is not supported",
        "`tools` is not supported",
    ]) && !said.any(&["tool_choice value", "with reasoning_effort"])
        || said.code == "20037"
}

pub fn tool_choice(said: &Said) -> bool {
    said.any(&["tool_choice", "tool choice", "toolchoice"])
}

type Test = fn(&Said) -> bool;

/// In the order in which they are tested: what has a word of its own comes before what has not.
pub const TABLE: &[(Test, Class)] = &[
    (|said| said.any(&["tool_use_failed", "failed_generation"]), Class::ToolUseFailed),
    (|said| said.any(&["response_format", "json_schema"]), Class::ParamUnsupported),
    (signature, Class::SignatureMissing),
    (reasoning_forbidden, Class::ReasoningForbidden),
    (reasoning_missing, Class::ReasoningMissing),
    (tool_pairing, Class::ToolPairing),
    (call_id, Class::ToolCallIdFormat),
    (arguments, Class::ArgsInvalidJson),
    (tool_name, Class::ToolNameInvalid),
    (too_many_tools, Class::TooManyTools),
    (tool_schema, Class::ToolSchemaInvalid),
    (stream, Class::StreamRequired),
    (context, Class::ContextLength),
    (max_tokens, Class::MaxTokensRange),
    (system_role, Class::SystemRoleUnsupported),
    (
        |said| said.any(&["prefill", "must end with a user message", "must end with a user role"]),
        Class::PrefillForbidden,
    ),
    (role_order, Class::RoleOrder),
    (shape, Class::ContentShape),
    (filtered, Class::ContentFilter),
    (
        |said| said.any(&["overloaded", "too busy", "server busy", "服务繁忙", "系统繁忙", "访问量过大"]),
        Class::Overloaded,
    ),
    (param, Class::ParamUnsupported),
];

fn signature(said: &Said) -> bool {
    said.any(&[
        "thought_signature",
        "thoughtsignature",
        "thinking.signature",
        "signature` in `thinking`",
        "signature in thinking",
    ])
}

fn about_reasoning(said: &Said) -> bool {
    said.any(&[
        "reasoning_content",
        "reasoning content",
        "reasoning_details",
        "content and thinking",
        "`thinking` block",
        "thinking block",
        "redacted_thinking",
        "'reasoning'",
        "`reasoning`",
    ])
}

fn reasoning_forbidden(said: &Said) -> bool {
    about_reasoning(said)
        && said.any(&[
            "not allowed",
            "cannot pass both",
            "not permitted",
            "extra_forbidden",
            "must not",
            "should not",
            "unsupported",
            "not supported",
            "remove",
            "display purposes",
            "unexpected",
            "unrecognized",
            "unknown",
            "no longer",
        ])
}

fn reasoning_missing(said: &Said) -> bool {
    about_reasoning(said)
        && said.any(&[
            "passed back",
            "pass back",
            "missing",
            "must be",
            "required",
            "expected",
            "must start with",
            "needs",
            "provide",
        ])
}

fn tool_pairing(said: &Said) -> bool {
    said.any(&[
        "must be followed by tool messages",
        "did not have response messages",
        "must be a response to a prec",
        "without `tool_result`",
        "unexpected `tool_use_id`",
        "tool id not found",
        "tool result's tool id",
        "tool_call_id not found",
        "number of function calls and responses",
        "number of function response",
        "must define tools",
        "the `tools=` param",
        "toolconfig field must be defined",
        "no tool call found",
        "no tool output found",
        "tool_result` block must have",
        "tool_call_id is not found",
        "without a preceding",
        "corresponding `tool_use`",
        "corresponding tool_use",
        "tool call result does not follow",
    ]) || said.any(&["tool_call_id", "tool_use_id"])
        && said.any(&["not found", "does not match", "no matching", "without", "missing"])
}

fn call_id(said: &Said) -> bool {
    said.words.contains("tool call id") && said.any(&["must be", "length"])
        || said.any(&["tool_call_id", "tool_calls[0].id", "].id'", "tool_use.id", "tool_use_id"])
            && said.any(&["pattern", "too long", "maximum length", "invalid format"])
}

fn arguments(said: &Said) -> bool {
    said.words.contains("arguments")
        && said.any(&["json", "dict", "mapping", "valid string", "unmarshal", "pars", "must be a string"])
        || said.any(&["can only get item pairs from a mapping", "json object must be str", "tool_use.input"])
}

fn tool_name(said: &Said) -> bool {
    said.any(&[
        "function.name",
        "function name",
        "tool name",
        ".custom.name",
        "tools.0.name",
        "function_declarations[0].name",
    ]) && said.any(&["pattern", "too long", "maximum length", "invalid", "match", "must start", "must be"])
}

fn too_many_tools(said: &Said) -> bool {
    said.words.contains("tools")
        && said.any(&["array too long", "too many tools", "maximum number of tools", "at most 128", "maximum of 128"])
        || said.any(&["too many tools", "too many functions"])
}

fn tool_schema(said: &Said) -> bool {
    said.any(&[
        "unknown name",
        "only allowed for object",
        "flavored",
        "invalid_function_parameters",
        "input_schema",
        "function_declarations",
    ]) || said.words.contains("schema") && said.any(&["function", "tool", "parameters", "$ref", "$defs"])
        || said.words.contains("should be non-empty") && said.words.contains("properties")
}

fn stream(said: &Said) -> bool {
    said.any(&[
        "non-streaming",
        "non streaming",
        "stream=false",
        "stream mode",
        "only support stream",
        "only supports stream",
        "streaming only",
        "enable the stream",
        "stream must be true",
        "must be streamed",
        "streaming is required",
        "requires streaming",
        "`stream` must",
        "stream=true",
        "set stream to true",
        "streaming is strongly recommended",
        "仅支持流式",
        "只支持流式",
    ])
}

fn context(said: &Said) -> bool {
    let exact = [
        "maximum context length",
        "context_length_exceeded",
        "model_context_window_exceeded",
        "prompt is too long",
        "input is too long",
        "exceeds the context window",
        "context window exceeds limit",
        "maximum prompt length",
        "reduce the length of",
        "available context size",
        "exceed_context_size",
        "greater than the context length",
        "exceeded model token limit",
        "model's context length",
        "maximum context length",
        "range of input length",
        "max_seq_len",
        "prompt too long",
        "exceed context limit",
        "while limit is",
        "prompt 超长",
        "输入长度超过",
        "context size exceeded",
        "context length exceeded",
        "max_prompt_tokens",
        "too long to fit into the model",
        "maximum model length",
        "max_model_len",
        "context length of only",
        "context window of this model",
        "超过最大长度",
        "上下文长度",
        "no user query found",
        "input tokens exceed",
        "context window is",
        "larger than the context",
        "exceeds context",
    ];
    let counted =
        said.any(&["token count", "input length", "prompt token", "prompt length", "input token", "prompt contains"])
            && said.any(&["exceed", "maximum", "limit", "must be less", "too large", "too long", "longer than"]);
    let bare = said.status == 400 && said.empty;
    said.status == 413 || bare || said.any(&exact) || counted || said.code == "1261"
}

fn max_tokens(said: &Said) -> bool {
    said.any(&[
        "max_tokens",
        "max_completion_tokens",
        "max_new_tokens",
        "max_output_tokens",
        "maxoutputtokens",
        "num_predict",
    ]) && said.any(&[
        "range",
        "at most",
        "too large",
        "less than",
        "maximum",
        "[1,",
        "exceed",
        "between",
        "greater than",
        " > ",
        "<=",
        "larger",
        "大于",
        "不能超过",
    ]) && !said.any(&["unsupported parameter", "is not supported"])
}

fn system_role(said: &Said) -> bool {
    said.any(&[
        "developer instruction is not enabled",
        "system role not supported",
        "system role is not supported",
        "system instruction is not",
    ]) || said.words.contains("role")
        && said.any(&["system", "developer"])
        && said.any(&["not support", "unsupported", "not allowed", "invalid role", "not one of", "unknown role"])
}

fn role_order(said: &Said) -> bool {
    said.any(&[
        "unexpected role",
        "after role",
        "must alternate",
        "should alternate",
        "roles alternate",
        "message_order",
        "expected last role",
        "consecutive",
        "role order",
        "system message must be at the beginning",
        "system message must be the first",
        "comes immediately after a user turn",
        "first message must",
        "alternate between",
        "角色顺序",
    ])
}

fn shape(said: &Said) -> bool {
    said.any(&[
        "'array' not in 'string'",
        "invalid type: sequence",
        "content must be a string",
        "content should be a string",
        "concatenate str",
        "content must be string",
        "not in 'string'",
    ]) || said.words.contains("content")
        && said.any(&[
            "valid string",
            "expected a string",
            "must be of type string",
            "expected string",
            "is not a string",
        ])
}

pub fn filtered(said: &Said) -> bool {
    said.any(&[
        "content_filter",
        "content management policy",
        "data_inspection_failed",
        "datainspectionfailed",
        "inappropriate content",
        "content_policy",
        "content policy",
        "responsibleai",
        "requires moderation",
        "flagged",
        "不安全或敏感",
        "敏感内容",
        "sensitive content",
        "new_sensitive",
        "contentfilter",
        "content exists risk",
        "prohibited_content",
    ]) || matches!(said.code.as_str(), "1301" | "1026" | "1027")
}

fn param(said: &Said) -> bool {
    let named = said.param.as_deref().is_some_and(|param| !param.starts_with("messages"));
    let refused = said.any(&[
        "unsupported",
        "not support",
        "unknown",
        "unrecognized",
        "deprecated",
        "not permitted",
        "invalid",
        "cannot use",
        "incompatible",
        "not allowed",
        "unexpected",
        "extra inputs",
        "no longer",
        "only 1 is allowed",
        "only the default",
        "must be",
        "不支持",
        "extra_forbidden",
    ]);
    named || refused && numbers::param(Class::ParamUnsupported, None, &said.message).is_some()
}
