//! Tokens of a model's template inside data: broken, so that no server takes a line of a log for a control token.

use super::markers::{literal, marker};

/// The text with every special token, bracket marker and tag of a call broken by a space after its first character.
pub fn tame(text: &str) -> String {
    let mut tame = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        tame.push(c);
        let rest = &text[at..];
        let token = c == '<' && (rest[1..].starts_with(super::tag::is_bar) || rest.starts_with("</tool_response"));
        let special = token || c == '<' && marker(text, at).is_some();
        if special || matches!(c, '[' | ']' | '✿') && literal(rest).is_some() {
            tame.push(' ');
        }
    }
    tame
}
