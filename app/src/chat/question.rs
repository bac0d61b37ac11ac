//! What a typed question or order is about, by its words alone: no model, no cluster.

use diagnose::Lang;
use diagnose::kinds::Kind;
use serde_json::Value;

use super::order::{self, Lack, Order};
use super::words::{self, Topic};

/// What is wished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Intent {
    Diagnose,
    Count,
    List,
    Show,
    Logs {
        previous: bool,
    },
    Events,
    Changes,
    WhoCan {
        verb: String,
        resource: Option<String>,
    },
    Usage,
    Alerts,
    Proposals,
    Help,
    Order(Order),
    /// an order that does not say how much, or which
    Incomplete(Lack),
    /// a pasted manifest, as it was pasted
    Manifest(String),
    /// the rules have no answer to this: it needs a model
    Unclear,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    pub intent: Intent,
    pub namespace: Option<String>,
    pub kind: Option<&'static Kind>,
    /// words that could be names of objects or namespaces, in their order
    pub names: Vec<String>,
    /// everyday words, which are a name only where an object of the named kind is called so
    pub plain: Vec<String>,
    /// what was spoken of before is meant
    pub points_back: bool,
    /// the whole cluster is meant
    pub whole: bool,
    pub only_troubled: bool,
    /// "which ones" is asked, not why
    pub lists: bool,
    /// more than facts is wished: advice, a comparison, an explanation
    pub thought: bool,
    /// no word of it says what is wished: that it is asked how something is, is a guess
    pub guessed: bool,
    /// "why?" and nothing else
    pub bare_why: bool,
    pub minutes: Option<u32>,
    pub lang: Lang,
}

/// A piece of a text: what could be a name, or what stands between.
enum Piece<'a> {
    Word(&'a str),
    Between(&'a str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let own = |c: char| c.is_ascii_alphanumeric() || "-_./:=".contains(c);
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = own(first);
        let end = rest.find(|c| own(c) != word).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        found.push(if word { Piece::Word(piece.trim_matches(['.', ':', '/'])) } else { Piece::Between(piece.trim()) });
        rest = after;
    }
    found.retain(|piece| !matches!(piece, Piece::Word("") | Piece::Between("")));
    found
}

pub fn is_chinese(text: &str) -> bool {
    text.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c))
}

/// The manifest in a pasted text: one or more documents that all name a kind.
pub fn manifest(text: &str) -> Option<String> {
    let inner = match text.trim().strip_prefix("```") {
        Some(fenced) => fenced.split_once('\n')?.1.trim_end().trim_end_matches('`'),
        None => text.trim(),
    };
    if !inner.contains("apiVersion") || !inner.contains("kind") {
        return None;
    }
    let options = serde_saphyr::options! { strict_booleans: true };
    let documents = serde_saphyr::from_multiple_with_options::<Value>(inner, options).ok()?;
    let named = |document: &Value| document["apiVersion"].is_string() && document["kind"].is_string();
    (!documents.is_empty() && documents.iter().all(named)).then(|| inner.to_owned())
}

/// A text as it is kept: no secrets, and of a manifest only that there was one.
pub fn kept(text: &str) -> String {
    match manifest(text) {
        Some(manifest) => format!("(a manifest of {} lines)", manifest.lines().count()),
        None => redact::text(text.trim()).into_owned(),
    }
}

/// Reads one typed text. Never fails: what fits nothing is `Unclear`.
pub fn read(text: &str) -> Question {
    let flat = words::flat(text);
    let lang = if is_chinese(text) { Lang::Zh } else { Lang::En };
    let mut question = Question {
        intent: Intent::Unclear,
        namespace: None,
        kind: None,
        names: Vec::new(),
        plain: Vec::new(),
        points_back: words::points_back(&flat),
        whole: words::whole(&flat),
        only_troubled: words::only_troubled(&flat),
        lists: lists(&flat),
        thought: words::wants_thought(&flat),
        guessed: false,
        bare_why: words::bare_why(&flat),
        minutes: minutes(&flat),
        lang,
    };
    if let Some(manifest) = manifest(text) {
        question.intent = Intent::Manifest(manifest);
        return question;
    }
    mentions(text, &flat, &mut question);
    question.intent = intent(&flat, &question);
    let few = flat.split(' ').count() <= 3;
    question.guessed = question.intent == Intent::Diagnose && words::topic(&flat).is_none() && !few;
    if let Intent::Order(Order::Image(image)) = &question.intent {
        question.names.retain(|name| !image.eq_ignore_ascii_case(name));
    }
    question
}

