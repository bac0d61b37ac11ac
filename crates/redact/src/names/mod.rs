//! Values after a name that tells of a secret: `DB_PASSWORD=`, `"apiKey":`, `--token`, `密码：`, `name: X` with `value:`.

mod field;
mod judge;
mod prose;
pub mod value;

use crate::{Class, Span, values, vendors};
use judge::{CHINESE, Name};
use value::Value;

/// Longer words are no names.
const LONGEST: usize = 128;

/// Where the last name ended that was looked at: one name often holds several telling words.
#[derive(Default)]
pub struct Names {
    done: usize,
    /// Where the word ends in which the last value was found: a long one may hold many names.
    word_end: usize,
}

/// A name in the text and what its surroundings say.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    end: usize,
    /// With `-` or `--` in front.
    flag: bool,
}

impl Names {
    /// Looks at the name around a telling word.
    pub fn at(&mut self, text: &str, start: usize, end: usize, spans: &mut Vec<Span>) {
        if start < self.done {
            return;
        }
        let place = if text.as_bytes()[start].is_ascii() {
            around(text, start, end)
        } else {
            Place { start, end, flag: false }
        };
        self.done = place.end;
        let name = &text[place.start..place.end];
        let query = ["?", "&", "%26", "%3F", "u0026"].iter().any(|mark| text[..place.start].ends_with(mark));
        let judged = judge::judge(name).filter(|judged| judged.certain() || !query);
        // `企业微信机器人key：`
        let chinese = text[..place.start].ends_with(|c| ('\u{4E00}'..='\u{9FFF}').contains(&c));
        let judged = judged.or((chinese && name.eq_ignore_ascii_case("key")).then_some(Name::Weak(Class::Key)));
        let Some(judged) = judged.or_else(|| judge::parameter(name).filter(|_| query)) else {
            if let Some(span) = prose::prose(text, place, false).filter(|_| !judge::public(name)) {
                self.done = span.end;
                spans.push(span);
            }
            return;
        };
        let before = &text[..place.start];
        if before.ends_with(':') && text[place.end..].starts_with(':') {
            return;
        }
        if let Some(span) = prose::adjacent(text, place) {
            self.done = span.end;
            spans.push(span);
            return;
        }
        if let Some(from) = value::separated(text, place.end) {
            // `kubectl describe configmap` underlines each key.
            let underlined = text[from..].strip_prefix("\n----\n").map(|value| text.len() - value.len());
            let from = underlined.unwrap_or(from);
            let alone = line_start(before) && text[..from].ends_with([' ', '\t', ':', '\n']);
            let variable = text[place.end..from].starts_with('=')
                && !name.bytes().any(|byte| byte.is_ascii_lowercase())
                && line_start(before.strip_suffix("export ").unwrap_or(before));
            if variable && let Some(span) = variable_value(text, from, judged) {
                self.done = span.end;
                spans.push(span);
                return;
            }
            self.take(text, from, alone, judged, spans);
            return;
        }
        if let Some(from) = place.flag.then(|| value::next_word(text, place.end)).flatten() {
            if !text[from..].starts_with('-') {
                self.take(text, from, false, judged, spans);
            }
            return;
        }
        let fields = field::values_of(text, place.start, place.end);
        if !fields.is_empty() {
            for from in fields {
                self.take(text, from, field::alone(text, from), judged, spans);
            }
            return;
        }
        if text[place.end..].starts_with(['(']) && value::list(text, place.end).is_some_and(|items| items.len() > 1) {
            // `Credential('id', 'key')`
            self.take(text, place.end, false, judged, spans);
            return;
        }
        let call = value::call(text, place.end).or_else(|| value::preset(text, place.end));
        if let Some(from) = call.filter(|_| judged.certain()) {
            self.take(text, from, false, judged, spans);
            return;
        }
        if let Some(span) = prose::statement(text, place, judged) {
            self.done = span.end;
            spans.push(span);
            return;
        }
        if let Some(span) =
            prose::prose(text, place, judged.certain()).or_else(|| prose::announced(text, place, judged))
        {
            self.done = span.end;
            spans.push(span);
        }
    }

