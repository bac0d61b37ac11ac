//! Reads YAML that people write, and names every problem with its line, not only the first.

mod lines;

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

pub use lines::lines;

/// The values of a file; without any, an empty map.
pub fn values(text: &str) -> Result<Map<String, Value>, (usize, String)> {
    let options = serde_saphyr::options! { strict_booleans: true };
    match serde_saphyr::from_str_with_options::<Value>(text, options) {
        Ok(Value::Null) => Ok(Map::new()),
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err((1, "the file must hold fields such as `name: value`".to_owned())),
        Err(_) if text.trim().is_empty() => Ok(Map::new()),
        Err(error) => {
            let line = error.location().map_or(1, |place| place.line() as usize);
            Err((line, error.to_string().lines().next().unwrap_or_default().to_owned()))
        }
    }
}

/// The line of what a pointer names, or of the nearest thing around it.
pub fn line_of(lines: &BTreeMap<String, usize>, pointer: &str) -> usize {
    let mut pointer = pointer;
    loop {
        if let Some(line) = lines.get(pointer) {
            return *line;
        }
        match pointer.rfind('/') {
            Some(at) => pointer = &pointer[..at],
            None => return 1,
        }
    }
}

/// Reads a typed value and reports each problem with a pointer to it. After a problem what it is about is taken out and
/// the rest is read again; None if nothing could be read so.
pub fn every_problem<T: DeserializeOwned>(mut value: Value, report: &mut dyn FnMut(&str, String)) -> Option<T> {
    // Places as they were before entries were taken out of lists.
    let mut moved: Vec<(String, usize)> = Vec::new();
    let mut told: Vec<String> = Vec::new();
    for _ in 0..200 {
        let error = match serde_path_to_error::deserialize::<_, T>(&value) {
            Ok(read) => return Some(read),
            Err(error) => error,
        };
        let mut pointer = pointer(error.path(), &value);
        let text = error.inner().to_string();
        // inside a tagged enum the path is lost; the message still names the field
        if let Some(field) = text.strip_prefix("unknown field `").and_then(|t| t.split('`').next()) {
            let inner = format!("{pointer}/{field}");
            if value.pointer(&inner).is_some() {
                pointer = inner;
            }
        }
        let place = original(&pointer, &moved);
        let missing = text.strip_prefix("missing field `").and_then(|text| text.split('`').next());
        let taken = |place: &str| told.iter().any(|told| told == place || told.starts_with(&format!("{place}/")));
        let emptied = value.pointer(&pointer).and_then(Value::as_object).is_some_and(Map::is_empty) && taken(&place);
        // A field that was taken out for what stood in it is not missing.
        if !emptied && missing.is_none_or(|field| !taken(&format!("{place}/{field}"))) {
            report(&place, text);
        }
        told.push(place);
        if !remove(&mut value, &pointer, &mut moved) {
            return None;
        }
    }
    None
}

fn pointer(path: &serde_path_to_error::Path, value: &Value) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path.iter() {
        match segment {
            Segment::Seq { index } => pointer.push_str(&format!("/{index}")),
            Segment::Map { key } => pointer.push_str(&format!("/{key}")),
            Segment::Enum { variant } => {
                let inner = format!("{pointer}/{variant}");
                if value.pointer(&inner).is_some() {
                    pointer = inner;
                }
            }
            Segment::Unknown => {}
        }
    }
    pointer
}

fn original(pointer: &str, moved: &[(String, usize)]) -> String {
    let mut pointer = pointer.to_owned();
    for (list, at) in moved.iter().rev() {
        let Some(rest) = pointer.strip_prefix(&format!("{list}/")) else { continue };
        let (index, below) = rest.split_once('/').map_or((rest, None), |(index, below)| (index, Some(below)));
        let Ok(index) = index.parse::<usize>() else { continue };
        let index = if index >= *at { index + 1 } else { index };
        pointer = below.map_or_else(|| format!("{list}/{index}"), |below| format!("{list}/{index}/{below}"));
    }
    pointer
}

/// Takes out what a pointer names; an entry that lacks a required field is itself what has to go.
fn remove(value: &mut Value, pointer: &str, moved: &mut Vec<(String, usize)>) -> bool {
    let mut pointer = pointer.to_owned();
    loop {
        let Some((parent, last)) = pointer.rsplit_once('/') else { return false };
        let removed = match value.pointer_mut(parent) {
            Some(Value::Object(map)) => map.remove(last).is_some(),
            Some(Value::Array(list)) => match last.parse::<usize>() {
                Ok(at) if at < list.len() => {
                    list.remove(at);
                    moved.push((parent.to_owned(), at));
                    true
                }
                _ => false,
            },
            _ => false,
        };
        if removed {
            return true;
        }
        pointer = parent.to_owned();
    }
}

#[cfg(test)]
mod test {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    struct Whole {
        name: String,
        list: Vec<Entry>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase", deny_unknown_fields)]
    #[expect(dead_code, reason = "only read")]
    enum Entry {
        One { number: u8 },
    }

    #[test]
    fn each_problem_has_its_own_line() {
        let text =
            "name: a\nsurprise: 1\nlist:\n- one: {}\n- one:\n    number: x\n- two: {}\n- one: {number: 1, more: 2}\n";
        let lines = lines(text);
        let mut found = Vec::new();
        let value = Value::Object(values(text).unwrap());
        every_problem::<Whole>(value, &mut |pointer, text| found.push((line_of(&lines, pointer), text)));
        let mut places: Vec<usize> = found.iter().map(|(line, _)| *line).collect();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places, [2, 4, 6, 7, 8], "{found:#?}");
    }

    #[test]
    fn a_file_that_is_no_map_says_where() {
        assert_eq!(values("").unwrap().len(), 0);
        assert_eq!(values("- a\n").unwrap_err().0, 1);
        assert!(values("a: 1\nb: [\n").unwrap_err().0 > 1);
    }
}
