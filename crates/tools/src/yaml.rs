//! Writes a value as YAML with as few characters as stay readable: short leaves stand on one line.

use serde_json::Value;

/// A list or map of plain values that is shorter than this is written in brackets.
const SHORT: usize = 100;

pub fn write(value: &Value) -> String {
    let mut out = String::new();
    block(value, 0, &mut out);
    out
}

fn block(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (at, (key, value)) in map.iter().enumerate() {
                // the first key of an item stands behind its dash
                if at > 0 || !out.ends_with("- ") {
                    indent(depth, out);
                }
                out.push_str(&scalar(key));
                out.push(':');
                below(value, depth + 1, out);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                indent(depth, out);
                out.push_str("- ");
                match item {
                    Value::Object(map) if !map.is_empty() && flow(item).is_none() => block(item, depth + 1, out),
                    _ => {
                        out.pop();
                        below(item, depth + 1, out);
                    }
                }
            }
        }
        leaf => {
            out.push_str(&flow(leaf).unwrap_or_default());
            out.push('\n');
        }
    }
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

/// What stands behind `key:` or `-`.
fn below(value: &Value, depth: usize, out: &mut String) {
    if let Value::String(text) = value
        && text.trim_end().contains('\n')
        && literal(text)
    {
        out.push_str(if text.ends_with('\n') { " |\n" } else { " |-\n" });
        for line in text.lines() {
            if !line.is_empty() {
                indent(depth, out);
                out.push_str(line);
            }
            out.push('\n');
        }
        return;
    }
    if let Some(short) = flow(value) {
        out.push(' ');
        out.push_str(&short);
        out.push('\n');
        return;
    }
    out.push('\n');
    // a list may stand at its key's own depth, but not at the depth of the list that it is in
    let in_map = !out.ends_with("-\n");
    block(value, if value.is_array() && in_map { depth - 1 } else { depth }, out);
}

/// Whether a text of several lines can stand as it is.
fn literal(text: &str) -> bool {
    !text.starts_with([' ', '\n']) && !text.ends_with("\n\n") && !text.chars().any(|c| is_refused(c) && c != '\n')
}

/// The value on one line; None when that would be hard to read.
fn flow(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => return Some(scalar(text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => return Some(value.to_string()),
        Value::Array(items) => {
            let items: Option<Vec<String>> = items.iter().map(flow).collect();
            format!("[{}]", items?.join(", "))
        }
        Value::Object(map) => {
            let entries: Option<Vec<String>> =
                map.iter().map(|(key, value)| Some(format!("{}: {}", scalar(key), flow(value)?))).collect();
            format!("{{{}}}", entries?.join(", "))
        }
    };
    (text.chars().count() <= SHORT).then_some(text)
}

/// A text as it may stand plain, else in double quotes.
fn scalar(text: &str) -> String {
    let plain = !text.is_empty()
        && text.trim() == text
        && !text.starts_with([
            '-', '?', ':', ',', '[', ']', '{', '}', '#', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`', '.', '=',
        ])
        && !text.chars().any(|c| is_refused(c) || matches!(c, ',' | '[' | ']' | '{' | '}'))
        && !text.contains(": ")
        && !text.ends_with(':')
        && !text.contains(" #")
        && !looks_like_another_type(text);
    if plain { text.to_owned() } else { quoted(text) }
}

/// What YAML takes in double quotes only, escaped.
fn is_refused(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// In double quotes, as JSON has it, with the characters escaped that YAML does not take.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for c in Value::from(text).to_string().chars() {
        if is_refused(c) { out.push_str(&format!("\\u{:04x}", u32::from(c))) } else { out.push(c) }
    }
    out
}

fn looks_like_another_type(text: &str) -> bool {
    let word = text.to_ascii_lowercase();
    matches!(word.as_str(), "null" | "~" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n")
        || text.starts_with(|c: char| c.is_ascii_digit() || c == '+')
            && text
                .chars()
                .all(|c| c.is_ascii_hexdigit() || matches!(c, '.' | '_' | ':' | '+' | '-' | 'x' | 'o' | 'T' | 'Z'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn short_leaves_stand_on_one_line() {
        let value = json!({"metadata": {"name": "web", "labels": {"app": "web", "tier": "front"}},
            "spec": {"containers": [{"name": "main", "image": "registry.example.com/team/a-rather-long-name:1.2.3",
                "args": ["--listen", ":8080"], "env": [{"name": "VERSION", "value": "1.0"}]}]},
            "note": "two\nlines\n", "empty": {}});
        assert_eq!(
            write(&value),
            "metadata: {name: web, labels: {app: web, tier: front}}\nspec:\n  containers:\n  - name: main\n    image: registry.example.com/team/a-rather-long-name:1.2.3\n    args: [--listen, :8080]\n    env: [{name: VERSION, value: \"1.0\"}]\nnote: |\n  two\n  lines\nempty: {}\n"
                .replace("[--listen, :8080]", "[\"--listen\", \":8080\"]")
        );
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[ -~\n\t观察é\u{7f}\u{85}\u{feff}:#-]{0,40}".prop_map(Value::from),
            "(yes|no|1e3|0x1f|1:30|1.0|2024-01-01|~|null|- a|a: b)".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec(("[a-z./-]{1,8}|yes|1", inner), 0..5)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_the_same(value in values()) {
            let text = write(&value);
            let back: Value = serde_saphyr::from_str(&text).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
            prop_assert_eq!(back, value, "{}", text);
        }
    }
}
