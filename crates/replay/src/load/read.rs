//! Files to objects: JSON or YAML, one document or many, lists of either kind. A bad document costs only itself.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use super::{File, event, time};
use crate::secret;

#[derive(Default)]
pub(super) struct Read {
    pub objects: Vec<Value>,
    pub newest: Option<Timestamp>,
    pub warnings: Vec<String>,
}

/// Reads all files on all processors; the result is in the files' order.
pub(super) fn all(files: &[File<'_>], find_time: bool) -> Read {
    let workers = std::thread::available_parallelism().map_or(1, usize::from).min(files.len());
    let next = AtomicUsize::new(0);
    let mut read: Vec<(usize, Read)> = std::thread::scope(|scope| {
        let work = || {
            let mut done = Vec::new();
            while let Some((path, content)) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                done.push((path.as_str(), one(path, content, find_time)));
            }
            done
        };
        let threads: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let mut done = work();
        for thread in threads {
            match thread.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        let index = |path: &str| files.partition_point(|(other, _)| other.as_str() < path);
        done.into_iter().map(|(path, read)| (index(path), read)).collect()
    });
    read.sort_by_key(|(index, _)| *index);
    let mut all = Read::default();
    for (_, file) in read {
        all.objects.extend(file.objects);
        all.newest = all.newest.max(file.newest);
        all.warnings.extend(file.warnings);
    }
    all
}

fn one(path: &str, content: &[u8], find_time: bool) -> Read {
    let mut read = Read::default();
    let text = match std::str::from_utf8(content) {
        Ok(text) => Cow::Borrowed(text.trim_start_matches('\u{feff}')),
        Err(error) => {
            read.warnings
                .push(format!("{path}: not UTF-8 from byte {}, read with replacement characters", error.valid_up_to()));
            String::from_utf8_lossy(content)
        }
    };
    if text.trim_start().starts_with('{') {
        json(path, &text, &mut read);
    } else {
        yaml(path, &text, &mut read);
    }
    for object in &mut read.objects {
        event::to_core(object);
        secret::blank(object);
    }
    if find_time {
        read.newest = read.objects.iter().filter_map(time::newest).max();
    }
    read
}

fn json(path: &str, text: &str, read: &mut Read) {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    loop {
        let line = 1 + text.get(..stream.byte_offset()).map_or(0, |before| before.matches('\n').count());
        match stream.next() {
            None => return,
            Some(Ok(document)) => unpack(path, line, document, read),
            // YAML is a superset of JSON: flow style with unquoted words starts with a brace too.
            Some(Err(_)) if line == 1 && stream.byte_offset() == 0 && !path.ends_with(".json") => {
                return yaml(path, text, read);
            }
            Some(Err(error)) => {
                read.warnings.push(format!("{path}:{}: skipped, {error}", error.line()));
                return;
            }
        }
    }
}

fn yaml(path: &str, text: &str, read: &mut Read) {
    for (line, document) in documents(text) {
        match serde_saphyr::from_str_with_options::<Value>(document, yaml_options()) {
            Ok(Value::Null) => {}
            Ok(value) => unpack(path, line, value, read),
            Err(error) => {
                let within = error.location().map_or(1, |location| location.line());
                let line = line as u64 + within - 1;
                read.warnings.push(format!("{path}:{line}: skipped, {}", error.without_snippet()));
            }
        }
    }
}

/// Cuts a stream at its `---` lines so that one bad document does not hide the others; gives each one's first line.
fn documents(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let (mut start, mut start_line, mut offset) = (0, 1, 0);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let marker =
            line.strip_prefix("---").is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace));
        if marker && offset > start {
            found.push((start_line, &text[start..offset]));
            (start, start_line) = (offset, index + 1);
        }
        offset += line.len();
    }
    found.push((start_line, &text[start..]));
    found.retain(|(_, document)| !is_blank(document));
    found
}

fn is_blank(document: &str) -> bool {
    document.lines().all(|line| {
        line.trim().is_empty()
            || line.starts_with("---") && line.trim_end().len() == 3
            || line.trim_start().starts_with('#')
    })
}

