//! What a dialect of Markdown has to tell, and the walk over the tree that is the same for all of them.

use crate::message::{Block, Inline, Link, Message};
use crate::render::clean::{CALLS, JOINER, break_up, line, url};
use crate::render::words;

/// One dialect. `text` escapes; every other method gets raw text and escapes it by itself.
pub(crate) trait Markup: Sized {
    /// Plain text on one line that this dialect reads as text only.
    fn text(&self, text: &str) -> String;
    fn heading(&self, text: &str) -> String;
    fn code_block(&self, lang: &str, text: &str) -> String;

    fn strong(&self, text: &str) -> String {
        let text = self.text(text);
        if text.is_empty() { text } else { format!("**{text}**") }
    }
    fn code_span(&self, text: &str) -> String {
        code_span(text)
    }
    fn link(&self, link: &Link) -> String {
        match url(&link.url) {
            Some(url) => format!("[{}]({url})", self.text(&link.text)),
            None => self.text(&link.text),
        }
    }
    fn quote(&self, text: &str) -> String {
        self.join(text.lines().map(|l| format!("> {}", self.text(l))))
    }
    fn fact(&self, name: &str, value: &str, separator: &str) -> String {
        format!("{}{separator}{}", self.strong(name), self.text(value))
    }
    fn table(&self, head: &[String], rows: &[Vec<String>]) -> String {
        self.join(rows.iter().map(|row| format!("- {}", row_as_text(self, head, row))))
    }
    fn rule(&self) -> String {
        "---".to_owned()
    }
    /// What ends a line inside a block.
    fn line_end(&self) -> &'static str {
        "\n"
    }
    fn join(&self, lines: impl Iterator<Item = String>) -> String {
        lines.collect::<Vec<_>>().join(self.line_end())
    }
}

/// One row as `head: cell · head: cell`.
pub(crate) fn row_as_text<M: Markup>(markup: &M, head: &[String], row: &[String]) -> String {
    let cell = |(place, cell): (usize, &String)| match head.get(place).filter(|h| !h.is_empty() && row.len() > 1) {
        Some(head) => format!("{}: {}", markup.text(head), markup.text(cell)),
        None => markup.text(cell),
    };
    row.iter().enumerate().map(cell).collect::<Vec<_>>().join(" · ")
}

/// The runs of a paragraph or list item.
pub(crate) fn inlines<M: Markup>(markup: &M, runs: &[Inline]) -> String {
    let mut out = String::new();
    for run in runs {
        let piece = match run {
            Inline::Text(text) => spaced(text, &markup.text(text)),
            Inline::Strong(text) => markup.strong(text),
            Inline::Code(text) => markup.code_span(text),
            Inline::Link(link) => markup.link(link),
        };
        out.push_str(&piece);
    }
    out.trim().to_owned()
}

/// `shown` with the spaces that `raw` had around it: runs stand side by side.
fn spaced(raw: &str, shown: &str) -> String {
    let before = if raw.starts_with(char::is_whitespace) { " " } else { "" };
    let after = if raw.ends_with(char::is_whitespace) { " " } else { "" };
    if shown.is_empty() { before.to_owned() } else { format!("{before}{shown}{after}") }
}

/// One block as text of the dialect.
pub(crate) fn block<M: Markup>(markup: &M, block: &Block, separator: &str) -> String {
    match block {
        Block::Paragraph(runs) => inlines(markup, runs),
        Block::Facts(facts) => markup.join(facts.iter().map(|(name, value)| markup.fact(name, value, separator))),
        Block::List(items) => markup.join(items.iter().map(|item| format!("- {}", inlines(markup, item)))),
        Block::Table { head, rows } => markup.table(head, rows),
        Block::Code { lang, text } => markup.code_block(lang, text),
        Block::Quote(text) => markup.quote(text),
        Block::Rule => markup.rule(),
    }
}

/// The whole message for a channel whose body is one text; `head` is its title line.
pub(crate) fn document<M: Markup>(markup: &M, message: &Message, head: String) -> String {
    let separator = words::separator(message.lang);
    let mut parts = vec![head, markup.strong(&message.lead)];
    if !message.object.is_empty() {
        parts.push(markup.fact(words::object(message.lang), &message.object, separator));
    }
    for section in &message.sections {
        parts.push(markup.heading(&section.title));
        parts.extend(section.pieces.iter().map(|piece| block(markup, &piece.block, separator)));
    }
    parts.extend(message.link.iter().map(|link| markup.link(link)));
    parts.push(markup.text(&message.footer));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

/// The title with its tag, for channels without a header.
pub(crate) fn titled(message: &Message) -> String {
    let tag = words::tag(message.severity, message.status, message.lang);
    format!("[{tag}] {}", message.title)
}

/// The subject of an incident's mails: without the state, so that they stay one thread.
pub(crate) fn subject(message: &Message) -> String {
    format!("[{}] {}", words::severity(message.severity, message.lang), message.title)
}

/// What the reader must know first and the state, once if they are the same.
pub(crate) fn tag_and_state(message: &Message) -> String {
    let tag = words::tag(message.severity, message.status, message.lang);
    let state = words::status(message.status, message.lang);
    if tag == state { tag } else { format!("{tag} · {state}") }
}

/// An inline code span: what would end it is replaced.
pub(crate) fn code_span(text: &str) -> String {
    let text = break_up(&break_up(&line(text).replace('`', "'"), &["<"]), &CALLS);
    if text.is_empty() { text } else { format!("`{text}`") }
}

/// A fenced block: a fence inside is broken, and so is what some clients read as a mention even in code.
pub(crate) fn fence(lang: &str, text: &str) -> String {
    let lang: String = lang.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
    let text = break_up(text.trim_end(), &["```", "<at", "<@", "<!", "</", "<f", "<a", "<l"]);
    let text = break_up(&text, &CALLS);
    format!("```{lang}\n{text}\n```")
}

/// Text for the Markdown dialects without a documented escape: whatever begins markup gets an invisible break, and the
/// two characters that cannot be broken are shown by their look-alikes.
pub(crate) fn break_markdown(text: &str) -> String {
    let text = line(text).replace('`', "'").replace('*', "＊");
    let text = break_up(&text, &["<", "](", "][", "]:", "~~", "![", "://", "www.", "mailto:"]);
    let text = break_up(&text, &CALLS);
    let opens_block = text.starts_with(['#', '>', '-', '+', '|', '=', '~'])
        || text.split_once('.').is_some_and(|(n, _)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()));
    if opens_block { format!("{JOINER}{text}") } else { text }
}
