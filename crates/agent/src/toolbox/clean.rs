//! Texts of other people's servers, made fit to stand before a model: no invisible letters, no bulk, no foreign schemas.

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::{Map, Value};

/// Characters of a description; more is no description.
const DESCRIPTION: usize = 1024;
const LINE: usize = 300;
/// What providers accept.
const NAME: usize = 64;
const SCHEMA_BYTES: usize = 16 << 10;
const SCHEMA_DEPTH: usize = 16;

/// `server_tool` of letters that every provider takes, unlike all names before it.
pub fn name(server: &str, tool: &str, taken: impl Fn(&str) -> bool) -> String {
    let whole = if server.is_empty() { tool.to_owned() } else { format!("{server}_{tool}") };
    let fits = |c: char| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' };
    let plain: String = whole.chars().map(fits).take(NAME).collect();
    if plain.len() == whole.len() && !taken(&plain) {
        return plain;
    }
    let hash = digest(&SHA256, whole.as_bytes())
        .as_ref()
        .iter()
        .take(4)
        .fold(String::new(), |hex, b| hex + &format!("{b:02x}"));
    let short: String = plain.chars().take(NAME - 9).collect();
    let mut unique = format!("{short}_{hash}");
    let mut n = 1;
    while taken(&unique) {
        n += 1;
        unique = format!("{}_{hash}{n}", short.chars().take(NAME - 13).collect::<String>());
    }
    unique
}

pub fn description(text: &str) -> String {
    let clean: String = text.chars().filter(|c| visible(*c)).take(DESCRIPTION).collect();
    clean.trim().to_owned()
}

/// One line for people and for models.
pub fn line(text: &str) -> String {
    let flat: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| visible(*c)).collect();
    flat.trim().chars().take(LINE).collect()
}

/// Not a control, not one that turns the direction of writing, joins, hides or carries a message unseen.
pub fn visible(c: char) -> bool {
    matches!(c, '\n' | '\t') || !(c.is_control() || hidden(c))
}

fn hidden(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// For people who decide about it: nothing is left out, hidden letters are written as their numbers.
pub fn bare(text: &str) -> String {
    let show = |c: char| if visible(c) { c.to_string() } else { c.escape_unicode().to_string() };
    text.chars().map(show).collect()
}

/// A schema without references to elsewhere, or why it is not usable. Nothing is ever fetched.
pub fn schema(schema: &Map<String, Value>) -> Result<Value, String> {
    let whole = Value::Object(schema.clone());
    if whole.to_string().len() > SCHEMA_BYTES {
        return Err(format!("its schema is larger than {SCHEMA_BYTES} bytes"));
    }
    let mut cleaned = at(&whole, 0).ok_or_else(|| format!("its schema is deeper than {SCHEMA_DEPTH} levels"))?;
    if let Some(root) = cleaned.as_object_mut() {
        root.insert("type".to_owned(), Value::from("object"));
        root.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    }
    Ok(cleaned)
}

fn at(value: &Value, depth: usize) -> Option<Value> {
    if depth > SCHEMA_DEPTH {
        return None;
    }
    Some(match value {
        Value::Object(fields) => {
            let mut kept = Map::new();
            for (name, value) in fields {
                let elsewhere = matches!(name.as_str(), "$ref" | "$dynamicRef" | "$recursiveRef")
                    && !value.as_str().is_some_and(|to| to.starts_with('#'));
                if !elsewhere && !matches!(name.as_str(), "$schema" | "$id") {
                    kept.insert(line(name), at(value, depth + 1)?);
                }
            }
            Value::Object(kept)
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| at(item, depth + 1)).collect::<Option<_>>()?),
        Value::String(text) => Value::String(description(text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{bare, description, name, schema};

    #[test]
    fn names_are_plain_and_unlike() {
        assert_eq!(name("time", "get_time", |_| false), "time_get_time");
        let odd = name("time", "get.time", |_| false);
        assert!(odd.starts_with("time_get_time") || odd.starts_with("time_get"), "{odd}");
        assert_ne!(name("", "pods_list", |name| name == "pods_list"), "pods_list");
        let long = name("s", &"x".repeat(200), |_| false);
        assert!(long.len() <= 64);
        assert!(name("s", "列出", |_| false).chars().all(|c| c.is_ascii_alphanumeric() || c == '_'));
    }

    #[test]
    fn hidden_letters_go_and_bulk_is_cut() {
        assert_eq!(description("a\u{202e}b\u{200b}c\u{e0041}d\u{1b}[0m"), "abcd[0m");
        assert_eq!(description(&"x".repeat(1 << 20)).len(), 1024);
        assert_eq!(bare("a\u{202e}b\n"), "a\\u{202e}b\n");
    }

    #[test]
    fn a_schema_refers_to_itself_at_most() {
        let given = json!({"$schema": "https://x", "properties": {
            "a": {"$ref": "http://127.0.0.1:1/a"}, "b": {"$ref": "#/$defs/b"}}, "$defs": {"b": {"type": "string"}}});
        let clean = schema(given.as_object().unwrap()).unwrap();
        assert_eq!(clean["properties"], json!({"a": {}, "b": {"$ref": "#/$defs/b"}}));
        assert_eq!(clean["type"], "object");
        let mut deep = json!({});
        for _ in 0..100 {
            deep = json!({"properties": {"a": deep}});
        }
        assert!(schema(deep.as_object().unwrap()).is_err());
        assert!(schema(json!({"description": "x".repeat(1 << 20)}).as_object().unwrap()).is_err());
    }
}
