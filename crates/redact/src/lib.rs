//! Remove secrets from text before it leaves.
//!
//! Four kinds of rules mark spans of the text: manifests of Secrets (`structure`), values after a telling name (`names`),
//! values with a telling form (`shapes`, `urls`), and further copies of what those found (`echoes`). Marked spans become
//! placeholders such as `[[password]]`. What operators correlate by stays: digests, UIDs, hashes, names of Secrets.

mod echoes;
mod encoded;
mod names;
mod shapes;
mod structure;
mod urls;
mod values;

use std::borrow::Cow;

/// What a removed value was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Password,
    Token,
    Key,
    PrivateKey,
    Secret,
    Credential,
    Cookie,
    Hash,
}

impl Class {
    pub fn placeholder(self) -> &'static str {
        match self {
            Self::Password => "[[password]]",
            Self::Token => "[[token]]",
            Self::Key => "[[key]]",
            Self::PrivateKey => "[[private_key]]",
            Self::Secret => "[[secret]]",
            Self::Credential => "[[credential]]",
            Self::Cookie => "[[cookie]]",
            Self::Hash => "[[hash]]",
        }
    }
}

/// A part of the text that has to go, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    start: usize,
    end: usize,
    class: Class,
}

/// The text with every secret that the rules find replaced by a placeholder.
pub fn text(input: &str) -> Cow<'_, str> {
    let mut spans = find(input);
    encoded::mark(input, &mut spans);
    let mut spans = merged(spans);
    echoes::mark(input, &mut spans);
    replace(input, merged(spans))
}

/// What the rules find in the text as it stands.
fn find(input: &str) -> Vec<Span> {
    let mut spans = Vec::new();
    structure::mark(input, &mut spans);
    names::mark(input, &mut spans);
    shapes::mark(input, &mut spans);
    urls::mark(input, &mut spans);
    spans
}

/// Sorted spans that do not touch. Where two overlap, the one that starts first names the class.
fn merged(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| (span.start, std::cmp::Reverse(span.end)));
    let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match merged.last_mut() {
            Some(last) if span.start < last.end => last.end = last.end.max(span.end),
            _ => merged.push(span),
        }
    }
    merged
}

fn replace(input: &str, spans: Vec<Span>) -> Cow<'_, str> {
    if spans.is_empty() {
        return Cow::Borrowed(input);
    }
    let mut output = String::with_capacity(input.len());
    let mut done = 0;
    for span in spans {
        output.push_str(&input[done..span.start]);
        output.push_str(span.class.placeholder());
        done = span.end;
    }
    output.push_str(&input[done..]);
    Cow::Owned(output)
}
