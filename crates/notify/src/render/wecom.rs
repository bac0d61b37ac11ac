//! WeCom and DingTalk Markdown: three dialects without a documented escape.

use crate::message::Message;
use crate::render::clean::{CALLS, break_up};
use crate::render::markup::{Markup, break_markdown, code_span, document, fence, titled};
use crate::render::words::{self, Tone};

/// WeCom `markdown`: colour and mentions, no tables, no fenced code.
struct Coloured;

impl Markup for Coloured {
    fn text(&self, text: &str) -> String {
        break_markdown(text)
    }
    fn heading(&self, text: &str) -> String {
        format!("### {}", self.text(text))
    }
    fn code_block(&self, _lang: &str, text: &str) -> String {
        self.join(text.lines().filter(|l| !l.trim().is_empty()).map(|l| format!("> {}", code_span(l))))
    }
    fn fact(&self, name: &str, value: &str, separator: &str) -> String {
        format!("> {}{separator}{}", self.text(name), self.text(value))
    }
    fn rule(&self) -> String {
        String::new()
    }
}

/// WeCom `markdown_v2`: tables and fenced code, no colour, no mentions.
struct Tabular;

impl Markup for Tabular {
    fn text(&self, text: &str) -> String {
        break_markdown(text)
    }
    fn heading(&self, text: &str) -> String {
        format!("### {}", self.text(text))
    }
    fn code_block(&self, lang: &str, text: &str) -> String {
        fence(lang, text)
    }
    fn table(&self, head: &[String], rows: &[Vec<String>]) -> String {
        let cell = |text: &String| self.text(text).replace('|', "｜");
        let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
        let body = rows.iter().map(|r| {
            let mut cells: Vec<String> = r.iter().take(head.len()).map(cell).collect();
            cells.resize(head.len(), String::new());
            row(cells)
        });
        let lines = [row(head.iter().map(cell).collect()), row(vec!["---".to_owned(); head.len()])];
        if head.is_empty() { String::new() } else { self.join(lines.into_iter().chain(body)) }
    }
}

/// DingTalk `markdown`: no tables, no fenced code, a line ends only with two spaces before its break.
struct Dingtalk;

impl Markup for Dingtalk {
    fn text(&self, text: &str) -> String {
        break_markdown(text)
    }
    fn heading(&self, text: &str) -> String {
        format!("### {}", self.text(text))
    }
    fn code_block(&self, _lang: &str, text: &str) -> String {
        self.join(text.lines().filter(|l| !l.trim().is_empty()).map(|l| format!("> {}", command_line(l))))
    }
    fn line_end(&self) -> &'static str {
        "  \n"
    }
}

/// A line of code where there is no code markup: it must stay fit to paste, so only what is dangerous is broken.
fn command_line(text: &str) -> String {
    break_up(&break_up(&text.replace('`', "'"), &["<", "](", "://", "![", "**"]), &CALLS)
}

pub(crate) fn coloured(message: &Message) -> String {
    let colour = match words::tone(message.severity, message.status) {
        Tone::Red | Tone::Orange => "warning",
        Tone::Green => "info",
        Tone::Blue | Tone::Grey => "comment",
    };
    let head = format!("## <font color=\"{colour}\">{}</font>", Coloured.text(&titled(message)));
    document(&Coloured, message, head)
}

pub(crate) fn tabular(message: &Message) -> String {
    let mark = words::tone(message.severity, message.status).mark();
    document(&Tabular, message, format!("## {mark} {}", Tabular.text(&titled(message))))
}

pub(crate) fn dingtalk(message: &Message) -> String {
    let mark = words::tone(message.severity, message.status).mark();
    document(&Dingtalk, message, format!("## {mark} {}", Dingtalk.text(&titled(message))))
}

/// The title of the list of chats, where no markup is read.
pub(crate) fn headline(message: &Message) -> String {
    break_markdown(&titled(message))
}

/// The whole message as Markdown with tables and fenced code, for a file or a terminal: nothing is cut.
pub fn markdown(message: &Message) -> String {
    let mut text = document(&Tabular, message, format!("## {}", titled(message)));
    text.push('\n');
    text
}
