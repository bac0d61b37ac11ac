//! Judges a value by its form alone: does it stand for a secret kept elsewhere, is it a word, does it look random?

use std::sync::LazyLock;

use regex::Regex;

use crate::placeholders;

/// References, placeholders and files: the secret itself is somewhere else.
#[expect(clippy::expect_used, reason = "the pattern is a literal, and is compiled by every test")]
static ELSEWHERE: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"(?x)^(?:
        <[^<>]*> | \{\{ | \$\{ | \$\( | \$[A-Z_][A-Z0-9_]*$ | \$[0-9]+$ | @[A-Z_]+@$ | (?i:your[-_\ ]) | %[({%] | %[sdvqr]$ | \*+$ | \*{3} | [xX•●]{3,}$ | \.{3}$
        | (?i:vault|arn|env|file|secretref|op|sm|awssm|gcpsm|ref\+[a-z]+|projects)[:+/] | (?i:enc[\[(]) | !vault | AQICAH
        | /(?:etc|var|run|opt|mnt|home|root|usr|tmp|secrets?|vault|app|data|srv|config|dev|proc|certs?|bin|api|v[0-9])(?:/|$)
        | \.{1,2}/ | @/ | [(\[]?(?i:redacted|hidden|masked|filtered|removed|omitted|sensitive)(?:\ value)?[)\]]?$ | (?i:redacted|hidden|masked) | [A-Z]:\\
        | \d+\s(?:bytes|B)$ | (?:SHA(?:1|256|384|512)|MD5|sha(?:1|256|384|512)|md5)[:-] | (?:ssh-|ecdsa-|sk-ssh-|sk-ecdsa-)
        | AWS4-HMAC-SHA256 | (?i:digest\ [a-z]+=)
        | -----BEGIN\ (?:CERT|PUBLIC|RSA\ PUBLIC|TRUSTED|X509) | https?:// | \?$ | :[a-z_]+$ | \#\{ | \{[a-z_0-9.]*\}?$
        | (?:process\.env|os\.|System\.|settings\.|var\.|local\.|secrets\.|module\.|self\.|this\.|data\.[a-z_]+\.)
        | [A-Za-z_.]+\($ | [a-z][A-Za-z0-9_.]+\([a-z_.]*\)?$ | 0x[0-9a-f]+$ | (?:nil|null|None|undefined)\b
    )";
    Regex::new(&pattern.replace(r"\s", r"[\ \t]").replace(r"\d", "[0-9]").replace(r"\b", r"(?-u:\b)"))
        .expect("a pattern")
});

/// Words that logs, schemas and switches put after a telling name.
const WORDS: [&str; 79] = [
    "true",
    "false",
    "null",
    "nil",
    "none",
    "yes",
    "no",
    "on",
    "off",
    "undefined",
    "empty",
    "unset",
    "invalid",
    "expired",
    "missing",
    "required",
    "incorrect",
    "wrong",
    "not",
    "failed",
    "failure",
    "error",
    "unknown",
    "disabled",
    "enabled",
    "optional",
    "string",
    "str",
    "bool",
    "int",
    "bytes",
    "object",
    "changed",
    "is",
    "was",
    "has",
    "must",
    "cannot",
    "could",
    "should",
    "are",
    "the",
    "a",
    "an",
    "for",
    "from",
    "in",
    "of",
    "to",
    "and",
    "or",
    "basic",
    "bearer",
    "digest",
    "negotiate",
    "ok",
    "success",
    "authentication",
    "unable",
    "accepted",
    "rejected",
    "mismatch",
    "does",
    "did",
    "can",
    "can't",
    "don't",
    "will",
    "may",
    "at",
    "by",
    "with",
    "this",
    "that",
    "unauthorized",
    "forbidden",
    "denied",
    "no-op",
    "default",
];

/// How much of a value is looked at to judge it.
const LOOKED_AT: usize = 128;

/// Whether nothing is lost by showing this value, whatever its name says.
pub fn harmless(value: &str) -> bool {
    let value = value[..value.floor_char_boundary(LOOKED_AT)].trim();
    if value.is_empty() || placeholders::length(value).is_some() || ELSEWHERE.is_match(value) {
        return true;
    }
    // Nobody types a password in Chinese: `密码：未设置`.
    if !value.bytes().any(|byte| byte.is_ascii_graphic()) {
        return true;
    }
    let word = value.split([' ', ',', '.', ';', ':', '!', '(']).next().unwrap_or_default();
    // A one-word password that is on the list is worth less than every "token: expired" in a log.
    word.len() + 1 >= value.len() && is_word(word) || (value.contains(' ') && is_word(word))
}

fn is_word(word: &str) -> bool {
    WORDS.iter().any(|known| known.eq_ignore_ascii_case(word))
}

/// One word of prose.
pub fn plain_word(value: &str) -> bool {
    value.len() <= 16 && value.bytes().all(|byte| byte.is_ascii_lowercase())
}

/// Whether a value looks made by a generator or chosen as a password, not by somebody who gives names to objects.
pub fn random(value: &str) -> bool {
    let value = &value[..value.floor_char_boundary(LOOKED_AT)];
    if value.len() < 8 {
        return false;
    }
    let digits = value.bytes().any(|byte| byte.is_ascii_digit());
    let upper = value.bytes().any(|byte| byte.is_ascii_uppercase());
    let lower = value.bytes().any(|byte| byte.is_ascii_lowercase());
    let signs = value.bytes().any(|byte| b"+=!@#%^&*~".contains(&byte));
    let mixed = [digits, upper, lower, signs].iter().filter(|is| **is).count() >= 2;
    mixed && !object_name(value)
}

/// Names of Kubernetes objects: lower-case words, joined. Their generated endings are short, their hashes known.
fn object_name(value: &str) -> bool {
    let allowed =
        value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-./:".contains(&byte));
    allowed
        && !uuid(value)
        && value
            .split(['-', '.', '/', ':'])
            .all(|part| part.len() <= 10 || part.bytes().all(|byte| byte.is_ascii_lowercase()))
}

pub fn uuid(value: &str) -> bool {
    let mut lengths = value.split('-').map(str::len);
    let form = [8, 4, 4, 4, 12].iter().all(|length| lengths.next() == Some(*length)) && lengths.next().is_none();
    form && value.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// Words joined by dashes, with at most short numbers: no token, though it begins like one.
pub fn worded(value: &str) -> bool {
    let part = |part: &str| part.bytes().all(|byte| byte.is_ascii_lowercase()) && part.len() <= 14 || part.len() <= 10;
    value.contains(['-', '_', '.'])
        && value.split(['-', '_', '.']).all(part)
        && !value.bytes().any(|byte| byte.is_ascii_uppercase())
}

/// Whether a generator made it for certain: long, of three kinds of characters or nearly so, and no path or name.
pub fn generated(value: &str) -> bool {
    let count = |is: fn(&u8) -> bool| value.bytes().filter(is).count();
    let digits = count(u8::is_ascii_digit);
    let upper = count(u8::is_ascii_uppercase);
    let lower = count(u8::is_ascii_lowercase);
    let hex = value.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mixed = digits >= 2 && upper >= 2 && lower >= 2;
    let word = value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+/=.~!@#$%^&*-".contains(&byte));
    let kind = |byte: u8| (byte.is_ascii_digit(), byte.is_ascii_uppercase(), byte.is_ascii_lowercase());
    let changes = value.as_bytes().windows(2).filter(|pair| kind(pair[0]) != kind(pair[1])).count();
    let mixed = mixed && changes >= 5;
    let path = value.contains('/') && value.split('/').all(|part| part.len() < 16);
    value.len() >= 16 && word && !path && !harmless(value) && (mixed || (hex && value.len() >= 32 && digits >= 4))
}

/// Whether a secret's value can be told from ordinary words wherever it stands: only such ones are searched for.
pub fn telling(value: &str) -> bool {
    if harmless(value) || value.contains("://") || value.starts_with('/') {
        return false;
    }
    let letters = value.bytes().any(|byte| byte.is_ascii_alphabetic());
    let digits = value.bytes().any(|byte| byte.is_ascii_digit());
    let upper = value.bytes().skip(1).any(|byte| byte.is_ascii_uppercase());
    let signs = value.bytes().any(|byte| b"+=!#%^&*~$@".contains(&byte));
    let dense = value
        .split(['-', '.', '/', ':', '_', ' '])
        .any(|part| part.len() >= 6 && part.bytes().any(|byte| byte.is_ascii_digit()));
    let host = value.ends_with(".svc") || value.contains(".svc.") || value.ends_with(".com") || value.ends_with(".cn");
    let named = !upper && !signs && !dense;
    letters && (digits || upper || signs) && !named && !host
}

/// Whether a single word is more than a word: it has a digit or a sign in it.
pub fn secretive(value: &str) -> bool {
    value.len() >= 6 && value.bytes().any(|byte| byte.is_ascii_digit() || b"!@#$%^&*+=".contains(&byte))
}

/// Digits, capitals and small letters in one word.
pub fn mixed(value: &str) -> bool {
    let is = |kind: fn(&u8) -> bool| value.as_bytes().iter().any(kind);
    random(value) && is(u8::is_ascii_digit) && is(u8::is_ascii_uppercase) && is(u8::is_ascii_lowercase)
}
