//! Placeholders: the same value gives the same one within a session, another value another.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::hmac;
use rustix::rand::{GetRandomFlags, getrandom};

use crate::{Class, normal};

/// Base 32 without letters that look like digits.
const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SHORTEST: u32 = 5;
/// 80 of the digest's bits: two values never share them.
const LONGEST: u32 = 16;
/// More than these are not remembered; their placeholders get the longest id at once.
const REMEMBERED: usize = 1_000_000;

pub struct Placeholders {
    key: hmac::Key,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    /// By the digest of the value.
    given: HashMap<u128, (Class, u32)>,
    taken: HashSet<(u32, u128)>,
}

impl Placeholders {
    /// The key comes straight from the kernel: the library's generator first gathers entropy of its own for 40 ms,
    /// which is most of what a short command takes.
    #[expect(clippy::expect_used, reason = "without random bytes from the system nothing may be shown")]
    pub fn new() -> Self {
        let mut key = [0; 32];
        let read = getrandom(&mut key, GetRandomFlags::empty()).expect("random bytes from the system");
        assert_eq!(read, key.len(), "up to 256 bytes come at once");
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, &key), seen: Mutex::default() }
    }

    /// The class is that of the first time the value was seen, so that one value has one placeholder whatever key
    /// carried it.
    pub fn of(&self, class: Class, value: &str) -> String {
        let tag = hmac::sign(&self.key, normal::form(value).as_bytes());
        let digest = tag.as_ref().iter().take(16).fold(0_u128, |digest, byte| digest << 8 | u128::from(*byte));
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (class, width) = match seen.given.get(&digest) {
            Some(given) => *given,
            None if seen.given.len() >= REMEMBERED => (class, LONGEST),
            None => {
                let width = (SHORTEST..LONGEST)
                    .find(|width| seen.taken.insert((*width, bits(digest, *width))))
                    .unwrap_or(LONGEST);
                seen.given.insert(digest, (class, width));
                (class, width)
            }
        };
        drop(seen);
        format!("[[{}:{}]]", class.name(), id(digest, width))
    }
}

fn bits(digest: u128, width: u32) -> u128 {
    digest >> (128 - 5 * width)
}

fn id(digest: u128, width: u32) -> String {
    let letter = |at: u32| char::from(ALPHABET[(digest >> (123 - 5 * at)) as usize % ALPHABET.len()]);
    (0..width).map(letter).collect()
}

/// The length of the placeholder that the text starts with.
pub fn length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    if !bytes.starts_with(b"[[") {
        return None;
    }
    let class = bytes[2..].iter().take(16).take_while(|byte| byte.is_ascii_lowercase() || **byte == b'_').count();
    let id_at = 3 + class;
    let id = bytes.get(id_at..)?.iter().take_while(|byte| ALPHABET.contains(byte)).take(LONGEST as usize + 1).count();
    let end = id_at + id;
    let whole = class > 0
        && bytes[id_at - 1] == b':'
        && (SHORTEST as usize..=LONGEST as usize).contains(&id)
        && bytes[end..].starts_with(b"]]");
    whole.then_some(end + 2)
}

/// Where the placeholder starts that covers this position, else the position itself.
pub fn holding(text: &str, at: usize) -> usize {
    let from = text.floor_char_boundary(at.saturating_sub(40));
    let start = text[from..at].rfind("[[").map(|start| from + start);
    start.filter(|start| length(&text[*start..]).is_some_and(|length| start + length > at)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    /// A million with `FUZZ_CASES=1000000`.
    #[test]
    fn no_two_values_share_a_placeholder() {
        let count = std::env::var("FUZZ_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(20_000);
        let placeholders = Placeholders::new();
        let of = |n: usize| placeholders.of(Class::Token, &format!("value-{n}"));
        let seen: HashSet<String> = (0..count).map(of).collect();
        assert_eq!(seen.len(), count);
        assert!(seen.contains(&of(0)) && seen.iter().all(|one| length(one) == Some(one.len())));
    }

    #[test]
    fn the_class_is_that_of_the_first_time() {
        let placeholders = Placeholders::new();
        let first = placeholders.of(Class::Password, "hunter2");
        assert!(first.starts_with("[[password:") && first.len() == "[[password:ABCDE]]".len());
        assert_eq!(placeholders.of(Class::Token, "aHVudGVyMg=="), first);
    }
}