fn mentions(text: &str, flat: &str, question: &mut Question) {
    let pieces = pieces(text);
    let mut next_is_namespace = false;
    for (at, piece) in pieces.iter().enumerate() {
        let word = match piece {
            Piece::Between(between) => {
                next_is_namespace = between.ends_with("命名空间");
                if question.kind.is_none() {
                    question.kind = words::kind_zh(between);
                }
                continue;
            }
            Piece::Word(word) => *word,
        };
        let lower = word.to_lowercase();
        let after = match pieces.get(at + 1) {
            Some(Piece::Between(between)) => between,
            Some(Piece::Word(_)) | None => "",
        };
        let named_so = match pieces.get(at + 1) {
            Some(Piece::Word(next)) => ["namespace", "ns"].contains(&next.to_lowercase().as_str()),
            Some(Piece::Between(_)) | None => false,
        };
        let placed = ["命名空间", "空间"].iter().any(|mark| after.starts_with(mark));
        if !lower.contains('/') && (next_is_namespace || placed || named_so) && !words::is_plain(&lower) {
            question.namespace = Some(lower);
            next_is_namespace = false;
            continue;
        }
        next_is_namespace = matches!(lower.as_str(), "-n" | "--namespace" | "namespace" | "ns");
        if let Some(namespace) = ["-n=", "--namespace="].iter().find_map(|flag| lower.strip_prefix(flag)) {
            question.namespace = Some(namespace.to_owned());
            continue;
        }
        if !next_is_namespace && !lower.starts_with('-') {
            mention(&lower, question);
        }
    }
    let list_of_namespaces = ["namespaces", "命名空间"].iter().any(|word| flat.contains(word));
    if question.kind.is_none() && question.namespace.is_none() && list_of_namespaces {
        question.kind = words::kind("namespaces");
    }
}

fn mention(word: &str, question: &mut Question) {
    let parts: Vec<&str> = word.split('/').collect();
    let mut name = |text: &str| question.names.push(text.to_owned());
    match parts.as_slice() {
        // an image is no object
        [_, _, ..] if word.contains(':') => {}
        [namespace, kind, named] if words::kind(kind).is_some() => {
            name(named);
            question.kind = words::kind(kind);
            question.namespace = Some((*namespace).to_owned());
        }
        [kind, namespace, named] if words::kind(kind).is_some() => {
            name(named);
            question.kind = words::kind(kind);
            question.namespace = Some((*namespace).to_owned());
        }
        [kind, named] if words::kind(kind).is_some() => {
            name(named);
            question.kind = words::kind(kind);
        }
        [namespace, named] => {
            name(named);
            question.namespace = Some((*namespace).to_owned());
        }
        [one] if words::kind(one).is_some() => {
            question.kind = question.kind.or(words::kind(one));
        }
        [one] if words::is_plain(one) => question.plain.push((*one).to_owned()),
        [one] if !is_amount(one) && !one.contains(['=', ':']) => name(one),
        _ => {}
    }
}

/// `5`, `10gi`, `30m`
fn is_amount(word: &str) -> bool {
    let digits = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit()) && word.len() - digits.len() <= 3
}

/// A span of time in the text, in minutes.
fn minutes(flat: &str) -> Option<u32> {
    const UNITS: [(&str, u32); 12] = [
        ("minute", 1),
        ("min", 1),
        ("分钟", 1),
        ("hour", 60),
        ("个小时", 60),
        ("小时", 60),
        ("天", 1440),
        ("day", 1440),
        ("m", 1),
        ("h", 60),
        ("d", 1440),
        ("个钟", 60),
    ];
    let mut words = flat.split(' ').peekable();
    while let Some(word) = words.next() {
        let start = word.find(|c: char| c.is_ascii_digit());
        let Some(digits) = start.map(|start| &word[start..]) else { continue };
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        let Ok(number) = digits[..end].parse::<u32>() else { continue };
        let unit = if end < digits.len() { &digits[end..] } else { words.peek().copied().unwrap_or_default() };
        let factor = UNITS.iter().find(|(name, _)| match name.is_ascii() {
            true if name.len() == 1 => unit == *name,
            true => unit == *name || unit.strip_suffix('s') == Some(*name),
            false => unit.starts_with(name),
        });
        if let Some((_, factor)) = factor {
            return number.checked_mul(*factor).filter(|minutes| *minutes > 0);
        }
    }
    let today = words::says(flat, "today") || flat.contains("今天");
    today.then_some(1440)
}

