//! What is done with a reply before anything follows from it: too much is cut off, too little is asked for again.

use std::collections::HashSet;

use serde_json::Value;

use crate::announcement::announces;
use crate::check;
use crate::repeats::key;

/// Calls of one reply; a model that asks for more has lost its way.
const MOST_CALLS: usize = 16;

/// Why a reply without calls is no answer.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    Announced,
    Empty,
    /// it broke off within a call
    Truncated,
    /// it is not in the form that was asked for
    Form(String),
}

impl Wrong {
    pub fn reminder(&self) -> String {
        match self {
            Wrong::Announced => "You announced a call but made none. Call the tool now, or answer.".to_owned(),
            Wrong::Empty => "Your reply was empty. Call a tool, or answer.".to_owned(),
            Wrong::Truncated => "Your call was cut off and was not made. Make it shorter, or answer.".to_owned(),
            Wrong::Form(problem) => format!(
                "Your answer is not in the form that was asked for: {problem}. Answer again with that JSON and nothing else."
            ),
        }
    }
}

pub fn wrong(reply: &llm::Reply, schema: Option<&Value>, may_call: bool) -> Option<Wrong> {
    if reply.problem == Some(llm::Problem::TruncatedCall) {
        return Some(Wrong::Truncated);
    }
    if reply.content.trim().is_empty() {
        return Some(Wrong::Empty);
    }
    if may_call && (reply.stop == llm::Stop::ToolCalls || announces(&reply.content)) {
        return Some(Wrong::Announced);
    }
    let schema = schema?;
    let Some(value) = structured(&reply.content) else {
        return Some(Wrong::Form("it holds no JSON object".to_owned()));
    };
    check::problem(schema, &value).map(Wrong::Form)
}

/// The JSON object that a text is, or that stands in it, in a fence or among words.
pub fn structured(text: &str) -> Option<Value> {
    let from = text.find('{')?;
    let to = text.rfind('}')?;
    let whole = serde_json::from_str(text.get(from..=to)?).ok();
    // words may follow that hold braces themselves: the first object that ends is taken
    let mut values = serde_json::Deserializer::from_str(text.get(from..)?).into_iter::<Value>();
    whole.or_else(|| values.next().and_then(Result::ok)).filter(Value::is_object)
}

/// Gives each call an id of its own and drops what is said twice or too much; tells what was dropped.
pub fn tidy(calls: &mut Vec<llm::ToolCall>, taken: impl Fn(&str) -> bool) -> Option<String> {
    let before = calls.len();
    let mut said = HashSet::new();
    calls.retain(|call| said.insert(key(call)));
    calls.truncate(MOST_CALLS);
    let mut ids = HashSet::new();
    for call in calls.iter_mut() {
        let given = call.id.clone();
        let mut n = 1;
        while call.id.is_empty() || taken(&call.id) || ids.contains(&call.id) {
            n += 1;
            call.id = format!("{}_{n}", if given.is_empty() { "call" } else { &given });
        }
        ids.insert(call.id.clone());
    }
    let dropped = before - calls.len();
    (dropped > 0).then(|| format!("{dropped} of {before} calls of one reply"))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::{Wrong, structured, tidy, wrong};

    fn call(id: &str, name: &str) -> llm::ToolCall {
        llm::ToolCall { id: id.to_owned(), name: name.to_owned(), arguments: Map::new(), extra: None }
    }

    #[test]
    fn ids_become_unique_and_doubles_go() {
        let mut calls = vec![call("a", "x"), call("a", "y"), call("", "z"), call("b", "x")];
        assert_eq!(tidy(&mut calls, |id| id == "a").unwrap(), "1 of 4 calls of one reply");
        let ids: Vec<_> = calls.iter().map(|call| call.id.as_str()).collect();
        assert_eq!(ids, ["a_2", "a_3", "call_2"]);
        let mut many: Vec<_> = (0..1000).map(|i| call("same", &format!("t{i}"))).collect();
        assert_eq!(tidy(&mut many, |_| false).unwrap(), "984 of 1000 calls of one reply");
    }

    #[test]
    fn json_is_found_among_words() {
        assert_eq!(structured("```json\n{\"a\": 1}\n```"), Some(json!({"a": 1})));
        assert_eq!(structured("Here: {\"a\": {\"b\": 2}} and {so on"), Some(json!({"a": {"b": 2}})));
        assert_eq!(structured("none"), None);
        assert_eq!(structured("} {"), None);
    }

    #[test]
    fn what_is_no_answer_is_told_why() {
        let said = |text: &str| llm::Reply { content: text.to_owned(), ..llm::Reply::default() };
        let schema = json!({"type": "object", "required": ["cause"]});
        assert_eq!(wrong(&said(" "), None, true), Some(Wrong::Empty));
        assert_eq!(wrong(&said("Let me check the pods."), None, true), Some(Wrong::Announced));
        assert_eq!(wrong(&said("Let me check the pods."), None, false), None);
        assert_eq!(wrong(&said("It is full."), None, true), None);
        assert!(matches!(wrong(&said("It is full."), Some(&schema), true), Some(Wrong::Form(_))));
        assert!(matches!(wrong(&said("{\"x\": 1}"), Some(&schema), true), Some(Wrong::Form(_))));
        assert_eq!(wrong(&said("{\"cause\": 1}"), Some(&schema), true), None);
    }
}
