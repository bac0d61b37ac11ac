//! Values after a name that tells of a secret: `DB_PASSWORD=`, `"apiKey":`, `--token`, `密码：`, `name: X` with `value:`.

mod field;
mod judge;
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
            if judge::public(name) {
                return;
            }
            if let Some(span) = prose(text, place, false) {
                self.done = span.end;
                spans.push(span);
            }
            return;
        };
        let before = &text[..place.start];
        if before.ends_with(':') && text[place.end..].starts_with(':') {
            return;
        }
        if let Some(span) = adjacent(text, place) {
            self.done = span.end;
            spans.push(span);
            return;
        }
        if let Some(from) = value::separated(text, place.end) {
            // `kubectl describe configmap` underlines each key.
            let underlined = text[from..].strip_prefix("\n----\n").map(|value| text.len() - value.len());
            let from = underlined.unwrap_or(from);
            let alone = line_start(before) && text[..from].ends_with([' ', '\t', ':', '\n']);
            let variable = line_start(before.strip_suffix("export ").unwrap_or(before))
                && text[place.end..from].starts_with('=')
                && !name.bytes().any(|byte| byte.is_ascii_lowercase());
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
        if let Some(from) = value::call(text, place.end).filter(|_| judged.certain()) {
            self.take(text, from, false, judged, spans);
            return;
        }
        if let Some(span) = statement(text, place, judged) {
            self.done = span.end;
            spans.push(span);
            return;
        }
        if let Some(span) = prose(text, place, judged.certain()).or_else(|| announced(text, place, judged)) {
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
        let class = class.filter(|_| !next_field(text, from, shown));
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
    let named = shown.split_once(':').is_some_and(|(name, _)| {
        name.len() > 1
            && name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.bytes().all(|byte| byte.is_ascii_alphabetic())
            && name.bytes().any(|byte| byte.is_ascii_lowercase())
    });
    named && text[..from].ends_with(": ") && line_before(text, from).contains('{')
}

/// `x-access-token:X@github.com/org/repo` is an address: the value ends before its host.
fn before_host(text: &str, start: usize, end: usize) -> usize {
    let cut = text[start..end].split_once('@').filter(|(value, host)| {
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
        Name::Weak(class) => (!shown.contains(' ') && !field(shown) && values::random(shown)).then_some(class),
        Name::Vague(class) => values::generated(shown).then_some(class),
    }
}

/// `name=value`, which is looked at by its own name.
fn field(shown: &str) -> bool {
    let name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    shown.split_once('=').is_some_and(|(left, right)| name(left) && !right.trim_start_matches('=').is_empty())
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
        [.., 0x1b, b'['] => name.iter().take(8).position(|byte| *byte == b'm').map_or(0, |at| at + 1),
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

/// `密码X`: a Chinese name needs nothing in between.
fn adjacent(text: &str, place: Place) -> Option<Span> {
    let class = chinese(&text[place.start..place.end])?;
    let rest = &text[place.end..text.floor_char_boundary(place.end + 512)];
    let gap = rest.bytes().take_while(|byte| *byte == b' ').count();
    let word = rest[gap..].bytes().take_while(|byte| byte.is_ascii_graphic() && !b"\"'`,;<>".contains(byte)).count();
    let start = place.end + gap;
    let shown = &text[start..start + word];
    let wanted =
        shown.starts_with(|c: char| c.is_ascii_alphanumeric()) && values::random(shown) && !values::harmless(shown);
    wanted.then_some(Span { start, end: start + word, class })
}

/// `requirepass X` alone on its line, `login ops password X` in a netrc, `ENV DB_PASSWORD X` in a Dockerfile.
fn statement(text: &str, place: Place, judged: Name) -> Option<Span> {
    let Name::Strong(class) = judged else {
        return None;
    };
    let rest = &text[place.end..text.floor_char_boundary(place.end + 512)];
    let gap = rest.bytes().take_while(|byte| b" \t".contains(byte)).count();
    let word = rest[gap..].split(|c: char| c.is_whitespace()).next()?;
    let bare = word.trim_matches(['"', '\'']);
    let line = line_before(text, place.start).trim_start();
    let netrc = (line.contains("login ") || line.contains("user ")) && (class == Class::Password);
    let dockerfile = matches!(line.trim_end(), "ENV" | "ARG" | "export" | "setx" | "set");
    let after = rest[gap + word.len()..].split('\n').next().unwrap_or_default().trim();
    // A cell of a table.
    let cell = rest[gap..].strip_prefix('|').filter(|_| line.ends_with('|') || line.ends_with("| "));
    if let Some(cell) = cell {
        let shown = cell.trim_start_matches(' ');
        let start = place.end + rest.len() - shown.len();
        let shown = shown.split(['|', '\n']).next().unwrap_or_default().trim_end();
        return values::random(shown).then_some(Span { start, end: start + shown.len(), class });
    }
    let directive = ["requirepass", "masterauth", "bindpw", "rootpw", "PSK"].contains(&&text[place.start..place.end]);
    let alone = line.is_empty() && (after.is_empty() || after.starts_with('#')) && class == Class::Password;
    let likely = netrc || dockerfile || directive || (alone && !values::plain_word(bare) && values::secretive(bare));
    let wanted = gap > 0 && bare.len() >= 3 && likely && !values::harmless(bare);
    let start = place.end + gap + word.find(bare)?;
    wanted.then_some(Span { start, end: start + bare.len(), class })
}

/// How far behind a name in a sentence its value can be.
const SENTENCE: usize = 48;
const FILLERS: [&str; 15] = [
    "is",
    "was",
    "value",
    "provided",
    "provided:",
    "used",
    "with",
    "the",
    "new",
    "header",
    "to",
    "set",
    "secret",
    "hex",
    "base64",
];

/// `using token f81d...`, `Incorrect API key provided: ...`: only what a generator has made. `certain`: the name alone
/// says it, else only words such as `key` do.
fn prose(text: &str, place: Place, certain: bool) -> Option<Span> {
    let name = &text[place.start..place.end];
    let before = &text[text.ceil_char_boundary(place.start.saturating_sub(12))..place.start];
    let api = ["api ", "access ", "secret ", "unseal ", "recovery ", "master ", "encryption ", "signing ", "aes "];
    let api = api.iter().any(|word| judge::ends_with(before, word));
    let certain = certain || api;
    let (_, class) = judge::CONTEXT.iter().find(|(word, _)| judge::ends_with(name, word))?;
    let rest = &text[place.end..text.floor_char_boundary(place.end + SENTENCE + 512)];
    let mut at = 0;
    let mut told = false;
    for _ in 0..4 {
        let gap = rest[at..].bytes().take_while(|byte| b" \t:=\"'`()".contains(byte)).count();
        if gap == 0 || at > SENTENCE {
            return None;
        }
        at += gap;
        let word = rest[at..].split(|c: char| c.is_whitespace() || "\"'`,;)<>\\，。".contains(c)).next()?;
        let bare = word.trim_end_matches(['.', ':']);
        let hex = bare.bytes().all(|byte| byte.is_ascii_hexdigit());
        let direct = certain && at == gap;
        let quoted = rest[..at].ends_with(['"', '\'']);
        let likely = if values::uuid(bare) {
            direct
        } else if matches!(name, "AUTH" | "PASS") {
            at == gap && values::random(bare)
        } else {
            (values::generated(bare) && (!hex || direct))
                || ((direct || told) && *class == Class::Password && values::mixed(bare))
                || (at == gap && *class == Class::Password && quoted && values::mixed(bare))
                || (at == gap && quoted && bare.len() >= 16 && values::mixed(bare))
                || (told && hex && bare.len() >= 32)
        };
        let wanted = likely && !bare.contains(['.', ':']) && !bare.trim_end_matches('=').contains('=');
        if wanted {
            let start = place.end + at;
            return Some(Span { start, end: start + bare.len(), class: *class });
        }
        let number = word.trim_end_matches([':', ')']).parse::<u8>().is_ok();
        told = certain && matches!(word, "is" | "was" | "hex" | "base64");
        if !number && !FILLERS.contains(&word) {
            return None;
        }
        at += word.len();
    }
    None
}

/// How far behind its name a secret is announced, on the same line.
const ANNOUNCEMENT: usize = 120;

/// `A temporary password is generated for root@localhost: X`, `Please use the following password:` and X on a line of
/// its own: one word, at the end of its line, that no name or number can be.
fn announced(text: &str, place: Place, judged: Name) -> Option<Span> {
    let Name::Strong(class) = judged else {
        return None;
    };
    let window = &text[place.end..text.floor_char_boundary(place.end + ANNOUNCEMENT + 512)];
    let (line, below) = window.split_once('\n').unwrap_or((window, ""));
    let colon = line.rfind(": ").or_else(|| line.trim_end().ends_with(':').then(|| line.trim_end().len() - 1));
    let sign = colon.or_else(|| line.rfind(" is ").map(|at| at + 2))?;
    if sign > ANNOUNCEMENT || line[..sign].contains(['"', '{', '=']) {
        return None;
    }
    let rest = line[sign + 1..].trim_start();
    let (start, shown) = if rest.is_empty() {
        (place.end + window.len() - below.trim_start().len(), below.trim_start())
    } else {
        (place.end + line.len() - rest.len(), rest)
    };
    let shown = shown.split('\n').next().unwrap_or_default().trim_end();
    let word = shown.trim_matches(['"', '\'', '`']);
    let hex = word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let once = judge::ends_with(&text[place.start..place.end], "otp") && word.bytes().all(|byte| byte.is_ascii_digit());
    let likely = hex || once || values::generated(word) || (class == Class::Password && values::mixed(word));
    let wanted = likely && !word.contains([' ', ':', '(', '<']) && !values::harmless(word);
    let start = start + shown.find(word)?;
    wanted.then_some(Span { start, end: start + word.len(), class })
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
