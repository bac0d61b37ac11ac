//! What is changed when a provider refuses a request: one step a refusal, each step at most once.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::error::Class;
use crate::provider::{Ids, Keep, MaxTokens, Profile, Quirks, Roles, Switch, Tools};
use crate::refusal::Refusal;

/// One change to how a model is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// an answer by a schema that holds calls, instead of tools
    SchemaTools,
    /// tools described in the prompt, calls as text
    TextTools,
    WithoutTool {
        name: String,
    },
    FewerTools {
        most: usize,
    },
    ListedSchemas,
    BareSchemas,
    KeepReasoning,
    StripReasoning,
    Stream,
    NoStream,
    Drop {
        param: String,
    },
    MaxCompletionTokens,
    PlainMaxTokens,
    NoMaxTokens,
    OutputLimit {
        tokens: u32,
    },
    NoJsonSchema,
    NoStreamUsage,
    NoThinkingSwitch,
    EffortNone,
    FoldSystem,
    AlternateRoles,
    AssistantBetween,
    NineIds,
    Context {
        tokens: u32,
    },
    /// nothing that a plain chat server may not know
    Plain,
    /// the conversation cut to so many tokens
    Shrink {
        tokens: u32,
    },
    HideLastResult,
    Brief,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SchemaTools => f.write_str("no tools: calls by a JSON schema"),
            Self::TextTools => f.write_str("no tools: calls as text"),
            Self::WithoutTool { name } => write!(f, "without the tool {name}, whose schema is refused"),
            Self::FewerTools { most } => write!(f, "not more than {most} tools"),
            Self::ListedSchemas => f.write_str("simpler tool schemas"),
            Self::BareSchemas => f.write_str("tool schemas with names and types only"),
            Self::KeepReasoning => f.write_str("its reasoning is sent back"),
            Self::StripReasoning => f.write_str("its reasoning is not sent back"),
            Self::Stream => f.write_str("streaming only"),
            Self::NoStream => f.write_str("no streaming"),
            Self::Drop { param } => write!(f, "without {param}"),
            Self::MaxCompletionTokens => f.write_str("max_completion_tokens instead of max_tokens"),
            Self::PlainMaxTokens => f.write_str("max_tokens instead of max_completion_tokens"),
            Self::NoMaxTokens => f.write_str("without a bound for the answer"),
            Self::OutputLimit { tokens } => write!(f, "answers of not more than {tokens} tokens"),
            Self::NoJsonSchema => f.write_str("no JSON schema for answers"),
            Self::NoStreamUsage => f.write_str("without stream_options"),
            Self::NoThinkingSwitch => f.write_str("thinking cannot be switched off"),
            Self::EffortNone => f.write_str("reasoning_effort none"),
            Self::FoldSystem => f.write_str("no system message: folded into the first user message"),
            Self::AlternateRoles => f.write_str("strictly alternating roles"),
            Self::AssistantBetween => f.write_str("an assistant message after each tool result"),
            Self::NineIds => f.write_str("call ids of nine characters"),
            Self::Context { tokens } => write!(f, "context of {tokens} tokens"),
            Self::Plain => f.write_str("no optional parameters"),
            Self::Shrink { tokens } => write!(f, "conversation cut to about {tokens} tokens"),
            Self::Brief => f.write_str("less thinking and more room: the answer was empty"),
            Self::HideLastResult => f.write_str("the last tool result is withheld: the provider's filter refused it"),
        }
    }
}

impl Step {
    pub(crate) fn apply(&self, quirks: &mut Quirks) {
        match self {
            Self::SchemaTools => quirks.tools = quirks.tools.max(Tools::Schema),
            Self::TextTools => quirks.tools = Tools::Text,
            Self::WithoutTool { name } => quirks.without.push(name.clone()),
            Self::FewerTools { most } => quirks.most_tools = *most,
            Self::ListedSchemas => quirks.schema = quirks.schema.max(Profile::Listed),
            Self::BareSchemas => quirks.schema = Profile::Bare,
            Self::KeepReasoning => quirks.reasoning = Keep::Always,
            Self::StripReasoning => quirks.reasoning = Keep::Strip,
            Self::Stream => quirks.stream = true,
            Self::NoStream => quirks.stream = false,
            Self::Drop { param } => quirks.dropped.push(param.clone()),
            Self::MaxCompletionTokens => quirks.max_tokens = MaxTokens::MaxCompletionTokens,
            Self::PlainMaxTokens => quirks.max_tokens = MaxTokens::MaxTokens,
            Self::NoMaxTokens => quirks.max_tokens = MaxTokens::Unsent,
            Self::OutputLimit { tokens } => {
                quirks.output_limit = Some(quirks.output_limit.map_or(*tokens, |limit| limit.min(*tokens)));
            }
            Self::NoJsonSchema => quirks.json_schema = false,
            Self::NoStreamUsage => quirks.stream_usage = false,
            Self::NoThinkingSwitch => quirks.thinking = Switch::Unsent,
            Self::EffortNone => quirks.thinking = Switch::Effort("none"),
            Self::FoldSystem => quirks.system_role = false,
            Self::AlternateRoles => quirks.roles = Roles::Alternate,
            Self::AssistantBetween => quirks.roles = Roles::Mistral,
            Self::NineIds => quirks.ids = Ids::Nine,
            Self::Context { tokens } => {
                quirks.context = Some(quirks.context.map_or(*tokens, |context| context.min(*tokens)));
            }
            Self::Plain => {
                quirks.thinking = Switch::Unsent;
                quirks.stream_usage = false;
                quirks.json_schema = false;
                quirks.max_tokens = MaxTokens::Unsent;
            }
            Self::Shrink { tokens } => quirks.room = Some(*tokens),
            Self::HideLastResult => quirks.hide_last = true,
            Self::Brief => quirks.brief = true,
        }
    }
}