fn intent(flat: &str, question: &Question) -> Intent {
    let list: Vec<&str> = flat.split(' ').collect();
    if !words::asks(flat)
        && let Some(order) = order::read(flat, &list)
    {
        return order.map_or_else(Intent::Incomplete, Intent::Order);
    }
    let named = !question.names.is_empty();
    match words::topic(flat) {
        Some(Topic::Help) => Intent::Help,
        Some(Topic::WhoCan) => who_can(flat, question),
        Some(Topic::Logs) => {
            let previous = ["previous", "before the restart", "last run"].iter().any(|word| words::says(flat, word));
            Intent::Logs {
                previous: previous || ["上一次", "上次", "重启前"].iter().any(|word| flat.contains(word))
            }
        }
        Some(Topic::Events) => Intent::Events,
        Some(Topic::Changes) => Intent::Changes,
        Some(Topic::Alerts) => Intent::Alerts,
        Some(Topic::Proposals) => Intent::Proposals,
        Some(Topic::Count) => Intent::Count,
        Some(Topic::Usage) => Intent::Usage,
        // "which pods are failing" asks for a list, "why are pods failing" for a cause
        Some(Topic::Trouble) if !named && question.kind.is_some() && question.lists => Intent::List,
        // "why?" alone is about what was spoken of
        Some(Topic::Why) if list.len() > 1 && !about_cluster(question, named) => Intent::Unclear,
        Some(Topic::Trouble | Topic::Why) => Intent::Diagnose,
        Some(Topic::Show) if named => Intent::Show,
        Some(Topic::Show) if question.kind.is_some() => Intent::List,
        Some(Topic::Show) if question.namespace.is_some() => Intent::Diagnose,
        Some(Topic::Show) => Intent::Unclear,
        None if question.kind.is_some() && !named => Intent::List,
        // a name alone: how is it?
        None if named && list.len() <= 3 || question.namespace.is_some() => Intent::Diagnose,
        None => Intent::Unclear,
    }
}

/// Whether a "why" is about something in the cluster, and not about the world.
fn about_cluster(question: &Question, named: bool) -> bool {
    named || question.kind.is_some() || question.namespace.is_some() || question.points_back || question.whole
}

fn lists(flat: &str) -> bool {
    let english = ["which", "list", "show", "what", "get", "any"];
    let chinese = ["哪些", "列出", "哪几个", "哪个", "显示"];
    english.iter().any(|word| words::says(flat, word)) || chinese.iter().any(|word| flat.contains(word))
}

fn who_can(flat: &str, question: &Question) -> Intent {
    const VERBS: [(&str, &str); 20] = [
        ("exec", "create"),
        ("delete", "delete"),
        ("删", "delete"),
        ("create", "create"),
        ("创建", "create"),
        ("新建", "create"),
        ("patch", "patch"),
        ("update", "update"),
        ("edit", "update"),
        ("修改", "update"),
        ("更新", "update"),
        ("改", "update"),
        ("scale", "patch"),
        ("扩", "patch"),
        ("list", "list"),
        ("列出", "list"),
        ("watch", "watch"),
        ("进入", "create"),
        ("执行", "create"),
        ("get", "get"),
    ];
    let spoken = |word: &str| if word.is_ascii() { words::says(flat, word) } else { flat.contains(word) };
    let verb = VERBS.iter().find(|(word, _)| spoken(word)).map_or("get", |(_, verb)| *verb);
    let shell = ["exec", "进入", "执行"].iter().any(|word| spoken(word));
    let resource = if shell { Some("pods/exec".to_owned()) } else { question.kind.map(|kind| kind.plural.to_owned()) };
    Intent::WhoCan { verb: verb.to_owned(), resource }
}
