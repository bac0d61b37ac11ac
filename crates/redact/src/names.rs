//! Values after a name that tells of a secret: `DB_PASSWORD=`, `"apiKey":`, `--token`, `密码：`, `name: X` with `value:`.

use std::sync::LazyLock;

use regex::Regex;

use crate::{Class, Span, shapes::pattern, values};

/// A name, and what separates it from its value: in YAML, JSON (also inside a string), INI, Go, coloured logs.
static PAIR: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?x)
        (?P<name>[A-Za-z_][A-Za-z0-9_.\-/]* | (?:密码|口令|密钥|秘钥|令牌|私钥|凭证|凭据|授权码))
        (?:\x1b\[[0-9;]*m)* \\*["'`]? \]? (?:\x1b\[[0-9;]*m)* [\ \t]*
        (?: := | => | [:=：] | 为|是 )
        (?:\x1b\[[0-9;]*m)* [\ \t]* (?:\x1b\[[0-9;]*m)*"#,
    )
});

/// A flag whose value is the next word, the next item of a list or of a YAML sequence.
static FLAG: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?:^|[\s"'\[,(`])--?(?P<name>[A-Za-z][A-Za-z0-9_.\-]+)(?:\\*["'],\s*|[ \t]+|["']?[ \t]*\n[ \t]*-[ \t]+)"#,
    )
});

/// A name and its value as two fields, as in a container's environment.
static FIELDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?x) \b(?:[Nn]ame|[Kk]ey)\\*["']?\s*[:=]\s*\\*["']? (?P<name>[A-Za-z_][A-Za-z0-9_.\-]*) \\*["']?
        [\ \t]*(?:,\s*|\r?\n[\ \t]*) \\*["']?[Vv]alue\\*["']?\s*[:=][\ \t]*"#,
    )
});

/// How much a name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Name {
    /// Every value is a secret, however short.
    Strong(Class),
    /// Also used for names of objects and for switches: the value has to look random.
    Weak(Class),
}

pub fn mark(text: &str, spans: &mut Vec<Span>) {
    for rule in [&PAIR, &FLAG, &FIELDS] {
        let mut from = 0;
        while let Some(found) = rule.captures_at(text, from) {
            let (Some(whole), Some(name)) = (found.get(0), found.name("name")) else {
                break;
            };
            from = whole.end();
            let inner = text[..name.start()].ends_with(':') && text[name.end()..].starts_with(':');
            let Some(judged) = judge(name.as_str()).filter(|_| !inner) else {
                continue;
            };
            let alone = line_start(&text[..name.start()]) && whole.as_str().ends_with([' ', '\t', ':']);
            let Some(value) = value(text, whole.end(), alone) else {
                continue;
            };
            let shown = &text[value.start..value.end];
            let class = match judged {
                _ if values::harmless(shown) => None,
                // Tokens and keys are generated: `fetch token: serviceaccounts "web" not found` names none.
                Name::Strong(Class::Token | Class::Key) if values::plain_word(shown) => None,
                Name::Strong(class) => Some(class),
                Name::Weak(class) => values::random(shown).then_some(class),
            };
            if let Some(class) = class {
                let user = if class == Class::Credential { user(shown) } else { 0 };
                spans.push(Span { start: value.start + user, end: value.end, class });
            }
            // One word holds no second name; the rest of a line and a quoted text may.
            if class.is_some() || value.word {
                from = value.end;
            }
        }
    }
}

/// The length of `user:` in front of a password, as in a basic-auth file.
fn user(value: &str) -> usize {
    let user = value
        .find(':')
        .filter(|at| value[..*at].bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)));
    user.map_or(0, |at| at + 1)
}

/// Whether only indentation, a list dash or an opening quote stands before the name.
fn line_start(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '\t', '-', '+', '>', '#', '"', '\'']);
    before.is_empty() || before.ends_with('\n')
}

/// The words of a name: `DBPassword`, `db_password`, `db-password` and `app.db/password` give `db`, `password`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut last = ' ';
    let mut characters = name.chars().peekable();
    while let Some(c) = characters.next() {
        if !c.is_alphanumeric() {
            last = ' ';
            continue;
        }
        let next_lower = characters.peek().is_some_and(|next| next.is_lowercase());
        let starts = last == ' '
            || (c.is_uppercase() && (last.is_lowercase() || last.is_numeric() || (last.is_uppercase() && next_lower)));
        if starts {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(c.to_lowercase());
        }
        last = c;
    }
    words
}

