//! Redacts objects of JSON and keeps their shape: Kubernetes objects, release values, configuration, tool answers.

use serde_json::{Map, Value};

use crate::{Class, Redactor, Span, names, scan, structure};

pub fn redact(redactor: &Redactor, value: &mut Value) {
    match value {
        Value::Object(map) => object(redactor, map),
        Value::Array(items) => list(redactor, items),
        Value::String(text) => plain(redactor, text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn plain(redactor: &Redactor, text: &mut String) {
    if let std::borrow::Cow::Owned(clean) = redactor.text(text) {
        *text = clean;
    }
}

fn object(redactor: &Redactor, map: &mut Map<String, Value>) {
    let text = |map: &Map<String, Value>, key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
    let kind = text(map, "kind");
    let secret_type = text(map, "type").is_some_and(|name| name == "Opaque" || name.starts_with("helm.sh/release"));
    let secret = kind.as_deref() == Some("Secret") || (kind.is_none() && secret_type);
    if kind.as_deref() == Some("SecretList") {
        // The API leaves out the kind of each.
        for item in map.get_mut("items").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(data) = item.get_mut("data") {
                hide(redactor, Class::Secret, data);
            }
        }
    }
    let random = kind.is_none() && text(map, "type").as_deref() == Some("random_password");
    // A container's environment, a parameter of a release, a header of a probe.
    let named = text(map, "name").or_else(|| text(map, "key"));
    for (key, value) in map.iter_mut() {
        match value {
            Value::Object(data) if key == "stringData" || (secret && matches!(key.as_str(), "data" | "binaryData")) => {
                data.values_mut().for_each(|value| hide(redactor, Class::Secret, value));
            }
            Value::Object(_) | Value::Array(_) if random && key == "instances" => results(redactor, value),
            Value::String(text) => {
                let name = if key == "value" { named.as_deref().unwrap_or(key) } else { key };
                match names::of_field(name, text) {
                    Some(class) => *text = redactor.placeholder(class, text),
                    None => plain(redactor, text),
                }
            }
            Value::Array(items) if items.iter().all(Value::is_string) => {
                for item in items.iter_mut() {
                    let class = item.as_str().and_then(|text| names::of_field(key, text));
                    if let Some(class) = class {
                        hide(redactor, class, item);
                    }
                }
                list(redactor, items);
            }
            // Numbers are secrets only where the name leaves no doubt: `pin: 1234`.
            Value::Number(number) => {
                if let Some(class) = names::of_field(key, &number.to_string()).filter(|class| *class == Class::Password)
                {
                    *value = Value::String(redactor.placeholder(class, &number.to_string()));
                }
            }
            Value::Object(_) | Value::Array(_) | Value::Null | Value::Bool(_) => redact(redactor, value),
        }
    }
}

/// Every string below, whatever its key.
fn hide(redactor: &Redactor, class: Class, value: &mut Value) {
    match value {
        Value::String(text) if structure::hides(text) && !text.is_empty() => *text = redactor.placeholder(class, text),
        Value::Array(items) => items.iter_mut().for_each(|item| hide(redactor, class, item)),
        Value::Object(map) => map.values_mut().for_each(|value| hide(redactor, class, value)),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What Terraform's `random_password` has made.
fn results(redactor: &Redactor, value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                if matches!(key.as_str(), "result" | "bcrypt_hash") {
                    hide(redactor, Class::Password, value);
                } else {
                    results(redactor, value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| results(redactor, item)),
        Value::String(text) => plain(redactor, text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A list of words may be a command line: what a flag means is found in the whole of it.
fn list(redactor: &Redactor, items: &mut [Value]) {
    let words: Vec<&str> = items.iter().filter_map(Value::as_str).collect();
    if words.len() == items.len() && words.len() > 1 {
        let line = words.join(" ");
        let spans = scan::find(&line);
        if !spans.is_empty() {
            let mut start = 0;
            for item in items.iter_mut() {
                let length = item.as_str().map_or(0, str::len);
                if let Some(text) = marked(redactor, &line, start, start + length, &spans) {
                    *item = Value::String(text);
                }
                start += length + 1;
            }
        }
    }
    items.iter_mut().for_each(|item| redact(redactor, item));
}

/// The word of the line from `start` to `end` with what is marked in it replaced.
fn marked(redactor: &Redactor, line: &str, start: usize, end: usize, spans: &[Span]) -> Option<String> {
    let inside = spans.iter().filter(|span| span.start < end && span.end > start);
    let inside: Vec<Span> =
        inside.map(|span| Span { start: span.start.max(start), end: span.end.min(end), ..*span }).collect();
    if inside.is_empty() {
        return None;
    }
    let mut text = String::new();
    let mut done = start;
    for span in crate::outside_placeholders(line, crate::merged(inside)) {
        text.push_str(&line[done..span.start]);
        text.push_str(&redactor.placeholder(span.class, &line[span.start..span.end]));
        done = span.end;
    }
    text.push_str(&line[done..end]);
    Some(text)
}
