//! Words of a command line: quotes, options with and without a value.

use std::collections::VecDeque;

use crate::canonical::Malformed;

pub struct Words {
    list: VecDeque<String>,
}

impl Words {
    /// Splits as a shell does, without its substitutions. What follows `--` belongs to a program and is dropped.
    pub fn of(text: &str) -> Result<Self, Malformed> {
        let mut list = VecDeque::new();
        let (mut word, mut quote, mut begun) = (String::new(), None, false);
        for c in text.chars() {
            match (quote, c) {
                (Some(open), c) if c == open => quote = None,
                (Some(_), c) => word.push(c),
                (None, '\'' | '"') if !in_json(&word) => (quote, begun) = (Some(c), true),
                (None, c) if c.is_whitespace() && !in_json(&word) => {
                    if begun || !word.is_empty() {
                        list.push_back(std::mem::take(&mut word));
                    }
                    begun = false;
                }
                (None, c) => word.push(c),
            }
        }
        if quote.is_some() {
            return Err(Malformed::new("a quote is not closed"));
        }
        if begun || !word.is_empty() {
            list.push_back(word);
        }
        if let Some(end) = list.iter().position(|word| word == "--") {
            list.truncate(end);
        }
        Ok(Self { list })
    }

    pub fn peek(&self) -> Option<&str> {
        self.list.front().map(String::as_str)
    }

    /// The next word that is no option.
    pub fn next(&mut self) -> Option<String> {
        let at = self.list.iter().position(|word| !word.starts_with('-'))?;
        self.list.remove(at)
    }

    /// The next word if it can be a name.
    pub fn next_name(&mut self) -> Option<String> {
        let at = self.list.iter().position(|word| !word.starts_with('-'))?;
        if self.list[at].ends_with('-') || self.list[at].contains('=') {
            return None;
        }
        self.list.remove(at)
    }

    pub fn push_front(&mut self, word: &str) {
        self.list.push_front(word.to_owned());
    }

    /// Whether one of the options is there.
    pub fn flag(&mut self, names: &[&str]) -> bool {
        let is = |word: &String| names.iter().any(|name| word == name || *word == format!("{name}=true"));
        let before = self.list.len();
        self.list.retain(|word| !is(word));
        self.list.len() < before
    }

    /// The value of an option, as `-n shop`, `-nshop`, `--namespace shop` or `--namespace=shop`.
    pub fn value(&mut self, names: &[&str]) -> Option<String> {
        for name in names {
            let short = name.len() == 2;
            for at in 0..self.list.len() {
                let word = self.list[at].clone();
                if word == *name {
                    self.list.remove(at);
                    return self.list.remove(at);
                }
                let Some(rest) = word.strip_prefix(name) else { continue };
                if let Some(value) = rest.strip_prefix('=').or_else(|| short.then_some(rest)) {
                    self.list.remove(at);
                    return Some(value.to_owned());
                }
            }
        }
        None
    }

    /// Leaves out options with their values.
    pub fn drop_values(&mut self, names: &[&str]) {
        while self.value(names).is_some() {}
    }

    /// The words `key=value`.
    pub fn pairs(&mut self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        self.list.retain(|word| match word.split_once('=') {
            Some((key, value)) if !word.starts_with('-') => {
                found.push((key.to_owned(), value.to_owned()));
                false
            }
            _ => true,
        });
        found
    }

    /// The words that are left, without options.
    pub fn rest(&mut self) -> Vec<String> {
        self.list.drain(..).filter(|word| !word.starts_with('-')).collect()
    }
}

/// JSON is typed without quotes around it where a whole command stands in quotes already.
fn in_json(word: &str) -> bool {
    let json = word.find(['{', '[']).filter(|at| *at == 0 || word[..*at].ends_with('='));
    json.is_some_and(|at| {
        let count = |chars: [char; 2]| word[at..].matches(chars).count();
        count(['{', '[']) > count(['}', ']'])
    })
}

#[cfg(test)]
mod test {
    use super::*;

    #[test]
    fn quotes_json_and_options_are_kept_apart() {
        let mut words = Words::of("patch pod 'a b' -n=shop -p {\"x\": [1, 2]} --type json -- rm -rf /").unwrap();
        assert_eq!(words.value(&["-n", "--namespace"]).as_deref(), Some("shop"));
        assert_eq!(words.value(&["-p"]).as_deref(), Some("{\"x\": [1, 2]}"));
        assert_eq!(words.value(&["--type"]).as_deref(), Some("json"));
        assert_eq!(words.rest(), ["patch", "pod", "a b"]);
        assert!(Words::of("get 'pods").is_err());
        let mut words = Words::of("label pod web-1 a=b c- --overwrite").unwrap();
        assert!(words.flag(&["--overwrite"]));
        assert_eq!(words.pairs(), [("a".to_owned(), "b".to_owned())]);
        assert_eq!(words.rest(), ["label", "pod", "web-1", "c-"]);
    }
}
