//! The one page of all markers: which tags, tokens, brackets and words open a call, end it, or stand inside it.

use super::tag::{self, Tag};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// a call follows, whatever its shape
    Open,
    /// a call may follow: only JSON with a known name is one
    Soft,
    /// the element that is a call itself: `<invoke name=`, `<function=`
    Call,
    Parameter,
    /// `<arg_key>` and the value beside it
    Key,
    Item,
    /// stands between a name and its arguments
    Infix,
    Close,
    CloseParameter,
    CloseKey,
    Think,
    CloseThink,
    /// a token of the harmony frame
    Frame,
    /// a token of Kimi K3's channels
    Channel,
    /// a token of the template that means nothing to a reader
    Noise,
}

#[derive(Debug, Clone)]
pub struct Mark<'a> {
    pub end: usize,
    pub role: Role,
    pub tag: Option<Tag<'a>>,
}

/// DeepSeek, Kimi K2, Llama, LFM2, Doubao, Cohere, InternLM, Inkling, Apertus, PLaMo, Gemma 4, Granite.
const TOKENS: &[(&str, Role)] = &[
    ("tool_calls_begin", Role::Open),
    ("tool_call_begin", Role::Open),
    ("tool_calls", Role::Open),
    ("tool_call", Role::Open),
    ("tool_calls_section_begin", Role::Open),
    ("tool_call_start", Role::Open),
    ("tool_calls_start", Role::Open),
    ("python_tag", Role::Open),
    ("python_start", Role::Open),
    ("functioncallbegin", Role::Open),
    ("functioncallbeginbegin", Role::Open),
    ("start_action", Role::Open),
    ("action_start", Role::Open),
    ("plugin", Role::Open),
    ("interpreter", Role::Open),
    ("content_invoke_tool_json", Role::Open),
    ("tools_prefix", Role::Open),
    ("function_call", Role::Open),
    ("begin_tool_requests", Role::Open),
    ("begin_tool_request", Role::Open),
    ("begin_tool_name", Role::Open),
    ("tool_sep", Role::Infix),
    ("tool_call_argument_begin", Role::Infix),
    ("tool_call_arguments_begin", Role::Infix),
    ("end_tool_name", Role::Infix),
    ("begin_tool_arguments", Role::Infix),
    ("msg", Role::Infix),
    ("tool_call_end", Role::Close),
    ("tool_calls_end", Role::Close),
    ("tool_calls_section_end", Role::Close),
    ("tool_outputs_begin", Role::Noise),
    ("tool_outputs_end", Role::Noise),
    ("python_end", Role::Close),
    ("functioncallend", Role::Close),
    ("functioncallendend", Role::Close),
    ("end_action", Role::Close),
    ("action_end", Role::Close),
    ("end_message", Role::Close),
    ("tools_suffix", Role::Close),
    ("end_tool_arguments", Role::Close),
    ("end_tool_request", Role::Close),
    ("end_tool_requests", Role::Close),
    ("eom_id", Role::Close),
    ("eot_id", Role::Noise),
    ("eom", Role::Noise),
    ("eot", Role::Noise),
    ("im_end", Role::Noise),
    ("im_start", Role::Noise),
    ("endoftext", Role::Noise),
    ("end_of_text", Role::Noise),
    ("end_of_sentence", Role::Noise),
    ("end_of_turn", Role::Noise),
    ("end_of_turn_token", Role::Noise),
    ("start_response", Role::Noise),
    ("end_response", Role::Noise),
    ("message_model", Role::Noise),
    ("content_text", Role::Noise),
    ("function_call_end", Role::Close),
    ("assistant", Role::Noise),
    ("role_end", Role::Noise),
    ("role_sep", Role::Noise),
    ("message_sep", Role::Noise),
    ("start_header_id", Role::Noise),
    ("end_header_id", Role::Noise),
    ("tool_response", Role::Noise),
    ("start_thinking", Role::Think),
    ("end_thinking", Role::CloseThink),
    ("think", Role::Think),
    ("start", Role::Frame),
    ("channel", Role::Frame),
    ("message", Role::Frame),
    ("constrain", Role::Frame),
    ("call", Role::Frame),
    ("return", Role::Frame),
    ("end", Role::Frame),
    ("open", Role::Channel),
    ("sep", Role::Channel),
    ("close", Role::Channel),
];

