//! ReAct: labelled lines in English or Chinese. What follows the first observation was invented by the model.

use serde_json::{Map, Value};

use super::block::{self, Body};
use super::json;
use super::python;
use super::tools::{Raw, Tools};
use super::weak::Found;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Label {
    Thought,
    Action,
    Input,
    Observation,
    Answer,
}

const LABELS: &[(&str, Label)] = &[
    ("action input", Label::Input),
    ("action_input", Label::Input),
    ("动作输入", Label::Input),
    ("行动输入", Label::Input),
    ("action", Label::Action),
    ("动作", Label::Action),
    ("行动", Label::Action),
    ("observation", Label::Observation),
    ("观察", Label::Observation),
    ("final answer", Label::Answer),
    ("最终答案", Label::Answer),
    ("thought", Label::Thought),
    ("思考", Label::Thought),
];

/// What may stand before a label on its line.
const DECORATION: [char; 5] = [' ', '*', '#', '-', '_'];

/// A label at the beginning of this line, and what stands after its colon.
fn labelled(line: &str) -> Option<(Label, &str)> {
    let plain = line.trim_start_matches(DECORATION);
    LABELS.iter().find_map(|(word, label)| {
        let head = plain.get(..word.len()).filter(|head| head.eq_ignore_ascii_case(word))?;
        let after = plain[head.len()..].trim_start_matches(['*', ' ', '_']);
        let after = after.trim_start_matches(|c: char| c.is_ascii_digit()).trim_start();
        let value = after.strip_prefix([':', '：'])?;
        Some((*label, value.trim_start_matches(['*', ' '])))
    })
}

/// The reply's parts: each label with its text, over several lines.
fn parts(text: &str) -> Vec<(Label, String)> {
    let mut parts: Vec<(Label, String)> = Vec::new();
    for line in text.lines() {
        match (labelled(line), parts.last_mut()) {
            (Some((label, value)), _) => parts.push((label, value.to_owned())),
            (None, Some(part)) => part.1.extend(["\n", line]),
            (None, None) => {}
        }
    }
    parts
}

pub fn begins(line: &str) -> bool {
    labelled(line).is_some()
}

pub fn read(text: &str, tools: &Tools) -> Option<Found> {
    let parts = parts(text);
    let lead = text.lines().take_while(|line| labelled(line).is_none()).collect::<Vec<_>>().join("\n");
    let mut found = Found { visible: lead.trim().to_owned(), ..Found::default() };
    let mut parts = parts.iter().peekable();
    while let Some((label, value)) = parts.next() {
        match label {
            Label::Action => {
                let input = parts.peek().filter(|next| next.0 == Label::Input).map(|next| next.1.as_str());
                match action(value, input, tools) {
                    Some(Body::Calls(calls, _)) => found.calls.extend(calls),
                    Some(Body::Cut) => found.truncated = true,
                    Some(Body::Broken(_, why)) => found.invalid.push(why),
                    Some(Body::Nothing) | None => {}
                }
            }
            Label::Observation => break,
            Label::Answer if found.calls.is_empty() && !found.truncated => {
                return Some(Found { visible: value.trim().to_owned(), ..Found::default() });
            }
            Label::Answer | Label::Thought | Label::Input => {}
        }
    }
    let said = !found.calls.is_empty() || found.truncated || !found.invalid.is_empty();
    said.then_some(found)
}

fn action(value: &str, input: Option<&str>, tools: &Tools) -> Option<Body> {
    let value = value.trim();
    if value.starts_with("```") || value.starts_with(['[', '{']) {
        return in_action(value, tools);
    }
    let end = value.find(['(', '[', '\n', '{']).unwrap_or(value.len());
    let name = tools.known(value[..end].trim().trim_end_matches(['*', ':', '.']))?.to_owned();
    let rest = value[end..].trim();
    if rest.starts_with('(') {
        return Some(python::call(rest, 0, tools, &name));
    }
    let given = match input {
        Some(input) => input.trim(),
        None => match rest.strip_prefix('[') {
            Some(inner) => inner.trim_end().strip_suffix(']')?.trim(),
            None => rest,
        },
    };
    // its input would have come next: without the label a plain word is a piece of that label
    let unlabelled = input.is_none() && !rest.starts_with(['{', '[', '`', '"']);
    if (given.is_empty() || unlabelled) && tools.needs_arguments(&name) {
        return Some(Body::Cut);
    }
    Some(arguments(&name, given, tools))
}

/// Cohere's `Action: ```json [...]` and LangChain's JSON blob.
fn in_action(value: &str, tools: &Tools) -> Option<Body> {
    let at = value.find(['[', '{'])?;
    match json::read(value, at) {
        Ok((value, end)) => tools.calls(&value, true).ok().map(|calls| Body::Calls(calls, end)),
        Err(why) => Some(Body::why(why)),
    }
}

fn arguments(name: &str, given: &str, tools: &Tools) -> Body {
    let plain = given.trim();
    if plain.starts_with('{') || plain.starts_with("```") {
        return match block::arguments(plain, 0, tools, name, true) {
            Body::Broken(at, why) => Body::Broken(at, why),
            other => other,
        };
    }
    let call = |arguments| Body::Calls(vec![Raw { name: name.to_owned(), arguments }], 0);
    if matches!(plain.to_ascii_lowercase().as_str(), "" | "none" | "null" | "n/a" | "无") {
        return call(Map::new());
    }
    let only = tools.only_text(name);
    match only {
        Some(key) => {
            let text = json::lenient(plain).ok().and_then(|value| value.as_str().map(str::to_owned));
            call(Map::from_iter([(key.to_owned(), Value::String(text.unwrap_or_else(|| plain.to_owned())))]))
        }
        None if python::begins(&format!("x({plain})")) => python::call(&format!("({plain})"), 0, tools, name),
        None => Body::Broken(0, format!("the input of {name} is no JSON object")),
    }
}

/// Could this become a label with the next piece?
pub fn may_begin(rest: &str) -> bool {
    if rest.len() >= 24 {
        return false;
    }
    let plain = rest.trim_start_matches(DECORATION).to_lowercase();
    LABELS.iter().any(|(word, _)| {
        let after = plain
            .strip_prefix(word)
            .map(|after| after.trim_start_matches(['*', ' ', '_']).trim_start_matches(|c: char| c.is_ascii_digit()));
        word.starts_with(plain.as_str()) || after.is_some_and(|after| after.trim().is_empty())
    })
}
