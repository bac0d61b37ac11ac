//! Own wording: minijinja templates that replace a message's title, first line or sections, by language and channel type.
//!
//! A template is looked for as `LANG/TYPE.md.j2` (such as `zh/feishu_bot.md.j2`), then `LANG/default.md.j2`. It gets the
//! message (`title`, `lead`, `object`, `severity`, `status`, `sections`) and writes Markdown: `# ` is the title, the first
//! paragraph the first line, `## ` begins a section. The channel's renderer still escapes and cuts it.

use std::collections::BTreeMap;
use std::path::Path;

use diagnose::Lang;
use minijinja::{Environment, UndefinedBehavior};
use notify::{Block, Channel, Inline, Keep, Message, Section};
use tracing::warn;

/// What a template may compute before it is stopped: far more than a message needs.
const FUEL: u64 = 200_000;

#[derive(Debug, Clone, Default)]
pub struct Templates {
    sources: BTreeMap<String, String>,
}

/// A template that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TemplateError {
    #[error("{path}: {source}")]
    Read { path: String, source: std::io::Error },
    #[error("{path}: {source}")]
    Syntax { path: String, source: minijinja::Error },
}

impl Templates {
    /// Reads every `*.md.j2` below the folder, and proves that each can be parsed.
    pub fn load(dir: &Path) -> Result<Self, TemplateError> {
        let mut sources = BTreeMap::new();
        for lang in ["zh", "en"] {
            let folder = dir.join(lang);
            if !folder.is_dir() {
                continue;
            }
            let read = |source| TemplateError::Read { path: folder.display().to_string(), source };
            for entry in std::fs::read_dir(&folder).map_err(read)? {
                let path = entry.map_err(read)?.path();
                let Some(name) = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.strip_suffix(".md.j2"))
                else {
                    continue;
                };
                let source = std::fs::read_to_string(&path)
                    .map_err(|source| TemplateError::Read { path: path.display().to_string(), source })?;
                environment()
                    .template_from_str(&source)
                    .map_err(|source| TemplateError::Syntax { path: path.display().to_string(), source })?;
                sources.insert(format!("{lang}/{name}"), source);
            }
        }
        Ok(Self { sources })
    }

    /// Words the message anew where a template for it exists. A template that fails leaves the built-in wording: a
    /// mistake in it must not hold an alert back.
    pub fn apply(&self, message: &mut Message, channel: &Channel, lang: Lang) {
        let lang = match lang {
            Lang::Zh => "zh",
            Lang::En => "en",
        };
        let names = [format!("{lang}/{}", channel.type_name()), format!("{lang}/default")];
        let Some((name, source)) = names.iter().find_map(|name| self.sources.get_key_value(name)) else { return };
        match environment().render_str(source, minijinja::value::Serde(&*message)) {
            Ok(text) => reword(message, &text),
            Err(error) => warn!(template = name, %error, "a template failed; the built-in wording is used"),
        }
    }
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment
}

/// Reads the small Markdown that a template writes back into the tree.
fn reword(message: &mut Message, text: &str) {
    let mut sections: Vec<Section> = Vec::new();
    let mut lead = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("# ") {
            title.trim().clone_into(&mut message.title);
        } else if let Some(title) = line.strip_prefix("## ") {
            sections.push(Section::new(title.trim()));
        } else if let Some(lang) = line.strip_prefix("```") {
            let code: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            push(&mut sections, Block::Code { lang: lang.trim().to_owned(), text: code.join("\n") });
        } else if let Some(quote) = line.strip_prefix("> ") {
            push(&mut sections, Block::Quote(quote.to_owned()));
        } else if let Some(item) = line.strip_prefix("- ") {
            let mut items = vec![vec![Inline::Text(item.to_owned())]];
            while let Some(item) = lines.next_if(|line| line.starts_with("- ")) {
                items.push(vec![Inline::Text(item[2..].to_owned())]);
            }
            push(&mut sections, Block::List(items));
        } else if line.trim().is_empty() {
            continue;
        } else if lead.is_empty() && sections.is_empty() {
            line.trim().clone_into(&mut lead);
        } else {
            push(&mut sections, Block::text(line.trim()));
        }
    }
    if !lead.is_empty() {
        message.lead = lead;
    }
    message.sections = sections;
}

fn push(sections: &mut Vec<Section>, block: Block) {
    if sections.is_empty() {
        sections.push(Section::new(""));
    }
    if let Some(last) = sections.pop() {
        sections.push(last.with(Keep::Normal, block));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_words_title_lead_and_sections() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("en")).unwrap();
        let source = "# ALERT {{ title }}\n\n{{ lead }}!\n\n## Do\n\n- look\n- mend\n\n```sh\nls\n```\n";
        std::fs::write(dir.path().join("en/default.md.j2"), source).unwrap();
        let templates = Templates::load(dir.path()).unwrap();
        let mut message = crate::message::empty(Lang::En, notify::Status::Plain, "disk full".to_owned());
        message.title = "KubeX".to_owned();
        templates.apply(&mut message, &Channel::Console(notify::Console::default()), Lang::En);
        assert_eq!((message.title.as_str(), message.lead.as_str()), ("ALERT KubeX", "disk full!"));
        let blocks: Vec<&Block> = message.sections[0].pieces.iter().map(|p| &p.block).collect();
        assert!(
            matches!(blocks.as_slice(), [Block::List(items), Block::Code { .. }] if items.len() == 2),
            "{blocks:?}"
        );
    }

    #[test]
    fn a_broken_template_is_named_when_it_is_read_and_an_endless_one_keeps_the_built_in_words() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("en")).unwrap();
        std::fs::write(dir.path().join("en/slack.md.j2"), "{% if %}").unwrap();
        assert!(Templates::load(dir.path()).unwrap_err().to_string().contains("slack.md.j2"));
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        std::fs::write(dir.path().join("en/slack.md.j2"), endless).unwrap();
        std::fs::rename(dir.path().join("en/slack.md.j2"), dir.path().join("en/default.md.j2")).unwrap();
        let mut message = crate::message::empty(Lang::En, notify::Status::Plain, "disk full".to_owned());
        Templates::load(dir.path()).unwrap().apply(
            &mut message,
            &Channel::Console(notify::Console::default()),
            Lang::En,
        );
        assert_eq!(message.lead, "disk full");
    }
}