    /// Marks the value that starts here, if it is one to hide.
    fn take(&mut self, text: &str, from: usize, alone: bool, judged: Name, spans: &mut Vec<Span>) {
        let from = value::nested(text, from).unwrap_or(from);
        if let Some(items) = value::list(text, from) {
            for item in items {
                if let Some(class) = class(judged, &text[item.0..item.1]) {
                    spans.push(Span { start: item.0, end: item.1, class });
                    self.done = item.1;
                }
            }
            return;
        }
        let known = Some(self.word_end).filter(|end| *end > from);
        let Some(value) = value::at(text, from, alone, known) else {
            return;
        };
        if value.word {
            self.word_end = value.end;
        }
        let Value { start, end, word } = value;
        let end = before_host(text, start, end);
        let shown = &text[start..end];
        let class = class(judged, shown.strip_prefix("sha256=").unwrap_or(shown));
        let size = shown.bytes().all(|byte| byte.is_ascii_digit()) && text[end..].starts_with(" bytes");
        let class = class.filter(|_| !size && !next_field(text, from, shown));
        if let Some(class) = class {
            let lead = if shown.starts_with("pass:") {
                5
            } else if class == Class::Credential {
                user(shown)
            } else {
                0
            };
            spans.push(Span { start: start + lead, end, class });
        }
        // One word holds no second name; the rest of a line and a quoted text may.
        if class.is_some() || (word && !shown.contains(['=', '&'])) {
            self.done = end;
        }
        // The plan of a change: `"old" -> "new"`.
        let after = text[end..].strip_prefix(['"', '\'']).and_then(|rest| rest.strip_prefix(" -> "));
        if let Some(new) = after.filter(|_| !word) {
            self.take(text, text.len() - new.len(), false, judged, spans);
        }
    }
}

/// `{Token: Name:x}`: Go prints nothing for an empty value, and the next field follows.
fn next_field(text: &str, from: usize, shown: &str) -> bool {
    let named = shown[..shown.floor_char_boundary(64)].split_once(':').is_some_and(|(name, _)| {
        name.len() > 1
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_alphabetic())
            && name.bytes().any(|byte| byte.is_ascii_lowercase())
    });
    named && text[..from].ends_with(": ") && line_before(text, from).contains('{')
}

/// No token in an address is longer.
const ADDRESS: usize = 512;

/// `x-access-token:X@github.com/org/repo` is an address: the value ends before its host.
fn before_host(text: &str, start: usize, end: usize) -> usize {
    let cut =
        text[start..text.floor_char_boundary(end.min(start + ADDRESS))].split_once('@').filter(|(value, host)| {
            let host = host.split(['/', ':']).next().unwrap_or_default();
            let dotted =
                host.contains('.') && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
            dotted && values::generated(value)
        });
    cut.map_or(end, |(value, _)| start + value.len())
}

/// `SECRET_KEY=&a(b;c` of an environment file: every sign up to the blank belongs to it.
fn variable_value(text: &str, from: usize, judged: Name) -> Option<Span> {
    let shown = text[from..].split(char::is_whitespace).next()?;
    let odd =
        shown.contains(['&', ';', '(', ')', '<', '>', ']', '}']) && !shown.starts_with(['"', '\'', '`', '$', '{', '<']);
    let plain = odd && !shown.contains(['"', '\'', '\\', '\x1b']) && !shown.contains(['=']);
    let shown = shown.trim_end_matches([';', ')']);
    class(judged, shown).filter(|_| plain).map(|class| Span { start: from, end: from + shown.len(), class })
}

fn class(judged: Name, shown: &str) -> Option<Class> {
    match judged {
        _ if values::harmless(shown) => None,
        // Tokens and keys are generated: `fetch token: serviceaccounts "web" not found` names none.
        Name::Strong(Class::Token | Class::Key) if values::plain_word(shown) => None,
        // `cannot fetch token: 400 Bad Request`
        Name::Strong(Class::Token | Class::Key)
            if shown.len() < 6 && shown.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            None
        }
        Name::Strong(class) => Some(class),
        // A sentence is none; there may be a name in it that says more.
        Name::Weak(class) => (!field(shown) && values::random(shown) && !shown.contains(' ')).then_some(class),
        Name::Vague(class) => values::generated(shown).then_some(class),
    }
}

/// `name=value`, which is looked at by its own name.
fn field(shown: &str) -> bool {
    let name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    shown[..shown.floor_char_boundary(64)]
        .split_once('=')
        .is_some_and(|(left, right)| name(left) && !right.trim_start_matches('=').is_empty())
}

/// The length of `user:` in front of a password, as in a basic-auth file.
fn user(value: &str) -> usize {
    let user = value
        .find(':')
        .filter(|at| value[..*at].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)));
    user.map_or(0, |at| at + 1)
}

/// What stands before this place on its line, as far as any rule asks.
fn line_before(text: &str, at: usize) -> &str {
    let before = &text[text.ceil_char_boundary(at.saturating_sub(LONGEST))..at];
    before.rsplit('\n').next().unwrap_or_default()
}

