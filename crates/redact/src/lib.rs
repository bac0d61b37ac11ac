//! Remove secrets from text and from objects before they leave.
//!
//! One automaton finds every place where a rule can start (`anchors`), and the rules look around it: manifests of
//! Secrets (`structure`), values after a telling name (`names`), values with a telling form (`vendors`, `keyfiles`,
//! `jwt`, `urls`, `headers`, `hashes`, `commands`, `encoded`), and copies of what was ever found (`dictionary`). What
//! they mark becomes a placeholder such as `[[password:K7Q2M]]`, the same for the same value as long as the `Redactor`
//! lives. What operators correlate by stays: digests, UIDs, hashes, names of Secrets, certificates.

mod anchors;
mod commands;
mod dictionary;
mod encoded;
mod hashes;
mod headers;
mod jwt;
mod keyfiles;
mod names;
mod normal;
mod objects;
mod placeholders;
mod scan;
mod stream;
mod structure;
mod urls;
mod values;
mod vendors;
mod views;

use std::borrow::Cow;
use std::sync::LazyLock;

use memchr::memmem;

pub use stream::Stream;

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
    fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Token => "token",
            Self::Key => "key",
            Self::PrivateKey => "private_key",
            Self::Secret => "secret",
            Self::Credential => "credential",
            Self::Cookie => "cookie",
            Self::Hash => "hash",
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

/// Texts that need more are made to need them.
const MOST_PASSES: usize = 4;

/// One session: its key, the placeholders it gave out and the secrets it has seen. Cheap to share, safe to use at once
/// from several threads.
pub struct Redactor {
    placeholders: placeholders::Placeholders,
    dictionary: dictionary::Dictionary,
}

impl Default for Redactor {
    fn default() -> Self {
        Self::new()
    }
}

impl Redactor {
    /// A session with a key of its own: placeholders of two sessions cannot be compared.
    pub fn new() -> Self {
        Self { placeholders: placeholders::Placeholders::new(), dictionary: dictionary::Dictionary::default() }
    }

    /// The text with every secret that the rules find replaced by a placeholder.
    pub fn text<'a>(&self, input: &'a str) -> Cow<'a, str> {
        if input.len() <= stream::SEGMENT {
            return self.segment(input, None).0;
        }
        let mut stream = self.stream();
        let mut output = stream.push(input);
        output.push_str(&stream.finish());
        Cow::Owned(output)
    }

    /// For text that arrives in pieces: the output, put together, is that of [`Redactor::text`] for the whole.
    pub fn stream(&self) -> Stream<'_> {
        Stream::new(self)
    }

    /// Redacts every string of an object and keeps its shape. Knows the structure of Kubernetes objects.
    pub fn value(&self, value: &mut serde_json::Value) {
        objects::redact(self, value);
    }

    /// Remembers a secret that was read elsewhere, so that every later copy of it goes, whatever its encoding.
    pub fn learn(&self, secret: &str) {
        self.dictionary.learn(secret, Class::Secret);
    }

    fn placeholder(&self, class: Class, value: &str) -> String {
        self.dictionary.learn(value, class);
        self.placeholders.of(class, value)
    }

    /// One part of a text. `open`: the secret that the part before it ended in, which goes on here; the second of the
    /// answer is what this part ends in.
    fn segment<'a>(&self, input: &'a str, open: Option<Class>) -> (Cow<'a, str>, Option<Class>) {
        let continued = open.map(|class| Span {
            start: 0,
            end: input.bytes().take_while(|byte| encoded::continues(*byte)).count(),
            class,
        });
        let spans = self.find(input, continued);
        let ends_in = spans.last().filter(|span| span.end == input.len()).map(|span| span.class);
        let mut output = self.replace(input, &spans);
        let mut changed = !spans.is_empty();
        // A placeholder can stand where no rule expected anything, so that another rule sees what it did not before.
        for _ in 0..MOST_PASSES {
            if !changed {
                break;
            }
            let spans = self.find(&output, None);
            changed = !spans.is_empty();
            if changed {
                output = Cow::Owned(self.replace(&output, &spans).into_owned());
            }
        }
        (output, ends_in)
    }

    fn find(&self, input: &str, continued: Option<Span>) -> Vec<Span> {
        let mut spans = scan::find(input);
        views::mark(input, &mut spans);
        let mut spans = merged(spans);
        encoded::mark(input, &mut spans);
        spans.extend(continued);
        let mut spans = outside_placeholders(input, merged(spans));
        for span in &spans {
            self.dictionary.learn(&input[span.start..span.end], span.class);
        }
        if self.dictionary.mark(input, &mut spans) {
            spans = outside_placeholders(input, merged(spans));
        }
        spans
    }

    fn replace<'a>(&self, input: &'a str, spans: &[Span]) -> Cow<'a, str> {
        if spans.is_empty() {
            return Cow::Borrowed(input);
        }
        let mut output = String::with_capacity(input.len());
        let mut done = 0;
        for span in spans {
            output.push_str(&input[done..span.start]);
            output.push_str(&self.placeholders.of(span.class, &input[span.start..span.end]));
            done = span.end;
        }
        output.push_str(&input[done..]);
        Cow::Owned(output)
    }
}

/// Builds what the first text would have to wait for; may go on in a thread of its own.
pub fn ready() {
    LazyLock::force(&anchors::ANCHORS);
    session();
}

/// The session of this process.
pub fn session() -> &'static Redactor {
    static SESSION: LazyLock<Redactor> = LazyLock::new(Redactor::new);
    &SESSION
}

/// [`Redactor::text`] of the process's session.
pub fn text(input: &str) -> Cow<'_, str> {
    session().text(input)
}

/// Sorted spans that do not touch. Where two overlap, the one that starts first names the class.
fn merged(mut spans: Vec<Span>) -> Vec<Span> {
    spans.retain(|span| span.start < span.end);
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

/// What an earlier pass has put in place stays as it is, and so does whitespace beside it.
fn outside_placeholders(input: &str, spans: Vec<Span>) -> Vec<Span> {
    if spans.is_empty() || !input.contains("[[") {
        return spans;
    }
    let mut outside = Vec::with_capacity(spans.len());
    for span in spans {
        let mut start = span.start;
        let mut at = placeholders::holding(input, span.start);
        while at < span.end {
            let Some(length) = placeholders::length(&input[at..]) else {
                at = memmem::find(&input.as_bytes()[at + 1..span.end], b"[[").map_or(span.end, |next| at + 1 + next);
                continue;
            };
            push_bare(input, Span { start, end: at.max(start), ..span }, &mut outside);
            start = at + length;
            at = start;
        }
        push_bare(input, Span { start, end: span.end.max(start), ..span }, &mut outside);
    }
    outside
}

fn push_bare(input: &str, span: Span, spans: &mut Vec<Span>) {
    let whole = &input[span.start..span.end];
    if whole.bytes().any(|byte| byte.is_ascii_alphanumeric() || !byte.is_ascii()) {
        spans.push(span);
    }
}
