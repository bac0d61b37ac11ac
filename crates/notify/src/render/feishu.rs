//! Feishu card, JSON 2.0: header, Markdown elements, native tables, one button.

use serde_json::{Value, json};

use crate::message::{Block, Mention, Message};
use crate::render::clean::{CALLS, break_up, inert, line};
use crate::render::markup::{Markup, block, code_span, fence};
use crate::render::words::{self, Tone};
use crate::render::{Room, is_handle};

/// The vendor says 5 a card; others saw refusals above 3.
const MOST_TABLES: usize = 3;
const PAGE_SIZE: usize = 5;

/// Markdown of a card's `markdown` element: special characters are written as HTML entities.
struct CardMarkdown;

impl Markup for CardMarkdown {
    fn text(&self, text: &str) -> String {
        let text = break_up(&line(text), &CALLS);
        let mut out = String::with_capacity(text.len());
        let mut previous = ' ';
        for c in text.chars() {
            let link = (c == '/' && previous == ':') || (c == '.' && out.to_ascii_lowercase().ends_with("www"));
            let opens_block = out.is_empty() && matches!(c, '-' | '+' | '=' | '0'..='9');
            if link
                || opens_block
                || matches!(c, '&' | '<' | '>' | '*' | '_' | '~' | '[' | ']' | '`' | '#' | '|' | '\\' | '$' | '!')
            {
                out.push_str(&format!("&#{};", u32::from(c)));
            } else {
                out.push(c);
            }
            previous = c;
        }
        out
    }

    fn heading(&self, text: &str) -> String {
        format!("**{}**", self.text(text))
    }

    fn code_block(&self, lang: &str, text: &str) -> String {
        fence(lang, text)
    }

    fn code_span(&self, text: &str) -> String {
        code_span(text)
    }
}

/// The card. In `Room::Half` tables become lines.
pub(crate) fn card(message: &Message, room: Room) -> Value {
    let tone = words::tone(message.severity, message.status);
    let mut elements = Elements { list: Vec::new(), text: Vec::new() };
    elements.text(CardMarkdown.strong(&message.lead));
    elements.flush();
    let mut tables = 0;
    let separator = words::separator(message.lang);
    for section in &message.sections {
        elements.list.push(json!({"tag": "hr"}));
        elements.text(CardMarkdown.heading(&section.title));
        for piece in &section.pieces {
            match &piece.block {
                Block::Table { head, rows } if room == Room::Full && tables < MOST_TABLES && !head.is_empty() => {
                    tables += 1;
                    elements.flush();
                    elements.list.push(table(head, rows));
                }
                Block::Rule => {
                    elements.flush();
                    elements.list.push(json!({"tag": "hr"}));
                }
                other @ (Block::Paragraph(_)
                | Block::Facts(_)
                | Block::List(_)
                | Block::Table { .. }
                | Block::Code { .. }
                | Block::Quote(_)) => elements.text(block(&CardMarkdown, other, separator)),
            }
        }
        elements.flush();
    }
    if let Some(link) = &message.link {
        elements.list.push(json!({
            "tag": "button", "type": "primary", "text": plain(&link.text),
            "behaviors": [{"type": "open_url", "default_url": link.url}],
        }));
    }
    let called = mentions(&message.mentions);
    if !called.is_empty() {
        elements.list.push(json!({"tag": "markdown", "content": called}));
    }
    if !message.footer.is_empty() {
        let text = format!("<font color='grey'>{}</font>", CardMarkdown.text(&message.footer));
        elements.list.push(json!({"tag": "markdown", "text_size": "notation", "content": text}));
    }
    json!({
        "schema": "2.0",
        // Without `update_multi` a card cannot be changed later.
        "config": {"update_multi": true, "summary": {"content": inert(&message.lead)}},
        "header": header(message, tone),
        "body": {"elements": elements.list},
    })
}

fn header(message: &Message, tone: Tone) -> Value {
    let template = match tone {
        Tone::Red => "red",
        Tone::Orange => "orange",
        Tone::Blue => "blue",
        Tone::Green => "green",
        Tone::Grey => "grey",
    };
    let tags: Vec<Value> = [
        (words::severity(message.severity, message.lang), template),
        (words::status(message.status, message.lang), "neutral"),
    ]
    .into_iter()
    .map(|(text, color)| {
        let color = if color == "grey" { "neutral" } else { color };
        json!({"tag": "text_tag", "text": plain(text), "color": color})
    })
    .collect();
    let mut header = json!({"title": plain(&message.title), "template": template, "text_tag_list": tags});
    if !message.object.is_empty() {
        header["subtitle"] = plain(&message.object);
    }
    header
}

fn plain(text: &str) -> Value {
    json!({"tag": "plain_text", "content": inert(text)})
}

fn table(head: &[String], rows: &[Vec<String>]) -> Value {
    let columns: Vec<Value> = head
        .iter()
        .enumerate()
        .map(|(n, title)| {
            json!({"name": format!("c{n}"), "display_name": inert(title), "data_type": "text", "width": "auto"})
        })
        .collect();
    let rows: Vec<Value> = rows
        .iter()
        .map(|row| {
            let cells = row.iter().take(head.len()).enumerate();
            cells.map(|(n, cell)| (format!("c{n}"), Value::from(inert(cell)))).collect::<serde_json::Map<_, _>>().into()
        })
        .collect();
    json!({"tag": "table", "page_size": PAGE_SIZE, "row_height": "low", "columns": columns, "rows": rows})
}

fn mentions(mentions: &[Mention]) -> String {
    let one = |mention: &Mention| match mention {
        Mention::Everyone => Some("<at id=all></at>".to_owned()),
        Mention::User(id) if is_handle(id) => Some(format!("<at id={id}></at>")),
        Mention::User(_) | Mention::Mobile(_) | Mention::Email(_) => None,
    };
    mentions.iter().filter_map(one).collect::<Vec<_>>().join(" ")
}

/// The card's elements; neighbouring texts become one element, since a card holds 200 at most.
struct Elements {
    list: Vec<Value>,
    text: Vec<String>,
}

impl Elements {
    fn text(&mut self, text: String) {
        if !text.is_empty() {
            self.text.push(text);
        }
    }

    fn flush(&mut self) {
        if !self.text.is_empty() {
            self.list.push(json!({"tag": "markdown", "content": self.text.join("\n")}));
            self.text.clear();
        }
    }
}
