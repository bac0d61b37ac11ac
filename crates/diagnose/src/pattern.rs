//! A regular expression that is compiled at its first use; one that does not compile matches nothing (a debug build says so).
//!
//! Compiling is most of what a short diagnosis costs, and a repeated class of all of Unicode takes some 50 ms: write
//! `[^0-9]{0,40}` for `[^\d]{0,40}`, and `(?-u:\w)*` where a choice of words repeats it.

use std::sync::OnceLock;

use regex::{Captures, Regex};

pub struct Pattern {
    text: &'static str,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub const fn new(text: &'static str) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    pub fn is_match(&self, haystack: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(haystack))
    }

    pub fn captures<'t>(&self, haystack: &'t str) -> Option<Captures<'t>> {
        self.regex()?.captures(haystack)
    }

    /// The first group of the first match.
    pub fn first<'t>(&self, haystack: &'t str) -> Option<&'t str> {
        Some(self.captures(haystack)?.get(1)?.as_str())
    }

    /// Every match of the first group.
    pub fn all<'t>(&self, haystack: &'t str) -> Vec<&'t str> {
        let found = self.regex().into_iter().flat_map(|regex| regex.captures_iter(haystack));
        found.filter_map(|c| Some(c.get(1)?.as_str())).collect()
    }

    fn regex(&self) -> Option<&Regex> {
        let compiled = self.compiled.get_or_init(|| Regex::new(self.text).ok());
        debug_assert!(compiled.is_some(), "bad pattern: {}", self.text);
        compiled.as_ref()
    }
}

/// A group of a match by its number; empty when it took no part.
pub fn part<'t>(captures: &Captures<'t>, group: usize) -> &'t str {
    captures.get(group).map_or("", |m| m.as_str())
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[test]
    fn gives_the_first_group_of_each_match() {
        static NUMBER: Pattern = Pattern::new(r"(\d+)Gi");
        assert_eq!(NUMBER.first("asks 5Gi of 10Gi"), Some("5"));
        assert_eq!(NUMBER.all("asks 5Gi of 10Gi"), ["5", "10"]);
        assert_eq!(NUMBER.first("asks 5Mi"), None);
    }
}
