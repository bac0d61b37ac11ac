//! A card drawn with lines and colours; widths are counted in columns, so Chinese text keeps the border straight.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

use crate::message::{Block, Inline, Message};
use crate::render::clean::line;
use crate::render::markup::tag_and_state;
use crate::render::words::{self, Tone};

/// Narrower than this and the border is of no use.
const NARROWEST: usize = 24;

/// How to draw.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look {
    pub(crate) width: usize,
    pub(crate) colour: bool,
}

/// A piece of a line with its style.
struct Styled {
    text: String,
    style: &'static str,
}

const BOLD: &str = "1";
const FAINT: &str = "2";
const PLAIN: &str = "";
const CODE: &str = "36";

/// The card, with a line break at its end.
pub(crate) fn card(message: &Message, look: Look) -> String {
    let width = look.width.max(NARROWEST);
    let inner = width - 4;
    let tone = match words::tone(message.severity, message.status) {
        Tone::Red => "31",
        Tone::Orange => "33",
        Tone::Blue => "34",
        Tone::Green => "32",
        Tone::Grey => "37",
    };
    let mut lines = Lines { list: Vec::new(), inner };
    lines.wrap("", &format!("{}  {}", tag_and_state(message), line(&message.title)), tone);
    lines.wrap("", &line(&message.lead), BOLD);
    if !message.object.is_empty() {
        let text =
            format!("{}{}{}", words::object(message.lang), words::separator(message.lang), line(&message.object));
        lines.wrap("", &text, FAINT);
    }
    for section in &message.sections {
        lines.rule(&line(&section.title));
        for piece in &section.pieces {
            lines.block(&piece.block, words::separator(message.lang));
        }
    }
    if message.link.is_some() || !message.footer.is_empty() {
        lines.rule("");
    }
    if let Some(link) = &message.link {
        lines.wrap("", &format!("{}  {}", link.text, link.url), PLAIN);
    }
    lines.wrap("", &line(&message.footer), FAINT);
    frame(&lines.list, inner, tone, look.colour)
}

fn frame(lines: &[Option<Styled>], inner: usize, tone: &str, colour: bool) -> String {
    let paint = |style: &str, text: &str| match colour && !style.is_empty() && !text.is_empty() {
        true => format!("\u{1b}[{style}m{text}\u{1b}[0m"),
        false => text.to_owned(),
    };
    let mut out = paint(tone, &format!("╭{}╮", "─".repeat(inner + 2)));
    out.push('\n');
    for styled in lines {
        match styled {
            None => out.push_str(&paint(tone, &format!("├{}┤", "─".repeat(inner + 2)))),
            Some(Styled { text, style }) => {
                let border = paint(tone, "│");
                out.push_str(&format!("{border} {}", paint(style, text)));
                if let Some(free) = inner.checked_sub(text.width()) {
                    out.push_str(&format!("{} {border}", " ".repeat(free)));
                }
            }
        }
        out.push('\n');
    }
    out.push_str(&paint(tone, &format!("╰{}╯", "─".repeat(inner + 2))));
    out.push('\n');
    out
}

struct Lines {
    list: Vec<Option<Styled>>,
    inner: usize,
}

impl Lines {
    fn rule(&mut self, title: &str) {
        self.list.push(None);
        self.wrap("", title, BOLD);
    }

    fn block(&mut self, block: &Block, separator: &str) {
        match block {
            Block::Paragraph(runs) => self.wrap("", &inlines(runs), PLAIN),
            Block::Facts(facts) => {
                for (name, value) in facts {
                    self.wrap("", &format!("{}{separator}{}", line(name), line(value)), PLAIN);
                }
            }
            Block::List(items) => items.iter().for_each(|item| self.wrap("• ", &inlines(item), PLAIN)),
            Block::Table { head, rows } => self.table(head, rows),
            // A command must stay one line to be pasted, even if it leaves the card; a log line need not.
            Block::Code { lang, text } if matches!(lang.as_str(), "" | "log") => {
                text.trim_end().lines().for_each(|l| self.wrap("  ", l.trim_end(), CODE));
            }
            Block::Code { lang: _, text } => {
                text.trim_end().lines().for_each(|l| self.push(format!("  {}", l.trim_end()), CODE));
            }
            Block::Quote(text) => text.trim_end().lines().for_each(|l| self.wrap("┃ ", &line(l), FAINT)),
            Block::Rule => self.list.push(None),
        }
    }

    /// Columns as wide as their widest cell; if that is too wide, one `head: cell` line a cell.
    fn table(&mut self, head: &[String], rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0).max(head.len());
        let cell = |row: &[String], n: usize| row.get(n).map(|c| line(c)).unwrap_or_default();
        let widths: Vec<usize> = (0..columns)
            .map(|n| rows.iter().map(|r| cell(r, n).width()).max().unwrap_or(0).max(cell(head, n).width()))
            .collect();
        if widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1) > self.inner {
            for row in rows {
                for n in 0..row.len() {
                    let bullet = if n == 0 { "• " } else { "  " };
                    let name = cell(head, n);
                    let name = if name.is_empty() { name } else { format!("{name}: ") };
                    self.wrap(bullet, &format!("{name}{}", cell(row, n)), PLAIN);
                }
            }
            return;
        }
        let row_text = |row: &[String]| {
            let cells = (0..columns).map(|n| {
                let text = cell(row, n);
                let fill = " ".repeat(widths[n] - text.width());
                format!("{text}{fill}")
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        if !head.is_empty() {
            self.push(row_text(head), FAINT);
        }
        rows.iter().for_each(|row| self.push(row_text(row), PLAIN));
    }

    fn push(&mut self, text: String, style: &'static str) {
        self.list.push(Some(Styled { text, style }));
    }

    /// Text broken to the card's width: at spaces where there are some, else anywhere between graphemes.
    fn wrap(&mut self, bullet: &str, text: &str, style: &'static str) {
        let room = self.inner - bullet.width();
        let mut first = true;
        for piece in broken(text, room) {
            let lead = if first { bullet.to_owned() } else { " ".repeat(bullet.width()) };
            first = false;
            self.push(format!("{lead}{piece}"), style);
        }
    }
}

fn broken(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut current = String::new();
    let mut used = 0;
    for word in text.split_word_bounds() {
        let wide = word.width();
        if used + wide <= room {
            current.push_str(word);
            used += wide;
            continue;
        }
        if word.trim().is_empty() {
            continue;
        }
        if used > 0 && wide <= room {
            lines.push(std::mem::take(&mut current).trim_end().to_owned());
            used = 0;
        }
        for grapheme in word.graphemes(true) {
            if used + grapheme.width() > room {
                lines.push(std::mem::take(&mut current).trim_end().to_owned());
                used = 0;
            }
            current.push_str(grapheme);
            used += grapheme.width();
        }
    }
    if !current.trim().is_empty() {
        lines.push(current.trim_end().to_owned());
    }
    lines
}

fn inlines(runs: &[Inline]) -> String {
    let shown: String = runs
        .iter()
        .map(|run| match run {
            Inline::Text(text) | Inline::Strong(text) | Inline::Code(text) => text.clone(),
            Inline::Link(link) => match crate::render::clean::url(&link.url) {
                Some(url) => format!("{} ({url})", link.text),
                None => link.text.clone(),
            },
        })
        .collect();
    line(&shown)
}