/// What follows a refusal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    /// the provider said so: true for every later request
    Learn(Step),
    /// a guess: remembered only if the request is accepted then
    Guess(Step),
    /// for this turn alone
    Once(Step),
    Wait(Option<Duration>),
    Again,
    Stop,
}

/// What the refused request was like.
pub(crate) struct Sent<'a> {
    pub quirks: &'a Quirks,
    /// top-level members of its body
    pub members: &'a [String],
    pub has_tools: bool,
    /// our own estimate of its tokens, without the answer
    pub tokens: u32,
    pub max_tokens: Option<u32>,
}

/// The next thing to try after a refusal.
pub(crate) fn next(refusal: &Refusal, sent: &Sent<'_>, done: &[Step], waited: u32) -> Action {
    let quirks = sent.quirks;
    let text = |action: fn(Step) -> Action| match quirks.tools {
        Tools::Native | Tools::Schema if sent.has_tools => action(Step::TextTools),
        Tools::Native | Tools::Schema | Tools::Text => Action::Stop,
    };
    let action = match refusal.class {
        Class::Auth
        | Class::Quota
        | Class::ModelNotFound
        | Class::Unreachable
        | Class::Timeout
        | Class::TooLarge
        | Class::NoModel
        | Class::EmptyToolCalls => Action::Stop,
        Class::EmptyAnswer => Action::Once(Step::Brief),
        Class::RateLimit | Class::Overloaded | Class::GatewayTimeout | Class::TransientEmpty => match waited {
            0..3 => Action::Wait(refusal.wait),
            3.. => Action::Stop,
        },
        Class::IncompleteStream => match waited {
            0 => Action::Again,
            1.. => Action::Stop,
        },
        Class::ToolsUnsupported | Class::ToolChoiceUnsupported | Class::ArgsInvalidJson => text(Action::Learn),
        Class::ToolUseFailed => match (waited, quirks.tools) {
            (0, _) => Action::Again,
            (1.., Tools::Native) if sent.has_tools && quirks.json_schema => Action::Learn(Step::SchemaTools),
            (1.., Tools::Native | Tools::Schema | Tools::Text) => text(Action::Learn),
        },
        Class::ToolNameInvalid | Class::ToolSchemaInvalid => {
            schema(refusal, quirks, done).unwrap_or_else(|| text(Action::Learn))
        }
        Class::TooManyTools => {
            let most = refusal.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(quirks.most_tools / 2);
            if most == 0 || most >= quirks.most_tools {
                text(Action::Learn)
            } else {
                Action::Learn(Step::FewerTools { most })
            }
        }
        Class::ReasoningMissing => Action::Learn(Step::KeepReasoning),
        Class::ReasoningForbidden => Action::Learn(Step::StripReasoning),
        Class::StreamRequired if quirks.stream => Action::Learn(Step::NoThinkingSwitch),
        Class::StreamRequired => Action::Learn(Step::Stream),
        Class::ParamUnsupported => param(refusal, sent),
        Class::MaxTokensRange => {
            let limit = refusal.limit;
            limit.map_or(Action::Learn(Step::NoMaxTokens), |tokens| Action::Learn(Step::OutputLimit { tokens }))
        }
        Class::SystemRoleUnsupported => Action::Learn(Step::FoldSystem),
        Class::PrefillForbidden => Action::Learn(Step::NoThinkingSwitch),
        Class::RoleOrder if done.contains(&Step::AlternateRoles) => Action::Learn(Step::AssistantBetween),
        Class::RoleOrder if quirks.roles == Roles::Alternate => Action::Learn(Step::AssistantBetween),
        Class::RoleOrder => role_order(refusal),
        Class::ToolPairing => text(Action::Once),
        Class::SignatureMissing => text(Action::Once),
        Class::ToolCallIdFormat => Action::Learn(Step::NineIds),
        Class::ContextLength => context(refusal, sent, done),
        Class::ContentFilter => Action::Once(Step::HideLastResult),
        Class::ContentShape | Class::BadRequestUnknown => match done.contains(&Step::Plain) {
            false => Action::Guess(Step::Plain),
            true => text(Action::Guess),
        },
    };
    match &action {
        Action::Learn(step) | Action::Guess(step) | Action::Once(step) if done.contains(step) => Action::Stop,
        Action::Learn(_) | Action::Guess(_) | Action::Once(_) | Action::Wait(_) | Action::Again | Action::Stop => {
            action
        }
    }
}

