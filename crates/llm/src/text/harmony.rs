//! gpt-oss and Beam: messages with a channel and a recipient; only what is said to nobody in particular is for people.

use super::block::{self, Body};
use super::markers::{Role, marker};
use super::tools::Tools;
use super::xml;

/// One message of the frame.
pub struct Said {
    pub calls: Body,
    pub text: Option<(bool, String)>,
    pub end: usize,
}

/// Where a recipient stands: `to=N`, only with a frame or the prefix `functions.` around it.
pub fn recipient(text: &str) -> Option<&str> {
    let after = &text[text.find("to=")? + 3..];
    let end =
        after.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.' | '-' | ':')).unwrap_or(after.len());
    Some(&after[..end]).filter(|name| !name.is_empty())
}

/// The message that begins at `at`, with a token of the frame or with `to=`.
pub fn read(text: &str, at: usize, tools: &Tools) -> Said {
    let (head, body) = header(text, at);
    if let Some(name) = recipient(head) {
        let start = block::space(text, body);
        let calls = match marker(text, start).map(|mark| mark.role) {
            Some(Role::Parameter | Role::Close) => xml::parameters(text, start, tools, name),
            Some(Role::Frame) => block::named(&format!("{name}<|call|>"), 0, tools, true),
            _ => block::arguments(text, start, tools, name, true),
        };
        let calls = match calls {
            Body::Nothing => Body::Broken(start, format!("no arguments for {name}")),
            other => other,
        };
        let end = match &calls {
            Body::Calls(_, end) | Body::Broken(end, _) => (*end).max(start),
            Body::Nothing | Body::Cut => text.len(),
        };
        return Said { calls, text: None, end };
    }
    let end = body_end(text, body);
    let hidden = head.contains("analysis");
    Said { calls: Body::Nothing, text: Some((hidden, text[body..end].to_owned())), end }
}

/// The header's text and where the body begins.
fn header(text: &str, at: usize) -> (&str, usize) {
    let mut next = at;
    loop {
        match marker(text, next) {
            Some(mark) if mark.role == Role::Frame => {
                let token = mark.tag.as_ref().map_or("", |tag| tag.name.as_str());
                if token == "message" {
                    return (&text[at..next], mark.end);
                }
                if matches!(token, "end" | "call" | "return") {
                    return (&text[at..next], mark.end);
                }
                next = mark.end;
            }
            Some(mark) if mark.role == Role::Noise => next = mark.end,
            Some(_) => return (&text[at..next], next),
            None => {
                let rest = &text[next..];
                let Some(c) = rest.chars().next().filter(|c| next - at < 400 && *c != '{') else {
                    return (&text[at..next], next);
                };
                if rest.starts_with("\n\n") && recipient(&text[at..next]).is_some() {
                    return (&text[at..next], next);
                }
                next += c.len_utf8();
            }
        }
    }
}

fn body_end(text: &str, at: usize) -> usize {
    let mut next = at;
    while let Some(found) = text[next..].find('<') {
        next += found;
        if marker(text, next).is_some_and(|mark| matches!(mark.role, Role::Frame)) {
            return next;
        }
        next += 1;
    }
    text.len()
}
