//! Judges a value by its form alone: does it stand for a secret kept elsewhere, is it a word, does it look random?

use std::sync::LazyLock;

use regex::Regex;

use crate::shapes::pattern;

/// References, placeholders and files: the secret itself is somewhere else.
static ELSEWHERE: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r"(?x)^(?:
            \[\[ | <[^<>]*> | \{\{ | \$\{ | \$\( | \$[A-Z_][A-Z0-9_]*$ | %[({%] | \*+$ | \*{3} | [xX]{3,}$ | \.{3}$
            | (?i:vault|arn|env|file|secretref|op|sm|awssm|gcpsm|ref\+\w+|projects)[:+/] | (?i:enc[\[(]) | !vault
            | /(?:etc|var|run|opt|mnt|home|root|usr|tmp|secrets?|vault|app|data|srv|config|dev|proc|certs?)(?:/|$)
            | \.{1,2}/ | @/ | (?i:redacted|hidden|masked)
            | \d+\s(?:bytes|B)$
        )",
    )
});

/// Words that logs, schemas and switches put after a telling name.
const WORDS: [&str; 62] = [
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
];

/// Whether nothing is lost by showing this value, whatever its name says.
pub fn harmless(value: &str) -> bool {
    let value = value.trim();
    if value.is_empty() || ELSEWHERE.is_match(value) {
        return true;
    }
    let word = value.split([' ', ',', '.', ';', ':']).next().unwrap_or_default();
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
pub fn object_name(value: &str) -> bool {
    let allowed =
        value.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-./".contains(&byte));
    allowed
        && !uuid(value)
        && value
            .split(['-', '.', '/'])
            .all(|part| part.len() <= 10 || part.bytes().all(|byte| byte.is_ascii_lowercase()))
}

fn uuid(value: &str) -> bool {
    let parts: Vec<&str> = value.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [8, 4, 4, 4, 12] && value.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}
