//! Does everything that an alert will need work, before the first one comes? One file for each thing that is proved.

pub mod channels;
pub mod cluster;
mod impersonation;
pub mod manifest;
pub mod models;
pub mod place;
pub mod rights;
pub mod services;
pub mod snippets;
pub mod tool_servers;

use diagnose::Text;
use diagnose::finding::text;

/// What was proved, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// it works
    Good,
    /// something to know; it is no fault
    Note,
    /// it has to be mended
    Bad,
}

#[derive(Debug, Clone)]
pub struct Line {
    pub mark: Mark,
    pub text: Text,
}

fn line(mark: Mark, zh: impl Into<String>, en: impl Into<String>) -> Line {
    Line { mark, text: text(zh, en) }
}

fn good(zh: impl Into<String>, en: impl Into<String>) -> Line {
    line(Mark::Good, zh, en)
}

fn note(zh: impl Into<String>, en: impl Into<String>) -> Line {
    line(Mark::Note, zh, en)
}

fn bad(zh: impl Into<String>, en: impl Into<String>) -> Line {
    line(Mark::Bad, zh, en)
}
