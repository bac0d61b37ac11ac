//! The answer that the program writes where no model did: what was read, and what the model had begun to say.

use crate::conversation::Conversation;
use crate::transcript::Step;

/// Of one result so many characters.
const SHOWN: usize = 240;
/// And of the results so many, the last ones.
const MOST: usize = 12;

pub fn text(closing: &str, partial: &str, conversation: &Conversation) -> String {
    let mut parts = vec![closing.trim().to_owned()];
    let said = conversation.messages.iter().rev().find_map(|message| match message {
        llm::Message::Assistant { content, .. } if !content.trim().is_empty() => Some(content.as_str()),
        llm::Message::Assistant { .. }
        | llm::Message::System { .. }
        | llm::Message::User { .. }
        | llm::Message::Tool { .. } => None,
    });
    let said = if partial.trim().is_empty() { said.unwrap_or_default() } else { partial };
    if !said.trim().is_empty() {
        parts.push(said.trim().to_owned());
    }
    let read: Vec<String> = conversation.steps.iter().filter_map(line).collect();
    let from = read.len().saturating_sub(MOST);
    parts.push(read.into_iter().skip(from).collect::<Vec<_>>().join("\n"));
    parts.retain(|part| !part.is_empty());
    if parts.is_empty() {
        // an answer is never empty
        parts.push("No model gave an answer.".to_owned());
    }
    parts.join("\n\n")
}

fn line(step: &Step) -> Option<String> {
    let Step::Called { call, result, .. } = step else { return None };
    let first = result.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let shown: String = first.trim().chars().take(SHOWN).collect();
    let more = if shown.len() < result.text.trim().len() { " …" } else { "" };
    let arguments = serde_json::Value::Object(call.arguments.clone());
    Some(format!("- {} {arguments}: {shown}{more}", call.name))
}
