//! What a refusal names: the tokens allowed and used, the parameter that it does not want.

use serde_json::Value;

use crate::error::Class;

/// Words right before the number of tokens that are allowed.
const LIMITS: &[&str] = &[
    "maximum context length is only ",
    "maximum context length is ",
    "maximum context length of ",
    "tokens allowed (",
    "allowed is ",
    "maximum prompt length is ",
    "exceeds the limit of ",
    "exceeds limit of ",
    "available context size (",
    "token limit: ",
    "model's context length (",
    "too large for model with ",
    "input length should be [1, ",
    "input length should be [1,",
    "max_seq_len (",
    "context length of only ",
    "context length is only ",
    "maximum model length of ",
    "maximum model length is ",
    "(context length ",
    "less than or equal to ",
    "while limit is ",
    "max_model_len (",
    "max_model_len ",
    "context window of ",
    "context size of ",
    "context length of ",
    "context length is ",
    "context length (",
    "maximum input length of ",
    "maximum is ",
    "limit is ",
    "limit of ",
    "limit: ",
    "maximum length ",
    " > ",
];
/// Words right before the number of tokens that were asked for.
const USED: &[&str] = &[
    "you requested about ",
    "you requested ",
    "resulted in ",
    "your request has ",
    "request contains ",
    "prompt contains ",
    "token count (",
    "token count of ",
    "(requested: ",
    "requested: ",
    "the input (",
    "prompt_tokens (",
    "request (",
    "(total length ",
    "prompt (length ",
    "too long: ",
    "current length is ",
    "input length (",
    "prompt length (",
    "prompt length ",
    "input length of ",
    "input tokens: ",
    "prompt has ",
    "first ",
    "input has ",
    "used ",
];
/// Words right before the largest answer that is allowed.
const RANGES: &[&str] = &[
    "[1, ",
    "[1,",
    "at most ",
    "less than or equal to ",
    "between 1 and ",
    " > ",
    "<= ",
    "less than ",
    "no more than ",
    "not exceed ",
    "maximum of ",
    "maximum is ",
    "maximum value is ",
    "limit is ",
    "limit of ",
    "maximum: ",
    "不能超过 ",
    "不能超过",
    "不能大于",
    "and ",
];

/// Tokens allowed and used.
pub fn of(class: Class, words: &str, error: &Value) -> (Option<u32>, Option<u32>) {
    match class {
        Class::MaxTokensRange => (first(words, RANGES), None),
        Class::TooManyTools => {
            (first(words, &["maximum length ", "at most ", "maximum of ", "limit of ", "more than "]), None)
        }
        _ => {
            let named = |name: &str| error[name].as_u64().and_then(|number| u32::try_from(number).ok());
            let sum = words.split_once("context limit: ").and_then(|(_, rest)| {
                let (one, rest) = rest.split_once(" + ")?;
                Some(number(one)?.saturating_add(number(rest)?))
            });
            let used = named("n_prompt_tokens").or(sum).or_else(|| first(words, USED));
            // `context limit: QUESTION + ANSWER > LIMIT`
            let limit = sum.and_then(|_| first(words, &[" > "]));
            (named("n_ctx").or(limit).or_else(|| first(words, LIMITS)), used)
        }
    }
}

/// The number behind the first of the phrases that has one behind it.
fn first(words: &str, phrases: &[&str]) -> Option<u32> {
    phrases
        .iter()
        .find_map(|phrase| words.match_indices(phrase).find_map(|(at, _)| number(&words[at + phrase.len()..])))
}

fn number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != ',' && c != '_').unwrap_or(text.len());
    let digits: String = text[..end].chars().filter(char::is_ascii_digit).collect();
    digits.parse().ok()
}

/// Members of a request that providers are known to refuse.
const KNOWN: &[&str] = &[
    "chat_template_kwargs",
    "enable_thinking",
    "frequency_penalty",
    "grammar",
    "include_usage",
    "incremental_output",
    "logprobs",
    "max_completion_tokens",
    "max_output_tokens",
    "max_tokens",
    "metadata",
    "num_ctx",
    "parallel_tool_calls",
    "presence_penalty",
    "reasoning.effort",
    "reasoning_effort",
    "reasoning_split",
    "repetition_penalty",
    "response_format",
    "safety_settings",
    "seed",
    "stop",
    "store",
    "stream_options",
    "strict",
    "temperature",
    "thinking_budget",
    "thinking",
    "top_k",
    "top_p",
    "tool_stream",
    "verbosity",
];

/// The name that is refused: as the provider gives it, else out of its words.
pub fn param(class: Class, given: Option<&str>, message: &str) -> Option<String> {
    match class {
        Class::ParamUnsupported => {
            let named = given.map(str::to_owned).or_else(|| known(message));
            named.or_else(|| quoted(message)).or_else(|| compound(message))
        }
        Class::ToolNameInvalid => {
            given.map(str::to_owned).or_else(|| quoted(message).filter(|name| name.contains("name")))
        }
        Class::ToolSchemaInvalid => {
            given.map(str::to_owned).or_else(|| unknown_name(message)).or_else(|| at_path(message))
        }
        _ => None,
    }
}

/// The one that is named first, the longest where one is a part of the other.
fn known(message: &str) -> Option<String> {
    let message = message.to_lowercase();
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let whole = |at: usize, name: &str| !message[..at].ends_with(word) && !message[at + name.len()..].starts_with(word);
    let places = KNOWN.iter().filter_map(|name| {
        let at = message.match_indices(name).map(|(at, _)| at).find(|at| whole(*at, name))?;
        Some((at, usize::MAX - name.len(), *name))
    });
    places.min().map(|(_, _, name)| name.to_owned())
}

/// The first word with an underscore: no language has such words, so it is a name.
fn compound(message: &str) -> Option<String> {
    let words = message.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.map(|word| word.trim_matches('_')).find(|word| word.contains('_')).map(str::to_owned)
}

/// The first name in quotes.
fn quoted(message: &str) -> Option<String> {
    let mut rest = message;
    while let Some(at) = rest.find(['\'', '`', '"']) {
        let quote = rest[at..].chars().next()?;
        let inner = &rest[at + 1..];
        let end = inner.find(quote)?;
        let name = inner[..end].trim_end_matches('.');
        let fits = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.[]$-".contains(c));
        if fits {
            return Some(name.to_owned());
        }
        rest = &inner[end + 1..];
    }
    None
}

/// `Unknown name "$schema" at ...`
fn unknown_name(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("Unknown name")?;
    quoted(rest)
}

/// `At path 'properties.target': ...`, or the place of a Google error.
fn at_path(message: &str) -> Option<String> {
    if let Some((_, rest)) = message.split_once("path") {
        return quoted(rest);
    }
    let at = message.find(".parameters.").map(|at| at + 1)?;
    let end = message[at..].find([':', ' ']).unwrap_or(message.len() - at);
    Some(message[at..at + end].to_owned())
}
