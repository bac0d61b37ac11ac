//! Values seen as secrets in this session, looked for everywhere: plain, in base64 at any offset, for URLs, in JSON, in
//! hex.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use crate::{Class, Span, encoded, normal, values};

/// Shorter values would hit words that have nothing to do with them.
const SHORTEST: usize = 8;
/// Of a longer one the beginning is looked for, and the rest of the word goes with it.
const LONGEST: usize = 256;
/// The oldest make room for new ones.
const MOST: usize = 4096;
/// So many new values are searched for apart before the large automaton is built again.
const FRESH: usize = 64;

#[derive(Default)]
pub struct Dictionary {
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    values: VecDeque<(String, Class)>,
    present: HashSet<String>,
    /// How many of the values are in `large`; the others are in `small` or in neither yet.
    built: usize,
    small_built: usize,
    large: Option<Arc<Needles>>,
    small: Option<Arc<Needles>>,
}

struct Needles {
    automaton: AhoCorasick,
    of: Vec<(Class, bool)>,
}

impl Dictionary {
    /// Remembers a value, as it stands and without its encoding.
    pub fn learn(&self, value: &str, class: Class) {
        if value.len() < SHORTEST || class == Class::PrivateKey {
            return;
        }
        let form = normal::form(value);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.add(&form, class);
        if value != form {
            known.add(value, class);
        }
    }

    /// Marks every copy; says whether there was one.
    pub fn mark(&self, text: &str, spans: &mut Vec<Span>) -> bool {
        let before = spans.len();
        for needles in self.needles().into_iter().flatten() {
            let mut done = 0;
            for found in needles.automaton.find_iter(text) {
                if found.end() <= done {
                    continue;
                }
                let (class, inside_base64) = needles.of[found.pattern().as_usize()];
                let (start, end) = if inside_base64 {
                    encoded::run(text, found.start(), found.end())
                } else {
                    (found.start(), found.end())
                };
                let cut = found.len() >= LONGEST;
                let rest = text[end..].bytes().take_while(|byte| cut && encoded::continues(*byte)).count();
                done = end + rest;
                spans.push(Span { start, end: done, class });
            }
        }
        spans.len() > before
    }

    fn needles(&self) -> [Option<Arc<Needles>>; 2] {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.values.len() - known.built > FRESH {
            known.large = Needles::new(known.values.iter());
            known.small = None;
            known.built = known.values.len();
            known.small_built = known.built;
        } else if known.small_built < known.values.len() {
            known.small = Needles::new(known.values.iter().skip(known.built));
            known.small_built = known.values.len();
        }
        [known.large.clone(), known.small.clone()]
    }
}

impl Known {
    fn add(&mut self, value: &str, class: Class) {
        let value = &value[..value.floor_char_boundary(LONGEST)];
        if value.len() < SHORTEST || self.present.contains(value) || !values::telling(value) {
            return;
        }
        self.present.insert(value.to_owned());
        self.values.push_back((value.to_owned(), class));
        if self.values.len() > MOST
            && let Some((oldest, _)) = self.values.pop_front()
        {
            self.present.remove(&oldest);
            self.built = self.built.saturating_sub(1);
            self.small_built = self.small_built.saturating_sub(1);
        }
    }
}

impl Needles {
    fn new<'a>(values: impl Iterator<Item = &'a (String, Class)>) -> Option<Arc<Self>> {
        let mut patterns = Vec::new();
        let mut of = Vec::new();
        for (value, class) in values {
            for (pattern, inside_base64) in forms(value) {
                patterns.push(pattern);
                of.push((*class, inside_base64));
            }
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&patterns)
            .ok()?;
        Some(Arc::new(Self { automaton, of }))
    }
}

/// How a value may be written, and whether that is only a part of a run of base64.
fn forms(value: &str) -> Vec<(String, bool)> {
    let mut forms = vec![(value.to_owned(), false)];
    for offset in 0..3 {
        let mut shifted = vec![0; offset];
        shifted.extend_from_slice(value.as_bytes());
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let whole = engine.encode(&shifted);
            // Letters that also hold bits of the neighbours are left out.
            let from = [0, 2, 3][offset];
            let to = shifted.len() * 8 / 6;
            forms.push((whole[from..to].to_owned(), true));
        }
    }
    let json = serde_json::Value::from(value).to_string();
    forms.push((json.trim_matches('"').to_owned(), false));
    let hex: String = value.bytes().map(|byte| format!("{byte:02x}")).collect();
    forms.push((hex.to_uppercase(), false));
    forms.push((hex, false));
    forms.push((value.bytes().map(|byte| format!("%{byte:02X}")).collect(), false));
    forms.push((value.bytes().map(|byte| format!("%{byte:02x}")).collect(), false));
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    if !value.as_bytes().iter().all(plain) {
        let percent = |digits: fn(u8) -> String| -> String {
            value.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { digits(byte) }).collect()
        };
        forms.push((percent(|byte| format!("%{byte:02X}")), false));
        forms.push((percent(|byte| format!("%{byte:02x}")), false));
    }
    let mut seen = HashSet::new();
    forms.retain(|(form, _)| seen.insert(form.clone()));
    forms
}
