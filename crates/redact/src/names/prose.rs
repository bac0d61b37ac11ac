//! Secrets in sentences and statements: behind their name without a sign, or announced a few words before.

use super::judge::{self, Name};
use super::{Place, chinese, line_before, value};
use crate::{Class, Span, values};

/// `密码X`: a Chinese name needs nothing in between.
pub fn adjacent(text: &str, place: Place) -> Option<Span> {
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
pub fn statement(text: &str, place: Place, judged: Name) -> Option<Span> {
    let Name::Strong(class) = judged else {
        return None;
    };
    let rest = &text[place.end..text.floor_char_boundary(place.end + 512)];
    let gap = rest.bytes().take_while(|byte| b" \t".contains(byte)).count();
    let open = rest[gap..].len() - rest[gap..].trim_start_matches(['\\', '"', '\'']).len();
    let word = &rest[gap..gap + open + value::word(&rest[gap + open..])];
    let bare = word.trim_start_matches(['\\', '"', '\'']);
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
pub fn prose(text: &str, place: Place, certain: bool) -> Option<Span> {
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
        let gap = rest[at..].bytes().take_while(|byte| b" \t:=\"'`(),".contains(byte)).count();
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
pub fn announced(text: &str, place: Place, judged: Name) -> Option<Span> {
    let Name::Strong(class) = judged else {
        return None;
    };
    let window = &text[place.end..text.floor_char_boundary(place.end + ANNOUNCEMENT + 512)];
    let (line, below) = window.split_once('\n').unwrap_or((window, ""));
    // What a command printed: `$ cat admin.password`.
    let prompt = ["$ ", "# "].iter().any(|prompt| line_before(text, place.start).starts_with(prompt));
    let ends = line.trim_end().ends_with(':') || prompt;
    let told = line.rfind(": ").map(|at| at + 2).or_else(|| ends.then_some(line.len()));
    let told = told.or_else(|| line.rfind(" is ").map(|at| at + 4))?;
    if told > ANNOUNCEMENT || line[..told].contains(['"', '{', '=']) {
        return None;
    }
    let rest = line[told..].trim_start();
    let (start, shown) = if rest.is_empty() {
        (place.end + window.len() - below.trim_start().len(), below.trim_start())
    } else {
        (place.end + line.len() - rest.len(), rest)
    };
    let shown = shown.split('\n').next().unwrap_or_default().trim_end();
    // The string of JSON that it stands in may end here.
    let word =
        shown.trim_start_matches(['\\', '"', '\'', '`']).split(['"', '\'', '`', '\\']).next().unwrap_or_default();
    let hex = word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let once = judge::ends_with(&text[place.start..place.end], "otp") && word.bytes().all(|byte| byte.is_ascii_digit());
    let likely = hex
        || once
        || (prompt && values::uuid(word))
        || values::generated(word)
        || (class == Class::Password && values::mixed(word));
    let wanted = likely && !word.contains([' ', ':', '(', '<']) && !values::harmless(word);
    let start = start + shown.find(word)?;
    wanted.then_some(Span { start, end: start + word.len(), class })
}
