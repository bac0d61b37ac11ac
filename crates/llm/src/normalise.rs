//! A conversation that every provider accepts, whatever it went through before: run before each request.

use std::collections::BTreeSet;

use crate::names::{Names, hash};
use crate::provider::{Ids, Keep, Quirks, Roles};
use crate::reply::ToolCall;
use crate::request::Message;

/// One system message in front, each call answered once and directly behind it, a user or a result last.
pub(crate) fn normalise(messages: &[Message], names: &Names, quirks: &Quirks) -> Vec<Message> {
    let (system, rest) = split_system(messages);
    let mut plain = pairs(&rest, names, quirks);
    plain.retain(|message| !is_empty(message));
    if matches!(plain.last(), Some(Message::Assistant { .. }) | None) {
        plain.push(Message::User { content: "Continue.".to_owned() });
    }
    keep_reasoning(&mut plain, quirks.reasoning);
    if !system.is_empty() {
        plain.insert(0, Message::System { content: system });
    }
    plain
}

/// What depends on the roles alone; run last, when no message changes its role any more.
pub(crate) fn order(messages: Vec<Message>, quirks: &Quirks) -> Vec<Message> {
    let messages = if quirks.system_role { messages } else { fold_system(messages) };
    match quirks.roles {
        Roles::Any => messages,
        Roles::Alternate => merge(messages),
        Roles::Mistral => between(merge(messages)),
    }
}

fn split_system(messages: &[Message]) -> (String, Vec<Message>) {
    let mut system = Vec::new();
    let mut rest = Vec::new();
    for message in messages {
        match message {
            Message::System { content } => system.push(content.as_str()),
            Message::User { .. } | Message::Assistant { .. } | Message::Tool { .. } => rest.push(message.clone()),
        }
    }
    (system.join("\n\n"), rest)
}

/// Results without a call are dropped, calls without a result get one.
fn pairs(messages: &[Message], names: &Names, quirks: &Quirks) -> Vec<Message> {
    let mut plain = Vec::new();
    let mut taken = BTreeSet::new();
    for (at, message) in messages.iter().enumerate() {
        match message {
            Message::System { .. } | Message::Tool { .. } => {}
            Message::User { .. } => plain.push(message.clone()),
            Message::Assistant { content, reasoning, calls } => {
                let until = messages[at + 1..].iter().position(|next| matches!(next, Message::Assistant { .. }));
                let results = &messages[at + 1..until.map_or(messages.len(), |len| at + 1 + len)];
                let (calls, answers) = answered(calls, results, names, quirks, &mut taken);
                plain.push(Message::Assistant { content: content.clone(), reasoning: reasoning.clone(), calls });
                plain.extend(answers);
            }
        }
    }
    plain
}

fn answered(
    calls: &[ToolCall],
    results: &[Message],
    names: &Names,
    quirks: &Quirks,
    taken: &mut BTreeSet<String>,
) -> (Vec<ToolCall>, Vec<Message>) {
    let mut sent = Vec::new();
    let mut answers = Vec::new();
    let mut used = BTreeSet::new();
    for call in calls {
        let answer = results.iter().enumerate().find_map(|(i, message)| match message {
            Message::Tool { id, content, .. } if *id == call.id && used.insert(i) => Some(content.clone()),
            Message::Tool { .. } | Message::System { .. } | Message::User { .. } | Message::Assistant { .. } => None,
        });
        let id = unique(&call.id, quirks.ids, taken);
        let name = names.wire(&call.name);
        let content = answer.unwrap_or_else(|| "(cancelled: there is no result)".to_owned());
        let content = if content.trim().is_empty() { "(empty)".to_owned() } else { content };
        answers.push(Message::Tool { id: id.clone(), name: name.clone(), content });
        sent.push(ToolCall { id, name, ..call.clone() });
    }
    (sent, answers)
}

/// The id as the provider wants it, different from all before.
fn unique(id: &str, ids: Ids, taken: &mut BTreeSet<String>) -> String {
    let mut name = id.to_owned();
    for number in 2.. {
        let fits = match ids {
            Ids::AsGiven => name.clone(),
            Ids::Nine => nine(&name),
        };
        if !fits.is_empty() && taken.insert(fits.clone()) {
            return fits;
        }
        name = format!("{}-{number}", if id.is_empty() { "call" } else { id });
    }
    name
}

fn nine(id: &str) -> String {
    let fits = id.len() == 9 && id.chars().all(|c| c.is_ascii_alphanumeric());
    if fits { id.to_owned() } else { format!("c{:08x}", hash(id)) }
}

fn is_empty(message: &Message) -> bool {
    match message {
        Message::System { content } | Message::User { content } => content.trim().is_empty(),
        Message::Assistant { content, calls, .. } => content.trim().is_empty() && calls.is_empty(),
        Message::Tool { .. } => false,
    }
}

fn keep_reasoning(messages: &mut [Message], keep: Keep) {
    let tools = messages.iter().any(|message| matches!(message, Message::Assistant { calls, .. } if !calls.is_empty()));
    for message in messages {
        let Message::Assistant { reasoning, calls, .. } = message else { continue };
        match keep {
            Keep::Strip => reasoning.clear(),
            Keep::ToolTurns if calls.is_empty() => reasoning.clear(),
            Keep::ToolTurns => {}
            // what was lost, or is another model's, is a space: the member has to be there
            Keep::Always if tools && reasoning.is_empty() => reasoning.push(' '),
            Keep::Always if tools => {}
            Keep::Always => reasoning.clear(),
        }
    }
}

fn fold_system(mut messages: Vec<Message>) -> Vec<Message> {
    let Some(Message::System { content: system }) = messages.first().cloned() else { return messages };
    messages.remove(0);
    match messages.iter_mut().find_map(|message| match message {
        Message::User { content } => Some(content),
        Message::System { .. } | Message::Assistant { .. } | Message::Tool { .. } => None,
    }) {
        Some(content) => *content = format!("{system}\n\n{content}"),
        None => messages.insert(0, Message::User { content: system }),
    }
    messages
}

/// Neighbours of the same role become one message.
fn merge(messages: Vec<Message>) -> Vec<Message> {
    let mut merged: Vec<Message> = Vec::new();
    for message in messages {
        match (merged.last_mut(), message) {
            (Some(Message::User { content }), Message::User { content: more }) => {
                content.push_str("\n\n");
                content.push_str(&more);
            }
            (
                Some(Message::Assistant { content, reasoning, calls }),
                Message::Assistant { content: more, reasoning: thought, calls: new },
            ) if calls.is_empty() => {
                content.push_str("\n\n");
                content.push_str(&more);
                reasoning.push_str(&thought);
                *calls = new;
            }
            (_, message) => merged.push(message),
        }
    }
    merged
}

/// Mistral takes no user's message directly behind a result.
fn between(messages: Vec<Message>) -> Vec<Message> {
    let mut plain: Vec<Message> = Vec::new();
    for message in messages {
        if matches!((plain.last(), &message), (Some(Message::Tool { .. }), Message::User { .. })) {
            plain.push(Message::Assistant { content: "OK.".to_owned(), reasoning: String::new(), calls: Vec::new() });
        }
        plain.push(message);
    }
    plain
}
