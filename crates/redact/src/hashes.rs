//! Hashes of passwords, which can be tried offline.

use crate::{Class, Span};

pub const STARTS: [&str; 26] = [
    "$1$",
    "$2$",
    "$2a$",
    "$2b$",
    "$2x$",
    "$2y$",
    "$5$",
    "$6$",
    "$7$",
    "$y$",
    "$gy$",
    "$apr1$",
    "$sha1$",
    "$argon2id$",
    "$argon2i$",
    "$argon2d$",
    "$pbkdf2",
    "$scrypt$",
    "{SHA",
    "{SSHA",
    "{CRYPT}",
    "{SMD5}",
    "{PBKDF2",
    "SCRAM-SHA-",
    "pbkdf2_sha256$",
    "scrypt:",
];

const SHORTEST: usize = 16;

pub fn at(text: &str, start: usize, end: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    let body = match bytes[start] {
        b'{' => end + text[end..].bytes().take(12).position(|byte| byte == b'}')? + 1,
        _ => end,
    };
    // Some are fields of a file whose lines are divided by colons.
    let colons = matches!(bytes[start], b'S' | b's');
    let inside = |byte: &u8| byte.is_ascii_alphanumeric() || b"./$=,+-_".contains(byte) || (colons && *byte == b':');
    let length = text[body..].bytes().take_while(inside).count();
    // `SCRAM-SHA-256` is the name of a mechanism.
    let counted = bytes[start] != b'S' || text[body..].bytes().take(5).any(|byte| byte == b'$');
    (length >= SHORTEST && counted).then_some(Span { start, end: body + length, class: Class::Hash })
}

/// `*` and 40 hexadecimal capitals: MySQL; `md5` and 32 small ones: PostgreSQL.
pub fn mark(text: &str, spans: &mut Vec<Span>) {
    for start in memchr::memchr_iter(b'*', text.as_bytes()) {
        let upper = |byte: &u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(byte);
        whole(text, start, 1, 40, upper, spans);
    }
    for start in memchr::memmem::find_iter(text.as_bytes(), "md5") {
        let lower = |byte: &u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(byte);
        whole(text, start, 3, 32, lower, spans);
    }
}

fn whole(text: &str, start: usize, lead: usize, length: usize, is: fn(&u8) -> bool, spans: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let body = start + lead;
    let digits = bytes[body..].iter().take(length + 1).take_while(|byte| is(byte)).count();
    let joined = |byte: Option<&u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"-_:.".contains(byte));
    let before = start.checked_sub(1).and_then(|at| bytes.get(at));
    if digits == length && !joined(before) && !joined(bytes.get(body + length)) {
        spans.push(Span { start, end: body + length, class: Class::Hash });
    }
}
