//! Reads the configuration: file, then environment, then flags. Reports every problem with its line, not only the first.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::{Map, Value};

use cluster::yaml;

use super::{Config, check};

/// Something in the configuration that has to be mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// file and line, or the variable or flag
    pub place: String,
    /// dotted path of the field
    pub field: String,
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.is_empty() {
            true => write!(f, "{}: {}", self.place, self.text),
            false => write!(f, "{}: {}: {}", self.place, self.field, self.text),
        }
    }
}

pub struct Loaded {
    pub config: Config,
    /// the file that was read, if any
    pub file: Option<PathBuf>,
    pub problems: Vec<Problem>,
}

/// Reads `file` (which must exist if it was asked for), the variables `MIDWATCH_*` and the flags, later ones winning.
/// Variables name nested fields with two underscores: `MIDWATCH_LOG__LEVEL=debug`.
pub fn load(file: Option<&Path>, env: impl Iterator<Item = (String, String)>, flags: &[(&str, Value)]) -> Loaded {
    let mut problems = Vec::new();
    let default = Path::new("midwatch.yaml");
    let path = file.or_else(|| default.exists().then_some(default));
    let text = match path.map(|p| (p, std::fs::read_to_string(p))) {
        None => String::new(),
        Some((_, Ok(text))) => text,
        Some((path, Err(error))) => {
            problems.push(Problem { place: path.display().to_string(), field: String::new(), text: error.to_string() });
            String::new()
        }
    };
    let name = path.map(|p| p.display().to_string()).unwrap_or_default();
    let mut value = parse(&text, &name, &mut problems);
    let mut places = Places { file: name, lines: yaml::lines(&text), set: Vec::new() };
    for (key, text) in env {
        let Some(rest) = key.strip_prefix("MIDWATCH_").filter(|rest| !RESERVED.contains(rest)) else { continue };
        let path: Vec<String> = rest.to_lowercase().split("__").map(str::to_owned).collect();
        set(&mut value, &path, scalar(&text));
        places.set.push((format!("/{}", path.join("/")), format!("variable {key}")));
    }
    for (key, flag) in flags {
        set(&mut value, &[(*key).to_owned()], flag.clone());
        places.set.push((format!("/{key}"), format!("--{}", key.replace('_', "-"))));
    }
    let config = every_problem(value, &places, &mut problems);
    problems.extend(check::check(&config).into_iter().map(|(pointer, text)| places.problem(&pointer, text)));
    Loaded { config, file: path.map(Path::to_owned), problems }
}

/// Variables that are no fields of the configuration.
const RESERVED: &[&str] = &["CONFIG", "CACHE", "CRASH_AT", "PROMETHEUS_URL"];

fn parse(text: &str, name: &str, problems: &mut Vec<Problem>) -> Value {
    yaml::values(text).map_or_else(
        |(line, text)| {
            problems.push(Problem { place: format!("{name}:{line}"), field: String::new(), text });
            Value::Object(Map::new())
        },
        Value::Object,
    )
}

/// A variable's text as YAML would read it: numbers, booleans and flow lists keep their type.
fn scalar(text: &str) -> Value {
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).unwrap_or_else(|_| Value::from(text))
}

fn set(value: &mut Value, path: &[String], to: Value) {
    let [first, rest @ ..] = path else { return };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    if rest.is_empty() {
        value[first.as_str()] = to;
    } else {
        set(&mut value[first.as_str()], rest, to);
    }
}

struct Places {
    file: String,
    lines: std::collections::BTreeMap<String, usize>,
    /// pointers that a variable or flag set
    set: Vec<(String, String)>,
}

impl Places {
    fn problem(&self, pointer: &str, text: String) -> Problem {
        let below = |inner: &str, outer: &str| inner == outer || inner.starts_with(&format!("{outer}/"));
        let set = self.set.iter().rev().find(|(set, _)| below(pointer, set));
        // a variable may have made the section that is wrong
        let made = || self.set.iter().rev().find(|(set, _)| below(set, pointer) && !self.lines.contains_key(pointer));
        let set = set.or_else(made);
        let place = set
            .map_or_else(|| format!("{}:{}", self.file, yaml::line_of(&self.lines, pointer)), |(_, name)| name.clone());
        Problem { place, field: pointer.trim_start_matches('/').replace('/', "."), text }
    }
}

/// Reads the typed configuration; what was wrong has its default then.
fn every_problem(value: Value, places: &Places, problems: &mut Vec<Problem>) -> Config {
    let read = yaml::every_problem(value, &mut |pointer, text| problems.push(places.problem(pointer, text)));
    read.unwrap_or_else(|| Config::deserialize(Value::Object(Map::new())).unwrap_or_default())
}