/// Endings that say which one it is, not what it is.
const VARIANTS: [&str; 22] = [
    "value",
    "val",
    "b64",
    "base64",
    "old",
    "new",
    "current",
    "previous",
    "prev",
    "next",
    "primary",
    "secondary",
    "default",
    "plain",
    "text",
    "raw",
    "prod",
    "dev",
    "test",
    "staging",
    "encoded",
    "data",
];

/// What may stand before `key` so that it is a key to something, and not the key of a map.
const KEYS: [&str; 34] = [
    "api",
    "private",
    "access",
    "secret",
    "encryption",
    "encrypt",
    "signing",
    "sign",
    "master",
    "shared",
    "account",
    "storage",
    "service",
    "auth",
    "webhook",
    "app",
    "ssh",
    "rsa",
    "client",
    "session",
    "license",
    "hmac",
    "jwt",
    "aes",
    "deploy",
    "consumer",
    "ark",
    "routing",
    "integration",
    "host",
    "security",
    "admin",
    "cookie",
    "root",
];

const CHINESE: [(&str, Class); 9] = [
    ("密码", Class::Password),
    ("口令", Class::Password),
    ("授权码", Class::Password),
    ("密钥", Class::Key),
    ("秘钥", Class::Key),
    ("私钥", Class::Key),
    ("令牌", Class::Token),
    ("凭证", Class::Credential),
    ("凭据", Class::Credential),
];

fn judge(name: &str) -> Option<Name> {
    if let Some((_, class)) = CHINESE.iter().find(|(word, _)| *word == name) {
        return Some(Name::Strong(*class));
    }
    let lower = name.to_ascii_lowercase();
    if ["checksum", "hash", "digest", "sha256", "fingerprint", "encrypteddata"].iter().any(|stop| lower.contains(stop))
    {
        return None;
    }
    let name = name.rsplit('/').next().unwrap_or_default();
    let words = words(name);
    let mut words: Vec<&str> = words.iter().map(|word| word.trim_end_matches(|c: char| c.is_ascii_digit())).collect();
    while words.len() > 1 && words.last().is_some_and(|word| word.is_empty() || VARIANTS.contains(word)) {
        words.pop();
    }
    let last = *words.last()?;
    let before = words.len().checked_sub(2).map_or("", |at| words[at]);
    match last {
        "pass" if words.len() == 1 => Some(Name::Weak(Class::Password)),
        "pass" | "pw" | "bindpw" | "psw" => Some(Name::Strong(Class::Password)),
        "authorization" => Some(Name::Weak(Class::Credential)),
        "sig" | "signature" => Some(Name::Weak(Class::Token)),
        "auth" | "credential" | "credentials" | "creds" => Some(Name::Weak(Class::Credential)),
        // Headers of that name hold several values and attributes: `shapes` reads them.
        "cookie" if matches!(before, "" | "set") => None,
        "session" | "sessionid" | "cookie" | "sid" => Some(Name::Weak(Class::Cookie)),
        "secret" if ["client", "app", "api", "consumer", "jwt", "shared"].contains(&before) => {
            Some(Name::Strong(Class::Secret))
        }
        "id" if before == "secret" => Some(Name::Weak(Class::Key)),
        "key" | "keys" if KEYS.contains(&before) => Some(Name::Strong(Class::Key)),
        "kubeconfig" => None,
        _ => ending(last),
    }
}

/// Names written in one word: `dbpassword`, `authtoken`, `requirepass`.
fn ending(word: &str) -> Option<Name> {
    const PASSWORDS: [&str; 9] =
        ["password", "passwd", "pwd", "passphrase", "passcode", "requirepass", "masterauth", "userpass", "passwort"];
    const TOKENS: [&str; 2] = ["token", "jwt"];
    const KEYS: [&str; 7] =
        ["apikey", "secretkey", "accesskey", "privatekey", "authkey", "accountkey", "encryptionkey"];
    if PASSWORDS.iter().any(|known| word.ends_with(known)) {
        return Some(Name::Strong(Class::Password));
    }
    if TOKENS.iter().any(|known| word.ends_with(known)) {
        return Some(Name::Strong(Class::Token));
    }
    if KEYS.iter().any(|known| word.ends_with(known)) {
        return Some(Name::Strong(Class::Key));
    }
    word.ends_with("secret").then_some(Name::Weak(Class::Secret))
}