/// The tool that is named goes last: a simpler schema keeps it.
fn schema(refusal: &Refusal, quirks: &Quirks, done: &[Step]) -> Option<Action> {
    let step = match quirks.schema {
        _ if refusal.class == Class::ToolNameInvalid => None,
        Profile::Small => Some(Step::ListedSchemas),
        Profile::Listed => Some(Step::BareSchemas),
        Profile::Bare => None,
    };
    if let Some(step) = step {
        return Some(Action::Learn(step));
    }
    let name = refusal.text.split(['\'', '`', '"']).nth(1)?.to_owned();
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    (plain && !done.iter().any(|step| matches!(step, Step::WithoutTool { .. })))
        .then_some(Action::Learn(Step::WithoutTool { name }))
}

fn role_order(refusal: &Refusal) -> Action {
    let after_tool = refusal.text.to_lowercase().contains("after role 'tool'");
    Action::Learn(if after_tool { Step::AssistantBetween } else { Step::AlternateRoles })
}

fn param(refusal: &Refusal, sent: &Sent<'_>) -> Action {
    let name = refusal.param.clone().unwrap_or_default();
    let root = name.split(['.', '[']).next().unwrap_or_default().to_owned();
    match root.as_str() {
        "max_tokens" if sent.quirks.max_tokens == MaxTokens::MaxTokens => Action::Learn(Step::MaxCompletionTokens),
        "max_completion_tokens" if sent.quirks.max_tokens == MaxTokens::MaxCompletionTokens => {
            Action::Learn(Step::PlainMaxTokens)
        }
        "max_tokens" | "max_completion_tokens" | "max_output_tokens" => Action::Learn(Step::NoMaxTokens),
        "response_format" | "json_schema" | "grammar" | "format" | "output_config"
            if sent.quirks.tools == Tools::Schema =>
        {
            Action::Learn(Step::TextTools)
        }
        "response_format" | "json_schema" | "grammar" | "format" => Action::Learn(Step::NoJsonSchema),
        "tools" | "functions" | "tool_choice" if sent.has_tools => Action::Learn(Step::TextTools),
        "stream_options" | "include_usage" => Action::Learn(Step::NoStreamUsage),
        "stream" => Action::Learn(Step::NoStream),
        "reasoning_effort" if refusal.text.contains("'none'") && sent.quirks.thinking != Switch::Effort("none") => {
            Action::Learn(Step::EffortNone)
        }
        "thinking" | "enable_thinking" | "chat_template_kwargs" | "reasoning_effort" | "reasoning" | "think"
            if sent.quirks.thinking != Switch::Unsent =>
        {
            Action::Learn(Step::NoThinkingSwitch)
        }
        _ if sent.members.contains(&root) => Action::Learn(Step::Drop { param: root }),
        _ => Action::Guess(Step::Plain),
    }
}

fn context(refusal: &Refusal, sent: &Sent<'_>, done: &[Step]) -> Action {
    let limit = refusal.limit.filter(|limit| *limit > 0);
    let used = refusal.used;
    let answer = sent.max_tokens.unwrap_or(0);
    if let (Some(limit), Some(used)) = (limit, used) {
        // the question fits, only the answer was promised too much room
        let question = used.saturating_sub(answer);
        let left = limit.saturating_sub(question);
        let shorter = done.iter().any(|step| matches!(step, Step::OutputLimit { .. }));
        if answer > 0 && left >= 256 && left < answer && !shorter {
            return Action::Once(Step::OutputLimit { tokens: left - left / 16 });
        }
    }
    let learnt = done.iter().any(|step| matches!(step, Step::Context { .. }));
    match limit {
        Some(tokens) if !learnt && sent.quirks.context.is_none_or(|known| known > tokens) => {
            Action::Learn(Step::Context { tokens })
        }
        Some(_) | None => {
            let tokens = sent.quirks.room.unwrap_or(sent.tokens) / 2;
            if tokens < 256 { Action::Stop } else { Action::Once(Step::Shrink { tokens }) }
        }
    }
}
