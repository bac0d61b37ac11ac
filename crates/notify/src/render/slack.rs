//! Slack: one coloured attachment of blocks, with a line of text for the notification.

use serde_json::{Value, json};

use crate::message::{Block, Link, Mention, Message};
use crate::render::clean::{CALLS, break_up, inert, line, middle_cut, url};
use crate::render::markup::{Markup, block, titled};
use crate::render::words;
use crate::render::{Room, is_handle};

/// A section's text may have 3000 characters.
const SECTION: usize = 3000;
const MOST_BLOCKS: usize = 48;
const MOST_ROWS: usize = 99;
const MOST_COLUMNS: usize = 20;

struct Mrkdwn;

impl Markup for Mrkdwn {
    fn text(&self, text: &str) -> String {
        escape(&line(text).replace('`', "'").replace('*', "＊"))
    }
    fn strong(&self, text: &str) -> String {
        let text = self.text(text);
        if text.is_empty() { text } else { format!("*{text}*") }
    }
    fn code_span(&self, text: &str) -> String {
        let text = escape(&line(text).replace('`', "'"));
        if text.is_empty() { text } else { format!("`{text}`") }
    }
    fn heading(&self, text: &str) -> String {
        self.strong(text)
    }
    fn code_block(&self, _lang: &str, text: &str) -> String {
        let text = break_up(&break_up(text.trim_end(), &["```"]), &CALLS);
        format!("```\n{}\n```", entities(&text))
    }
    fn link(&self, link: &Link) -> String {
        match url(&link.url) {
            Some(url) => format!("<{}|{}>", entities(&url), self.text(&link.text).replace('|', "｜")),
            None => self.text(&link.text),
        }
    }
    fn rule(&self) -> String {
        String::new()
    }
}

fn entities(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn escape(text: &str) -> String {
    entities(&break_up(&break_up(text, &["](", "://", "www."]), &CALLS))
}

/// The body without channel and time stamp.
pub(crate) fn body(message: &Message, room: Room) -> Value {
    let mut blocks = Blocks { list: Vec::new(), text: String::new() };
    let head = titled(message);
    blocks.list.push(json!({"type": "header", "text": {"type": "plain_text", "text": middle_cut(&inert(&head), 150)}}));
    blocks.add(Mrkdwn.strong(&message.lead));
    let separator = words::separator(message.lang);
    if !message.object.is_empty() {
        blocks.add(Mrkdwn.fact(words::object(message.lang), &message.object, separator));
    }
    let mut tables = 0;
    for section in &message.sections {
        blocks.flush();
        blocks.add(Mrkdwn.heading(&section.title));
        for piece in &section.pieces {
            match &piece.block {
                Block::Table { head, rows } if room == Room::Full && tables == 0 && !head.is_empty() => {
                    tables += 1;
                    blocks.flush();
                    blocks.list.push(table(head, rows));
                }
                other @ (Block::Paragraph(_)
                | Block::Facts(_)
                | Block::List(_)
                | Block::Table { .. }
                | Block::Code { .. }
                | Block::Quote(_)
                | Block::Rule) => blocks.add(block(&Mrkdwn, other, separator)),
            }
        }
    }
    blocks.add(message.link.as_ref().map(|link| Mrkdwn.link(link)).unwrap_or_default());
    let called = mentions(&message.mentions);
    blocks.add(called.clone());
    blocks.flush();
    if !message.footer.is_empty() {
        let text = json!({"type": "mrkdwn", "text": Mrkdwn.text(&message.footer), "verbatim": true});
        blocks.list.push(json!({"type": "context", "elements": [text]}));
    }
    let text = format!("{} {} {called}", escape(&head), escape(&line(&message.lead)));
    json!({
        "text": text.trim(),
        "unfurl_links": false,
        "unfurl_media": false,
        "attachments": [{
            "color": words::tone(message.severity, message.status).hex(),
            "fallback": text.trim(),
            "blocks": blocks.list,
        }],
    })
}

/// Within every limit but the total: number of blocks, length of each text.
pub(crate) fn shape_fits(body: &Value) -> bool {
    let Some(blocks) = body["attachments"][0]["blocks"].as_array() else {
        return false;
    };
    let text_fits = |b: &Value| b["text"]["text"].as_str().is_none_or(|t| t.chars().count() <= SECTION);
    blocks.len() <= MOST_BLOCKS && blocks.iter().all(text_fits)
}

/// Characters of all texts.
pub(crate) fn characters(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(list) => list.iter().map(characters).sum(),
        Value::Object(map) => map.values().map(characters).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}

fn table(head: &[String], rows: &[Vec<String>]) -> Value {
    // An empty cell is refused.
    let cell = |text: &String| json!({"type": "raw_text", "text": if text.trim().is_empty() { "-".to_owned() } else { inert(text) }});
    let width = head.len().min(MOST_COLUMNS);
    let row = |cells: &[String]| -> Value {
        let mut cells: Vec<String> = cells.iter().take(width).cloned().collect();
        cells.resize(width, String::new());
        cells.iter().map(cell).collect()
    };
    let lines: Vec<Value> = std::iter::once(row(head)).chain(rows.iter().take(MOST_ROWS).map(|r| row(r))).collect();
    json!({"type": "table", "rows": lines})
}

fn mentions(mentions: &[Mention]) -> String {
    let one = |mention: &Mention| match mention {
        Mention::Everyone => Some("<!channel>".to_owned()),
        Mention::User(id) if is_handle(id) => Some(format!("<@{id}>")),
        Mention::User(_) | Mention::Mobile(_) | Mention::Email(_) => None,
    };
    mentions.iter().filter_map(one).collect::<Vec<_>>().join(" ")
}

/// Neighbouring texts share a section while they fit.
struct Blocks {
    list: Vec<Value>,
    text: String,
}

impl Blocks {
    fn add(&mut self, text: String) {
        if text.is_empty() {
            return;
        }
        if self.text.chars().count() + text.chars().count() + 1 > SECTION {
            self.flush();
        }
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(&text);
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            let text = std::mem::take(&mut self.text);
            self.list.push(json!({"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": true}}));
        }
    }
}
