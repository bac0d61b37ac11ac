//! What each provider wants done differently, as data: the rows whose address or model's name fits are laid over the defaults.

use crate::settings::{Dialect, Model};

/// How a request to one model at one address has to look.
#[derive(Debug, Clone, PartialEq)]
pub struct Quirks {
    /// the model's name at the provider
    pub model: String,
    pub stream: bool,
    /// ask for token counts at the end of a stream
    pub stream_usage: bool,
    pub max_tokens: MaxTokens,
    /// the most that may be asked for as the answer's length
    pub output_limit: Option<u32>,
    pub thinking: Switch,
    pub reasoning: Keep,
    pub tools: Tools,
    /// whether `response_format` with a JSON schema is worth sending
    pub json_schema: bool,
    pub schema: Profile,
    /// system messages are allowed
    pub system_role: bool,
    pub roles: Roles,
    /// ids of calls as the provider wants them
    pub ids: Ids,
    /// members of the body that were refused
    pub dropped: Vec<String>,
    /// tools that the provider refused by name
    pub without: Vec<String>,
    pub most_tools: usize,
    pub context: Option<u32>,
    /// the conversation is cut to so many tokens, whatever the context is
    pub room: Option<u32>,
    /// the newest tool result is withheld
    pub hide_last: bool,
    /// no thinking and twice the room for the answer, because thoughts used it up
    pub brief: bool,
    /// the seconds between two events may be more: it thinks without a word
    pub thinks: bool,
}

/// Which member bounds the length of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MaxTokens {
    MaxTokens,
    MaxCompletionTokens,
    Unsent,
}

/// How thinking is switched off or kept short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Switch {
    /// nothing is sent
    Unsent,
    /// `enable_thinking: false` at the top
    EnableThinking,
    /// `chat_template_kwargs: {enable_thinking: false}`
    TemplateKwargs,
    /// `thinking: {type: "disabled"}`
    ThinkingType,
    /// `reasoning_effort`: this word for off, `low` for low
    Effort(&'static str),
    /// `/no_think` at the end of the last user message
    NoThink,
}

/// Which of the assistant's messages go back with their reasoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    Strip,
    ToolTurns,
    Always,
}

/// How tools are offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tools {
    Native,
    /// the answer has to follow a schema: one of the calls, or the final answer
    Schema,
    /// described in the system message; calls come as text
    Text,
}

/// How much of JSON schema the provider understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Profile {
    /// without what the model does not need and some refuse
    Small,
    /// only the white list of Gemini
    Listed,
    /// types and names of the first level alone
    Bare,
}

/// Which order of roles is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Roles {
    Any,
    /// neighbours of the same role are merged
    Alternate,
    /// also an assistant's message between a tool's result and a user's message
    Mistral,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ids {
    AsGiven,
    /// nine letters and digits
    Nine,
}

impl Quirks {
    /// What is known about a model before it is asked the first time.
    pub fn of(model: &Model) -> Self {
        let mut quirks = Self {
            model: model.model.clone(),
            stream: true,
            stream_usage: true,
            max_tokens: MaxTokens::MaxTokens,
            output_limit: model.max_output,
            thinking: Switch::Unsent,
            reasoning: Keep::ToolTurns,
            tools: Tools::Native,
            json_schema: true,
            schema: Profile::Small,
            system_role: true,
            roles: Roles::Any,
            ids: Ids::AsGiven,
            dropped: Vec::new(),
            without: Vec::new(),
            most_tools: 128,
            context: model.context,
            room: None,
            hide_last: false,
            brief: false,
            thinks: false,
        };
        let url = model.url.to_ascii_lowercase();
        let name = model.model.to_ascii_lowercase();
        for row in ROWS {
            let fits = |words: &[&str], text: &str| words.is_empty() || words.iter().any(|word| text.contains(word));
            if fits(row.address, &url) && fits(row.model, &name) {
                (row.change)(&mut quirks);
            }
        }
        if model.dialect() == Dialect::Gemini {
            quirks.schema = Profile::Listed;
        }
        quirks
    }
}

/// One provider's wishes. Empty lists fit everything.
struct Row {
    /// parts of the address, any of them
    address: &'static [&'static str],
    /// parts of the model's name, any of them
    model: &'static [&'static str],
    change: fn(&mut Quirks),
}

