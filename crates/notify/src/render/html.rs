//! HTML for e-mail: inline styles only, nothing loaded from elsewhere, everything escaped.

use crate::message::{Block, Inline, Link, Message};
use crate::render::clean::{line, url};
use crate::render::markup::tag_and_state;
use crate::render::words;

const FONT: &str = "font-family:-apple-system,'Segoe UI','PingFang SC','Microsoft YaHei',sans-serif";
const MONO: &str = "font-family:Consolas,Menlo,monospace;font-size:13px";

/// The whole page.
pub fn page(message: &Message) -> String {
    let colour = words::tone(message.severity, message.status).hex();
    let lang = match message.lang {
        crate::message::Lang::Zh => "zh-CN",
        crate::message::Lang::En => "en",
    };
    let tag = tag_and_state(message);
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"{lang}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title></head>\n\
         <body style=\"margin:0;padding:16px;background:#f0f2f5;color:#1f1f1f;font-size:14px;line-height:1.6;{FONT}\">\n\
         <div style=\"max-width:680px;margin:0 auto;background:#fff;border-top:4px solid {colour};padding:16px 24px\">\n\
         <p style=\"margin:0;color:{colour};font-weight:600\">{tag}</p>\n\
         <h2 style=\"margin:4px 0 8px;font-size:20px\">{title}</h2>\n\
         <p style=\"margin:0 0 8px;font-size:16px;font-weight:600\">{lead}</p>\n",
        title = escape(&message.title),
        tag = escape(&tag),
        lead = escape(&message.lead),
    );
    if !message.object.is_empty() {
        let name = words::object(message.lang);
        out.push_str(&format!("<p style=\"margin:0;color:#595959\">{name}: {}</p>\n", escape(&message.object)));
    }
    for section in &message.sections {
        out.push_str(&format!(
            "<h3 style=\"margin:20px 0 6px;font-size:16px;border-bottom:1px solid #eee\">{}</h3>\n",
            escape(&section.title)
        ));
        section.pieces.iter().for_each(|piece| out.push_str(&block(&piece.block)));
    }
    if let Some(link) = &message.link {
        out.push_str(&format!("<p style=\"margin:20px 0 0\">{}</p>\n", anchor(link)));
    }
    if !message.footer.is_empty() {
        out.push_str(&format!(
            "<p style=\"margin:16px 0 0;color:#8c8c8c;font-size:12px\">{}</p>\n",
            escape(&message.footer)
        ));
    }
    out.push_str("</div></body></html>\n");
    out
}

fn block(block: &Block) -> String {
    match block {
        Block::Paragraph(runs) => format!("<p style=\"margin:6px 0\">{}</p>\n", inlines(runs)),
        Block::Facts(facts) => {
            let row = |(name, value): &(String, String)| {
                format!(
                    "<tr><td style=\"padding:2px 12px 2px 0;color:#8c8c8c;vertical-align:top;white-space:nowrap\">{}</td>\
                     <td style=\"padding:2px 0;word-break:break-word\">{}</td></tr>\n",
                    escape(name),
                    escape(value)
                )
            };
            format!(
                "<table style=\"border-collapse:collapse;margin:6px 0\">\n{}</table>\n",
                facts.iter().map(row).collect::<String>()
            )
        }
        Block::List(items) => {
            let items: String = items.iter().map(|item| format!("<li>{}</li>\n", inlines(item))).collect();
            format!("<ul style=\"margin:6px 0;padding-left:20px\">\n{items}</ul>\n")
        }
        Block::Table { head, rows } => table(head, rows),
        Block::Code { lang: _, text } => format!(
            "<pre style=\"margin:6px 0;padding:8px 12px;background:#f6f8fa;white-space:pre-wrap;word-break:break-all;{MONO}\">{}</pre>\n",
            escape(text.trim_end())
        ),
        Block::Quote(text) => format!(
            "<blockquote style=\"margin:6px 0;padding:2px 12px;border-left:3px solid #d9d9d9;color:#595959\">{}</blockquote>\n",
            text.trim_end().lines().map(escape).collect::<Vec<_>>().join("<br>\n")
        ),
        Block::Rule => "<hr style=\"border:0;border-top:1px solid #eee\">\n".to_owned(),
    }
}

fn table(head: &[String], rows: &[Vec<String>]) -> String {
    let line = |tag: &str, style: &str, cells: &[String]| {
        let cells: String = cells
            .iter()
            .map(|cell| {
                format!(
                    "<{tag} style=\"border:1px solid #e8e8e8;padding:4px 8px;text-align:left;{style}\">{}</{tag}>",
                    escape(cell)
                )
            })
            .collect();
        format!("<tr>{cells}</tr>\n")
    };
    let body: String = rows.iter().map(|row| line("td", "vertical-align:top;word-break:break-word", row)).collect();
    let head = if head.is_empty() { String::new() } else { line("th", "background:#fafafa", head) };
    format!("<table style=\"border-collapse:collapse;margin:6px 0;font-size:13px\">\n{head}{body}</table>\n")
}

fn inlines(runs: &[Inline]) -> String {
    runs.iter()
        .map(|run| match run {
            Inline::Text(text) => entities(text),
            Inline::Strong(text) => format!("<strong>{}</strong>", escape(text)),
            Inline::Code(text) => {
                format!("<code style=\"background:#f6f8fa;padding:1px 4px;{MONO}\">{}</code>", escape(text))
            }
            Inline::Link(link) => anchor(link),
        })
        .collect()
}

fn anchor(link: &Link) -> String {
    match url(&link.url) {
        Some(url) => format!("<a href=\"{}\" style=\"color:#1677ff\">{}</a>", escape(&url), escape(&link.text)),
        None => escape(&link.text),
    }
}

fn escape(text: &str) -> String {
    if text.contains('\n') { entities(text) } else { entities(&line(text)) }
}

fn entities(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