/// Hermes, Qwen3-Coder, GLM, MiniMax, Claude's text form, Hunyuan, FunctionGemma, Seed, LongCat, K2 Horizon.
const TAGS: &[(&str, Role)] = &[
    ("tool_call", Role::Open),
    ("tool_calls", Role::Open),
    ("toolcall", Role::Open),
    ("toolcalls", Role::Open),
    ("function_call", Role::Open),
    ("function_calls", Role::Open),
    ("functioncall", Role::Open),
    ("tool_use", Role::Open),
    ("longcat_tool_call", Role::Open),
    ("dots_function_call", Role::Open),
    ("start_function_call", Role::Open),
    ("end_function_call", Role::Close),
    ("start_function_response", Role::Noise),
    ("end_function_response", Role::Noise),
    ("tools", Role::Soft),
    ("tool", Role::Soft),
    ("json", Role::Soft),
    ("xml", Role::Soft),
    ("response", Role::Soft),
    ("answer", Role::Soft),
    ("invoke", Role::Call),
    ("function", Role::Call),
    ("parameter", Role::Parameter),
    ("param", Role::Parameter),
    ("arg_key", Role::Key),
    ("longcat_arg_key", Role::Key),
    ("arg_value", Role::Item),
    ("longcat_arg_value", Role::Item),
    ("tool_sep", Role::Infix),
    ("tool_name_sep", Role::Infix),
    ("think", Role::Think),
    ("thinking", Role::Think),
    ("think_fast", Role::Think),
    ("think_faster", Role::Think),
    ("longcat_think", Role::Think),
];

const BRACKETS: &[(&str, Role)] = &[
    ("[TOOL_CALLS]", Role::Open),
    ("[TOOL_CALL]", Role::Open),
    ("[TOOL_REQUEST]", Role::Open),
    ("[/TOOL_CALLS]", Role::Close),
    ("[/TOOL_CALL]", Role::Close),
    ("[END_TOOL_REQUEST]", Role::Close),
    ("[ARGS]", Role::Infix),
    ("[CALL_ID]", Role::Infix),
    ("[THINK]", Role::Think),
    ("[/THINK]", Role::CloseThink),
    ("]<]minimax[>[", Role::Noise),
    ("✿FUNCTION✿:", Role::Open),
    ("✿FUNCTION✿：", Role::Open),
    ("✿FUNCTION✿", Role::Open),
    ("✿ARGS✿:", Role::Infix),
    ("✿ARGS✿：", Role::Infix),
    ("✿ARGS✿", Role::Infix),
    ("✿RESULT✿", Role::Close),
    ("✿RETURN✿", Role::Close),
    ("###Thinking", Role::Think),
    ("###Response", Role::CloseThink),
    ("<0x0A>", Role::Noise),
    ("</s>", Role::Noise),
];

/// Words that open a call where they stand directly before its body.
const WORDS: &[(&str, char)] = &[("functools", '['), ("function call", '{')];

pub fn literal(text: &str) -> Option<(&'static str, Role)> {
    BRACKETS.iter().find(|(word, _)| text.starts_with(word)).copied()
}

/// Is the beginning of such a literal all that there is so far?
pub fn begins_literal(text: &str) -> bool {
    let words = BRACKETS.iter().map(|(word, _)| *word).chain(WORDS.iter().map(|(word, _)| *word));
    words.into_iter().any(|word| word.starts_with(text))
}

/// The marker at this place, if one stands there.
pub fn marker(text: &str, at: usize) -> Option<Mark<'_>> {
    let rest = &text[at..];
    if let Some((word, role)) = literal(rest) {
        return Some(Mark { end: at + word.len(), role, tag: None });
    }
    for (word, next) in WORDS {
        if let Some(after) = rest.strip_prefix(word).filter(|after| after.trim_start().starts_with(*next)) {
            return Some(Mark { end: text.len() - after.len(), role: Role::Open, tag: None });
        }
    }
    let tag = tag::read(text, at)?;
    let role = role(&tag.name, tag.token, tag.close)?;
    Some(Mark { end: tag.end, role, tag: Some(tag) })
}

/// What a tag with this name is; vendors' prefixes and vocabulary suffixes do not matter.
pub fn role(name: &str, token: bool, close: bool) -> Option<Role> {
    let known = |list: &[(&str, Role)], name: &str| list.iter().find(|(known, _)| *known == name).map(|found| found.1);
    let lists: &[&[(&str, Role)]] = if token { &[TOKENS, TAGS] } else { &[TAGS] };
    let parts = || std::iter::once(name).chain(name.split([':', '|', '.']));
    let role = lists.iter().find_map(|list| parts().find_map(|part| known(list, part)));
    let role = role.or_else(|| (name == "calls").then_some(Role::Open))?;
    if !close {
        return Some(role);
    }
    Some(match role {
        Role::Open | Role::Soft | Role::Call | Role::Close => Role::Close,
        Role::Parameter | Role::Item | Role::CloseParameter => Role::CloseParameter,
        Role::Key | Role::CloseKey => Role::CloseKey,
        Role::Think | Role::CloseThink => Role::CloseThink,
        Role::Infix | Role::Frame | Role::Channel | Role::Noise => Role::Noise,
    })
}
