//! What a model said of an incident, as a section of the message: only what the evidence backs, and marked as a model's.

use diagnose::Lang;
use notify::{Block, Inline, Keep, Section};

use crate::investigate::verify::Words;

/// None where nothing of it held.
pub fn section(words: &Words, lang: Lang) -> Option<Section> {
    if !words.tells() {
        return None;
    }
    let word = |zh: &'static str, en: &'static str| match lang {
        Lang::Zh => zh,
        Lang::En => en,
    };
    let mut section = Section::new(word("模型说明（已逐条核对证据）", "In a model's words, each checked"));
    if let Some(overview) = &words.overview {
        section = section.with(Keep::Alternative, Block::text(overview.as_str()));
    }
    if let Some(cause) = &words.cause {
        let ids = cause.confirmed_by.join(", ");
        let mark = match (lang, ids.is_empty()) {
            (Lang::Zh, true) => "模型推测的原因（未经证实）：".to_owned(),
            (Lang::Zh, false) => format!("模型给出的原因（{ids} 证实）："),
            (Lang::En, true) => "Cause by the model, unconfirmed: ".to_owned(),
            (Lang::En, false) => format!("Cause by the model, confirmed by {ids}: "),
        };
        section =
            section.with(Keep::Normal, Block::Paragraph(vec![Inline::Strong(mark), Inline::Text(cause.text.clone())]));
    }
    if !words.claims.is_empty() {
        let lines = words
            .claims
            .iter()
            .map(|claim| vec![Inline::Text(format!("{} ({})", claim.text, claim.evidence.join(", ")))]);
        section = section.with(Keep::Alternative, Block::List(lines.collect()));
    }
    for advice in &words.suggestions {
        let text = format!("{}{}", word("建议（模型）：", "Suggested by the model: "), advice.text);
        section = section.with(Keep::Alternative, Block::text(text.as_str()));
        if let Some(command) = &advice.command {
            section = section.with(Keep::Alternative, Block::Code { lang: "sh".to_owned(), text: command.clone() });
        }
    }
    if !words.dropped.is_empty() {
        let n = words.dropped.len();
        let line = match lang {
            Lang::Zh => format!("模型另有 {n} 条说法没有证据支持，已略去"),
            Lang::En => format!("{n} more statements of the model had no evidence behind them and are left out"),
        };
        section = section.with(Keep::Log, Block::text(line.as_str()));
    }
    Some(section)
}
