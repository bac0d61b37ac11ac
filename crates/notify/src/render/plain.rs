//! Plain text, for the text part of an e-mail and for message previews.

use crate::message::{Link, Message};
use crate::render::clean::line;
use crate::render::markup::{Markup, document, tag_and_state};

struct Plain;

impl Markup for Plain {
    fn text(&self, text: &str) -> String {
        line(text)
    }
    fn strong(&self, text: &str) -> String {
        line(text)
    }
    fn code_span(&self, text: &str) -> String {
        line(text)
    }
    fn heading(&self, text: &str) -> String {
        format!("== {} ==", line(text))
    }
    fn code_block(&self, _lang: &str, text: &str) -> String {
        self.join(text.trim_end().lines().map(|l| format!("    {l}")))
    }
    fn link(&self, link: &Link) -> String {
        match crate::render::clean::url(&link.url) {
            Some(url) => format!("{}: {url}", line(&link.text)),
            None => line(&link.text),
        }
    }
}

/// The whole message.
pub(crate) fn text(message: &Message) -> String {
    let head = format!("[{}] {}", tag_and_state(message), line(&message.title));
    document(&Plain, message, head)
}
