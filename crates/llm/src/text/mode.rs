//! Text-tool mode: how a model without native tools is told of them, and how it is told their results.

use serde_json::json;

use super::tame;
use crate::request::Tool;

/// The part of the system prompt: the tools, the one form of a call, an example with a tool that exists.
pub fn prompt(tools: &[Tool]) -> String {
    let Some(first) = tools.first() else { return String::new() };
    let mut text = String::from(
        "You can use these tools. Each line is a tool's name, what it does, and the JSON schema of its arguments.\n\n",
    );
    for tool in tools {
        let line = tool.description.lines().next().unwrap_or("");
        text.push_str(&format!("- {}: {} {}\n", tool.name, tame(line), tame(&tool.parameters.to_string())));
    }
    let example = json!({"name": first.name, "arguments": example(first)});
    text.push_str(&format!(
        "\nTo use a tool, write a block of this form and nothing else in it:\n<tool_call>\n{example}\n</tool_call>\n\
         Several blocks in one reply are allowed; they run at the same time. Stop after the last block and wait for the \
         results. If you need no tool, write the final answer.\n"
    ));
    text
}

/// Values for the required arguments, of the right types.
fn example(tool: &Tool) -> serde_json::Map<String, serde_json::Value> {
    let required = tool.parameters.get("required").and_then(|list| list.as_array());
    let names = required.into_iter().flatten().filter_map(|name| name.as_str());
    names
        .map(|name| {
            let kind = tool.parameters.pointer(&format!("/properties/{name}/type")).and_then(|kind| kind.as_str());
            let value = match kind {
                Some("integer" | "number") => json!(1),
                Some("boolean") => json!(true),
                Some("array") => json!([]),
                Some("object") => json!({}),
                _ => json!("example"),
            };
            (name.to_owned(), value)
        })
        .collect()
}

/// One result of a round.
#[derive(Debug, Clone, Copy)]
pub struct Outcome<'a> {
    pub id: &'a str,
    pub name: &'a str,
    pub content: &'a str,
}

/// All results of a round in one message of the user.
pub fn results(outcomes: &[Outcome<'_>]) -> String {
    let mut text = String::new();
    for Outcome { id, name, content } in outcomes {
        let content = tame(content);
        text.push_str(&format!("<tool_response name=\"{name}\" id=\"{id}\">\n{content}\n</tool_response>\n"));
    }
    text
}