/// Kubernetes' YAML: `yes` and `on` are words, and a dump of a whole cluster is larger than the parser's usual bounds.
pub(super) fn yaml_options() -> serde_saphyr::Options {
    let mut budget = serde_saphyr::Budget::default();
    budget.max_events = 50_000_000;
    budget.max_nodes = 20_000_000;
    budget.max_total_scalar_bytes = 512 * 1024 * 1024;
    let mut options = serde_saphyr::Options::default();
    options.budget = Some(budget);
    options.strict_booleans = true;
    options.leading_zero_numbers_as_strings = true;
    options.with_snippet = false;
    options
}

/// The head of a list; its items may leave their kind to it.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "apiVersion")]
    api_version: Option<String>,
    kind: Option<String>,
}

fn unpack(path: &str, line: usize, document: Value, read: &mut Read) {
    let head = Head::deserialize(&document).unwrap_or(Head { api_version: None, kind: None });
    let (Some(api_version), Some(kind)) = (head.api_version, head.kind) else {
        read.warnings.push(format!("{path}:{line}: skipped, no apiVersion and kind"));
        return;
    };
    if !kind.ends_with("List") || !document["items"].is_array() && !document["items"].is_null() {
        keep(path, line, document, read);
        return;
    }
    let item_kind = kind.strip_suffix("List").unwrap_or_default();
    let Value::Object(mut list) = document else {
        return;
    };
    let Some(Value::Array(items)) = list.remove("items") else {
        return;
    };
    for mut item in items {
        if let Some(fields) = item.as_object_mut() {
            if !fields.contains_key("kind") && !item_kind.is_empty() {
                fields.insert("kind".to_owned(), Value::String(item_kind.to_owned()));
            }
            if !fields.contains_key("apiVersion") && !item_kind.is_empty() {
                fields.insert("apiVersion".to_owned(), Value::String(api_version.clone()));
            }
        }
        keep(path, line, item, read);
    }
}

fn keep(path: &str, line: usize, object: Value, read: &mut Read) {
    let text = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let problem = if !text(&object["apiVersion"]) || !text(&object["kind"]) {
        "no apiVersion and kind"
    } else if !text(&object["metadata"]["name"]) {
        "no metadata.name"
    } else if !object["metadata"]["namespace"].is_null() && !object["metadata"]["namespace"].is_string() {
        "metadata.namespace is not a text"
    } else {
        read.objects.push(object);
        return;
    };
    read.warnings.push(format!("{path}:{line}: skipped, {problem}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str, text: &str) -> Read {
        one(path, text.as_bytes(), true)
    }

    #[test]
    fn a_bad_document_costs_only_itself_and_names_its_line() {
        let text = "apiVersion: v1\nkind: Node\nmetadata: {name: a}\n---\nkind: [\n---\n# nothing\n---\napiVersion: v1\nkind: Node\nmetadata: {name: b}\n";
        let read = read("nodes.yaml", text);
        assert_eq!(read.objects.len(), 2);
        assert_eq!(read.warnings.len(), 1, "{:?}", read.warnings);
        assert!(
            read.warnings[0].starts_with("nodes.yaml:5:") || read.warnings[0].starts_with("nodes.yaml:6:"),
            "{:?}",
            read.warnings
        );
    }

    #[test]
    fn words_stay_words() {
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: {on: yes, y: n, port: \"08\"}}\ndata: {zip: 0123}\n";
        let object = &read("cm.yaml", text).objects[0];
        assert_eq!(object["metadata"]["labels"], serde_json::json!({"on": "yes", "y": "n", "port": "08"}));
        assert_eq!(object["data"]["zip"], "0123");
    }

    #[test]
    fn items_of_a_typed_list_inherit_their_kind() {
        let read = read("pods.json", r#"{"kind":"PodList","apiVersion":"v1","items":[{"metadata":{"name":"a"}}]}"#);
        assert_eq!(read.objects[0]["kind"], "Pod");
        assert_eq!(read.objects[0]["apiVersion"], "v1");
    }

    #[test]
    fn json_documents_may_follow_each_other() {
        let text = "{\"kind\":\"NodeList\",\"apiVersion\":\"v1\",\"items\":null}\n{\"kind\":\"Node\",\"apiVersion\":\"v1\",\"metadata\":{\"name\":\"a\"}}\n{oops";
        let read = read("nodes.json", text);
        assert_eq!(read.objects.len(), 1);
        assert!(read.warnings[0].starts_with("nodes.json:3:"), "{:?}", read.warnings);
    }
}
