//! The diff as lines for people: every value in full, hidden characters visible.

use serde_json::Value;

use super::diff::{Change, Step};

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Path,
    Before,
    After,
    Same,
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Line {
    pub kind: Kind,
    pub text: String,
}

/// More than anybody reads before saying yes.
pub const MOST_LINES: usize = 1_500;
pub const MOST_BYTES: usize = 128 << 10;

/// None when it is too long to be read, and so too long to be approved.
pub fn lines(changes: &[Change], object: Option<&Value>) -> Option<Vec<Line>> {
    let mut lines = Vec::new();
    for change in changes {
        match change {
            Change::Value { path, before, after } => {
                if !path.is_empty() {
                    lines.push(Line { kind: Kind::Path, text: visible(&named(path, object)) });
                }
                pair(before.as_ref(), after.as_ref(), &mut lines);
            }
            Change::Elements { path, at, before, after } => {
                let text = visible(&format!("{}[{at}...]", named(path, object)));
                lines.push(Line { kind: Kind::Path, text });
                before.iter().for_each(|value| block(Kind::Before, value, &mut lines));
                after.iter().for_each(|value| block(Kind::After, value, &mut lines));
            }
        }
    }
    let bytes: usize = lines.iter().map(|line| line.text.len()).sum();
    (lines.len() <= MOST_LINES && bytes <= MOST_BYTES).then_some(lines)
}

/// `spec.template.spec.containers[0 web].image`: the place, with the names of list elements.
fn named(path: &[Step], object: Option<&Value>) -> String {
    let mut text = String::new();
    let mut here = object;
    for step in path {
        here = here.and_then(|value| match step {
            Step::Key(key) => value.get(key),
            Step::Index(index) => value.get(index),
        });
        match step {
            Step::Key(key) if key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(key);
            }
            Step::Key(key) => text.push_str(&format!("[{}]", Value::from(key.as_str()))),
            Step::Index(index) => {
                let name = here.and_then(|value| value["name"].as_str()).map(|name| format!(" {name}"));
                text.push_str(&format!("[{index}{}]", name.unwrap_or_default()));
            }
        }
    }
    text
}

/// Texts of several lines are compared line by line, so that the one that changed is seen.
fn pair(before: Option<&Value>, after: Option<&Value>, lines: &mut Vec<Line>) {
    let (Some(Value::String(old)), Some(Value::String(new))) = (before, after) else {
        before.into_iter().for_each(|value| block(Kind::Before, value, lines));
        after.into_iter().for_each(|value| block(Kind::After, value, lines));
        return;
    };
    if !old.contains('\n') && !new.contains('\n') {
        block(Kind::Before, &Value::from(old.as_str()), lines);
        block(Kind::After, &Value::from(new.as_str()), lines);
        return;
    }
    // With the line ends, so that a missing one at the end shows.
    let (old, new): (Vec<&str>, Vec<&str>) = (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let head = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let tail = old[head..].iter().rev().zip(new[head..].iter().rev()).take_while(|(old, new)| old == new).count();
    let mut put = |kind: Kind, part: &[&str]| {
        lines.extend(part.iter().map(|line| {
            let end = if line.ends_with('\n') { "" } else { "⟨no newline⟩" };
            Line { kind, text: format!("| {}{end}", visible(line.trim_end_matches('\n'))) }
        }));
    };
    put(Kind::Same, &old[..head]);
    put(Kind::Before, &old[head..old.len() - tail]);
    put(Kind::After, &new[head..new.len() - tail]);
    put(Kind::Same, &old[old.len() - tail..]);
}

fn block(kind: Kind, value: &Value, lines: &mut Vec<Line>) {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    lines.extend(text.lines().map(|line| Line { kind, text: visible(line) }));
}

/// The text with every character that hides or that changes how the rest is shown written out.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        // The bracket itself too, so that nobody can write what only we write.
        if is_hidden(c) || c == '⟨' {
            out.push_str(&format!("⟨U+{:04X}⟩", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// Whether a character is unseen, or changes how others are seen.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202f}' | '\u{205f}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{2000}'..='\u{200a}'
            | '\u{a0}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::diff::diff;
    use super::*;

    fn shown(before: Value, after: Value) -> Vec<String> {
        let found = lines(&diff(Some(&before), Some(&after)), Some(&after)).unwrap();
        let sign = |kind: Kind| match kind {
            Kind::Path => "@",
            Kind::Before => "-",
            Kind::After => "+",
            Kind::Same => " ",
        };
        found.iter().map(|line| format!("{}{}", sign(line.kind), line.text)).collect()
    }

    #[test]
    fn the_changed_value_stands_under_its_path() {
        let object = |image: &str| json!({"spec": {"containers": [{"name": "web", "image": image}]}});
        assert_eq!(
            shown(object("nginx:1"), object("nginx:2")),
            ["@spec.containers[0 web].image", "-\"nginx:1\"", "+\"nginx:2\""]
        );
    }

    #[test]
    fn of_a_long_text_the_changed_line_is_seen_and_the_rest_is_there() {
        let data = |line: &str| json!({"data": {"a.conf": format!("one\n{line}\nthree")}});
        assert_eq!(
            shown(data("two"), data("2")),
            ["@data[\"a.conf\"]", " | one", "-| two", "+| 2", " | three⟨no newline⟩"]
        );
    }

    #[test]
    fn what_is_too_long_to_read_is_not_shown_at_all() {
        let long: Vec<usize> = (0..MOST_LINES).collect();
        assert_eq!(lines(&diff(None, Some(&json!(long))), None), None);
        assert_eq!(lines(&diff(None, Some(&json!("x".repeat(MOST_BYTES)))), None), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Two objects that differ are never shown alike, and nothing shown is invisible.
        #[test]
        fn different_objects_look_different(a in "[a\u{200b}\u{202e}\n \u{e0041}]{0,8}", b in "[a\u{200b}\u{202e}\n \u{e0041}]{0,8}") {
            let base = json!({"x": "base"});
            let (one, two) = (shown(base.clone(), json!({"x": a})), shown(base, json!({"x": b})));
            prop_assert_eq!(one == two, a == b, "{:?} {:?}", one, two);
            prop_assert!(!one.concat().chars().any(is_hidden));
        }
    }
}