struct Value {
    start: usize,
    end: usize,
    word: bool,
}

/// The value that starts here. `alone`: it is the only thing on its line.
fn value(text: &str, from: usize, alone: bool) -> Option<Value> {
    let rest = &text[from..];
    let escapes = rest.len() - rest.trim_start_matches('\\').len();
    let quote = rest[escapes..].chars().next().filter(|c| ['"', '\'', '`'].contains(c));
    let (start, end, word) = match (quote, rest.chars().next()?) {
        (Some(quote), _) => {
            let start = from + escapes + 1;
            (start, start + quoted(&text[start..], quote, escapes), false)
        }
        (None, '|' | '>') => {
            let (start, end) = block(text, from)?;
            (start, end, false)
        }
        (None, '\n' | '\r' | '{' | '=' | '~' | ',' | ')' | ']' | '}') => return None,
        (None, '[') if !rest.starts_with("[[") => return None,
        _ if alone => (from, from + line(rest), false),
        _ => (from, from + word(rest), true),
    };
    (start < end).then_some(Value { start, end, word })
}

/// A quoted value ends at the same quote behind as many backslashes as opened it, or with its line where it was cut off.
fn quoted(rest: &str, quote: char, escapes: usize) -> usize {
    let mut backslashes = 0;
    for (at, c) in rest.char_indices() {
        match c {
            '\\' => backslashes += 1,
            '\n' => return at,
            c if c == quote => {
                let closes = if escapes == 0 { backslashes % 2 == 0 } else { backslashes <= escapes };
                if closes {
                    return at - backslashes.min(escapes);
                }
                backslashes = 0;
            }
            _ => backslashes = 0,
        }
    }
    rest.len()
}

/// The rest of the line without a comment, a colour or the trailing comma of JSON.
fn line(rest: &str) -> usize {
    let line = rest.split(['\n', '\r', '\x1b']).next().unwrap_or_default();
    let line = line.split(" #").next().unwrap_or_default();
    line.trim_end().trim_end_matches(',').len()
}

fn word(rest: &str) -> usize {
    let mut characters = rest.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        let next = characters.peek().map(|(_, next)| *next);
        let ends = match c {
            c if c.is_whitespace() => true,
            '"' | '\'' | '`' | '<' | '>' | ';' | '&' | '}' | ')' | ']' | '\x1b' | '，' | '。' | '；' | '、' | '）' => {
                true
            }
            '\\' => next.is_some_and(|next| "nrt\"'".contains(next)),
            ',' => next.is_none_or(|next| next.is_whitespace() || next.is_alphabetic() || "\"'}".contains(next)),
            _ => false,
        };
        if ends {
            return at;
        }
    }
    rest.len()
}

/// Nothing in front of a YAML block is longer; a text of one line is not searched again for every key.
const LONGEST_KEY: usize = 500;

/// A YAML block scalar: the lines that are indented more than the one that opens it.
fn block(text: &str, from: usize) -> Option<(usize, usize)> {
    let opening = text[..from].bytes().rev().take(LONGEST_KEY).take_while(|byte| *byte != b'\n').count();
    let opening = text.get(from - opening..from)?;
    let indent = opening.len() - opening.trim_start_matches([' ', '-']).len();
    let head = text[from..].find('\n')?;
    if text[from..from + head].trim_end().len() > 3 {
        return None;
    }
    let mut end = from + head + 1;
    let start = end;
    for line in text[start..].split_inclusive('\n') {
        let deeper = line.len() - line.trim_start_matches(' ').len() > indent;
        if !deeper && !line.trim().is_empty() {
            break;
        }
        end += line.len();
    }
    let body = &text[start..end];
    let lead = body.len() - body.trim_start().len();
    Some((start + lead, start + body.trim_end().len()))
}