/// Whether only indentation, a list dash or an opening quote stands before the name.
fn line_start(before: &str) -> bool {
    let blank = |byte: &u8| b" \t-+>#\"'".contains(byte);
    let lead = before.bytes().rev().take(256).take_while(blank).count();
    let before = &before[..before.len() - lead];
    before.is_empty() || before.ends_with('\n')
}

fn in_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.-/".contains(&byte)
}

/// The whole name around a part of it.
fn around(text: &str, start: usize, end: usize) -> Place {
    let bytes = text.as_bytes();
    // `sid=` and the like hold their separator.
    let end = start + bytes[start..end].iter().take_while(|byte| in_name(**byte)).count();
    let left = bytes[..start].iter().rev().take(LONGEST).take_while(|byte| in_name(**byte)).count();
    let right = bytes[end..].iter().take(LONGEST).take_while(|byte| in_name(**byte)).count();
    let mut from = start - left;
    let mut to = end + right;
    from += lead(&bytes[..from], &bytes[from..start]);
    let sign = bytes[from..start].iter().take_while(|byte| !byte.is_ascii_alphanumeric() && **byte != b'_').count();
    let dashes = bytes[from..from + sign].iter().all(|byte| *byte == b'-');
    let flag = (1..=2).contains(&sign)
        && dashes
        && from.checked_sub(1).is_none_or(|at| bytes[at].is_ascii_whitespace() || b"\"'[,(`".contains(&bytes[at]));
    from += sign;
    while to > from && b".-/".contains(&bytes[to - 1]) {
        to -= 1;
    }
    Place { start: from, end: to, flag }
}

/// How many letters in front of a name belong to a colour, an escape or a percent sign.
fn lead(before: &[u8], name: &[u8]) -> usize {
    match before {
        [.., 0x1b, b'['] | [.., b'1', b'b' | b'B', b'['] | [.., b'0', b'3', b'3', b'['] => {
            name.iter().take(8).position(|byte| *byte == b'm').map_or(0, |at| at + 1)
        }
        [.., b'\\'] => match name {
            [b'u', b'0', b'0', _, _, ..] => 5,
            [b'n' | b'r' | b't', ..] => 1,
            [b'x', _, _, ..] => 3,
            _ => 0,
        },
        [.., b'%'] if name.len() >= 2 && name[..2].iter().all(u8::is_ascii_hexdigit) => 2,
        _ => 0,
    }
}

/// Tokens with a dot: of kubeadm, with six letters and sixteen, and of Zhipu, with 32 digits and sixteen letters.
pub fn dotted(text: &str, spans: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let letter = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let joined = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b".-/_".contains(byte));
    for dot in memchr::memchr_iter(b'.', bytes) {
        if let Some(span) = vendors::discord(text, dot) {
            spans.push(span);
            continue;
        }
        let Some(secret) = bytes.get(dot + 1..dot + 17).filter(|tail| tail.iter().rev().all(u8::is_ascii_alphanumeric))
        else {
            continue;
        };
        let digits = bytes[..dot].iter().rev().take(33).take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits == 32 && !joined(bytes.get(dot + 17)) {
            spans.push(Span { start: dot - 32, end: dot + 17, class: Class::Key });
            continue;
        }
        if !secret.iter().all(letter) {
            continue;
        }
        let Some(id) = dot.checked_sub(6).map(|from| &bytes[from..dot]).filter(|id| id.iter().all(letter)) else {
            continue;
        };
        let alone = !joined(bytes.get(dot + 17)) && !joined(dot.checked_sub(7).map(|at| &bytes[at]));
        // `webapp.17f3a2b4c5d6e7f8` is the name of an event.
        let hex = secret.iter().all(u8::is_ascii_hexdigit) && !id.iter().any(u8::is_ascii_digit);
        let digits = secret.iter().filter(|byte| byte.is_ascii_digit()).count();
        if alone && !hex && digits > 0 && digits < 16 {
            spans.push(Span { start: dot - 6, end: dot + 17, class: Class::Token });
        }
    }
}

/// Whether a Chinese word is a telling name, and of what.
fn chinese(name: &str) -> Option<Class> {
    CHINESE.iter().find(|(word, _)| *word == name).map(|(_, class)| *class)
}

/// What an object's field of this name holds, judged by the name and the value.
pub fn of_field(name: &str, value: &str) -> Option<Class> {
    class(judge::judge(name)?, value)
}