/// Later rows are laid over earlier ones.
const ROWS: &[Row] = &[
    Row {
        address: &[],
        model: &[
            "reasoner",
            "-r1",
            "thinking",
            "qwq",
            "qwen3",
            "gpt-oss",
            "glm-4.5",
            "glm-4.6",
            "glm-4.7",
            "glm-5",
            "kimi-k2",
            "minimax-m",
            "seed",
        ],
        change: |quirks| quirks.thinks = true,
    },
    Row { address: &[], model: &["qwen3"], change: |quirks| quirks.thinking = Switch::NoThink },
    Row {
        address: &["api.openai.com", "openai.azure.com"],
        model: &[],
        change: |quirks| {
            quirks.max_tokens = MaxTokens::MaxCompletionTokens;
            quirks.reasoning = Keep::Strip;
        },
    },
    Row {
        address: &["api.openai.com", "openai.azure.com"],
        model: &["o1", "o3", "o4", "gpt-5", "gpt-6"],
        change: |quirks| {
            quirks.thinking = Switch::Effort("low");
            quirks.thinks = true;
        },
    },
    // these refuse tools beside any reasoning on chat completions
    Row {
        address: &["api.openai.com", "openai.azure.com"],
        model: &["gpt-5.4", "gpt-5.6", "gpt-6"],
        change: |quirks| quirks.thinking = Switch::Effort("none"),
    },
    Row {
        address: &["api.openai.com", "openai.azure.com"],
        model: &["o1-preview", "o1-mini"],
        change: |quirks| {
            quirks.system_role = false;
            quirks.tools = Tools::Text;
            quirks.thinking = Switch::Unsent;
        },
    },
    Row {
        address: &["api.deepseek.com"],
        model: &[],
        change: |quirks| {
            quirks.reasoning = Keep::Always;
            quirks.json_schema = false;
        },
    },
    Row {
        address: &["api.deepseek.com"],
        model: &["v4", "deepseek-flash", "deepseek-pro"],
        change: |quirks| quirks.thinking = Switch::ThinkingType,
    },
    // its thoughts must not come back to it
    Row { address: &[], model: &["deepseek-r1"], change: |quirks| quirks.reasoning = Keep::Strip },
    Row {
        address: &["siliconflow"],
        model: &["qwen3", "glm-4", "hunyuan", "v3.1", "v3.2", "v4"],
        change: |quirks| quirks.thinking = Switch::EnableThinking,
    },
    Row {
        address: &["siliconflow"],
        model: &["deepseek-v3"],
        change: |quirks| quirks.output_limit = Some(least(quirks, 4096)),
    },
    Row {
        address: &["volces.com", "bytepluses.com"],
        model: &["seed", "doubao", "deepseek-v3-1", "deepseek-v4"],
        change: |quirks| quirks.thinking = Switch::ThinkingType,
    },
    Row {
        address: &["dashscope", "modelscope"],
        model: &["qwen", "deepseek-v3.", "glm"],
        change: |quirks| quirks.thinking = Switch::EnableThinking,
    },
    Row {
        address: &["moonshot"],
        model: &[],
        change: |quirks| {
            quirks.reasoning = Keep::Always;
            quirks.thinks = true;
        },
    },
    Row {
        address: &["moonshot"],
        model: &["k2.5", "k2.6", "k2.7"],
        change: |quirks| quirks.thinking = Switch::ThinkingType,
    },
    Row { address: &["moonshot"], model: &["k3"], change: |quirks| quirks.thinking = Switch::Effort("low") },
    Row {
        address: &["bigmodel.cn", "z.ai"],
        model: &[],
        change: |quirks| {
            quirks.stream_usage = false;
            quirks.thinking = Switch::ThinkingType;
            quirks.json_schema = false;
        },
    },
    Row {
        address: &["bigmodel.cn", "z.ai"],
        model: &["glm-5.3"],
        change: |quirks| quirks.thinking = Switch::Effort("low"),
    },
    Row { address: &["minimax"], model: &["m3"], change: |quirks| quirks.thinking = Switch::ThinkingType },
    Row { address: &["groq.com"], model: &["gpt-oss", "qwen3"], change: |quirks| quirks.thinking = Switch::Unsent },
    Row {
        address: &["mistral.ai"],
        model: &[],
        change: |quirks| {
            quirks.ids = Ids::Nine;
            quirks.roles = Roles::Mistral;
            quirks.reasoning = Keep::Strip;
            quirks.stream_usage = false;
        },
    },
    Row {
        address: &["generativelanguage.googleapis.com"],
        model: &[],
        change: |quirks| {
            quirks.schema = Profile::Listed;
            quirks.reasoning = Keep::Strip;
            quirks.thinking = Switch::Effort("none");
        },
    },
    // it ignores what it does not know, so these would be lost in silence
    Row {
        address: &["api.anthropic.com"],
        model: &[],
        change: |quirks| {
            quirks.json_schema = false;
            quirks.reasoning = Keep::Strip;
        },
    },
    Row { address: &[":11434"], model: &[], change: |quirks| quirks.reasoning = Keep::Strip },
    Row { address: &["workers.ai", "cloudflare"], model: &[], change: |quirks| quirks.roles = Roles::Alternate },
];

fn least(quirks: &Quirks, limit: u32) -> u32 {
    quirks.output_limit.map_or(limit, |own| own.min(limit))
}
