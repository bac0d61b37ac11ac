//! Lines from the terminal: an editor with history there, plain lines from a pipe.

use anyhow::Context as _;
use rustyline::config::Configurer as _;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{Config, Editor};

use super::quiet::forget_keys;

pub enum Line {
    Text(String),
    /// thrown away with Ctrl-C
    Dropped,
    End,
}

pub struct Reader {
    /// None only while a line is read
    editor: Option<Editor<(), DefaultHistory>>,
}

impl Reader {
    pub fn new(asked: &[String], terminal: bool) -> anyhow::Result<Self> {
        let config = Config::builder().bracketed_paste(terminal).auto_add_history(false).build();
        let mut editor = Editor::with_config(config).context("opening the terminal")?;
        editor.set_max_history_size(1_000).context("opening the terminal")?;
        for line in asked {
            editor.add_history_entry(line).context("filling the history")?;
        }
        Ok(Self { editor: Some(editor) })
    }

    /// One text: a line, a paste, or a manifest typed up to an empty line.
    pub async fn line(&mut self, prompt: &str) -> anyhow::Result<Line> {
        let mut text = match self.read(prompt).await? {
            Line::Text(text) => text,
            other => return Ok(other),
        };
        let opens = |text: &str| {
            let first = text.trim_start();
            ["apiVersion:", "kind:", "---", "```"].iter().any(|mark| first.starts_with(mark))
        };
        // a terminal without bracketed paste sends a pasted text line by line
        while opens(&text) && !text.ends_with('\n') && !text.trim_end().contains('\n') || unfinished(&text) {
            match self.read("... ").await? {
                Line::Text(more) if more.trim().is_empty() => break,
                Line::Text(more) => {
                    text = format!("{text}\n{more}");
                    if !unfinished(&text) {
                        text = self.rest(text).await?;
                        break;
                    }
                }
                Line::Dropped => return Ok(Line::Dropped),
                Line::End => break,
            }
        }
        if let Some(editor) = &mut self.editor {
            let _ = editor.add_history_entry(text.trim_end());
        }
        Ok(Line::Text(text))
    }

    /// Further lines of a manifest, up to an empty one.
    async fn rest(&mut self, mut text: String) -> anyhow::Result<String> {
        while let Line::Text(more) = self.read("... ").await? {
            if more.trim().is_empty() {
                break;
            }
            text = format!("{text}\n{more}");
        }
        Ok(text)
    }

    /// The answer to one question, which is no part of the history. What was typed before it was asked is no answer.
    pub async fn reply(&mut self, prompt: &str) -> anyhow::Result<Option<String>> {
        forget_keys();
        Ok(match self.read(prompt).await? {
            Line::Text(text) => Some(text),
            Line::Dropped | Line::End => None,
        })
    }

    async fn read(&mut self, prompt: &str) -> anyhow::Result<Line> {
        let mut editor = self.editor.take().context("the terminal is in use")?;
        let prompt = prompt.to_owned();
        // the editor waits for keys and would hold up everything else
        let (editor, read) = tokio::task::spawn_blocking(move || {
            let read = editor.readline(&prompt);
            (editor, read)
        })
        .await?;
        self.editor = Some(editor);
        match read {
            Ok(text) => Ok(Line::Text(text)),
            Err(ReadlineError::Interrupted) => Ok(Line::Dropped),
            Err(ReadlineError::Eof) => Ok(Line::End),
            Err(error) => Err(error).context("reading from the terminal"),
        }
    }
}

/// A fence that is not closed yet.
fn unfinished(text: &str) -> bool {
    text.trim_start().starts_with("```") && text.matches("```").count() < 2
}
