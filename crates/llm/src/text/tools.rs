//! The tools that a call may name: names as models write them, types from the schema, calls inside JSON.

use serde_json::{Map, Value};

use super::json;
use crate::request::Tool;

/// A call as read, its name in the tools' own spelling where it is known.
#[derive(Debug, Clone, PartialEq)]
pub struct Raw {
    pub name: String,
    pub arguments: Map<String, Value>,
}

#[derive(Debug, Default, Clone)]
pub struct Tools(Vec<(String, Value)>);

const ARGUMENTS: [&str; 7] = ["arguments", "parameters", "args", "input", "params", "tool_input", "action_input"];
const NAMES: [&str; 5] = ["function", "tool_name", "tool", "name", "action"];

impl Tools {
    pub fn new(tools: &[Tool]) -> Self {
        Self(tools.iter().map(|tool| (tool.name.clone(), tool.parameters.clone())).collect())
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|tool| tool.0.as_str())
    }

    /// The tool that is meant; nothing is guessed beyond case and `-` for `_`.
    pub fn known(&self, name: &str) -> Option<&str> {
        let name = bare(name);
        if let Some(tool) = self.names().find(|known| *known == name) {
            return Some(tool);
        }
        let fold = |name: &str| name.replace('-', "_").to_lowercase();
        let mut same = self.names().filter(|known| fold(known) == fold(name));
        same.next().filter(|_| same.next().is_none())
    }

    pub fn spelled(&self, name: &str) -> String {
        self.known(name).unwrap_or_else(|| bare(name)).to_owned()
    }

    fn properties(&self, name: &str) -> Option<&Map<String, Value>> {
        self.0.iter().find(|tool| tool.0 == name)?.1.get("properties")?.as_object()
    }

    fn required(&self, name: &str) -> Vec<&str> {
        let list = self.0.iter().find(|tool| tool.0 == name).and_then(|tool| tool.1.get("required")?.as_array());
        list.into_iter().flatten().filter_map(Value::as_str).collect()
    }

    pub fn needs_arguments(&self, name: &str) -> bool {
        !self.required(name).is_empty()
    }

    fn kind(&self, name: &str, key: &str) -> Option<&str> {
        let kind = self.properties(name)?.get(key)?.get("type")?;
        kind.as_str().or_else(|| kind.as_array()?.iter().filter_map(Value::as_str).find(|kind| *kind != "null"))
    }

    pub fn is_text(&self, name: &str, key: &str) -> bool {
        self.kind(name, key) == Some("string")
    }

    /// A value written as text, of the type that the schema says.
    pub fn typed(&self, name: &str, key: &str, text: &str) -> Value {
        let plain = text.trim();
        let read = match self.kind(name, key) {
            Some("integer" | "number") => serde_json::from_str(plain).ok().filter(Value::is_number),
            Some("boolean") => match plain.to_ascii_lowercase().as_str() {
                "true" => Some(Value::Bool(true)),
                "false" => Some(Value::Bool(false)),
                _ => None,
            },
            Some("array") => json::lenient(plain).ok().filter(Value::is_array),
            Some("object") => json::lenient(plain).ok().filter(Value::is_object),
            _ => None,
        };
        read.unwrap_or_else(|| Value::String(text.to_owned()))
    }

    /// The parameter that a value without a name must be: the only text, or the only required text.
    pub fn only_text(&self, name: &str) -> Option<&str> {
        let properties = self.properties(name)?;
        let texts: Vec<&str> = properties.keys().map(String::as_str).filter(|key| self.is_text(name, key)).collect();
        if let [only] = texts[..] {
            return Some(only);
        }
        let required = self.required(name);
        match required[..] {
            [only] if self.is_text(name, only) => properties.get_key_value(only).map(|found| found.0.as_str()),
            _ => None,
        }
    }

    /// The one tool that these arguments fit, for a call whose name was lost.
    pub fn fitting(&self, arguments: &Map<String, Value>) -> Option<&str> {
        let fits = |name: &&str| {
            let known = self.properties(name).is_some_and(|all| arguments.keys().all(|key| all.contains_key(key)));
            known && self.required(name).iter().all(|key| arguments.contains_key(*key))
        };
        let mut fitting = self.names().filter(fits);
        fitting.next().filter(|_| fitting.next().is_none())
    }

    /// The calls that a JSON value is. A `weak` one must name a known tool and be nothing but calls.
    pub fn calls(&self, value: &Value, weak: bool) -> Result<Vec<Raw>, &'static str> {
        match value {
            Value::Array(list) => {
                let each: Result<Vec<_>, _> = list.iter().map(|value| self.calls(value, weak)).collect();
                Ok(each?.into_iter().flatten().collect())
            }
            Value::Object(map) => {
                if let Some(list @ Value::Array(_)) = map.get("tool_calls").or_else(|| map.get("function_calls")) {
                    return self.calls(list, weak);
                }
                self.call(map, weak).map(|call| vec![call])
            }
            Value::String(text) if !weak && text.starts_with('{') => {
                json::lenient(text).map_or(Err("no call"), |value| self.calls(&value, weak))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Err("the JSON is no call"),
        }
    }

    fn call(&self, map: &Map<String, Value>, weak: bool) -> Result<Raw, &'static str> {
        if let Some(Value::Object(inner)) = NAMES[..3].iter().find_map(|key| map.get(*key).filter(|v| v.is_object())) {
            let mut joined = inner.clone();
            for key in ARGUMENTS {
                if let Some(value) = map.get(key).filter(|_| !ARGUMENTS.iter().any(|key| inner.contains_key(*key))) {
                    joined.insert(key.to_owned(), value.clone());
                }
            }
            return self.call(&joined, weak);
        }
        let given = NAMES.iter().filter_map(|key| Some((*key, map.get(*key)?.as_str()?)));
        let mut given: Vec<_> = given.collect();
        given.sort_by_key(|(_, name)| self.known(name).is_none());
        let Some((key, name)) = given.first().copied() else { return self.short(map, weak) };
        if weak && self.known(name).is_none() || bare(name).is_empty() {
            return Err("the JSON names no tool");
        }
        let name = self.spelled(name);
        let Some(arguments) = ARGUMENTS.iter().find_map(|key| map.get(*key)) else {
            let others: Map<_, _> =
                map.iter().filter(|(other, _)| *other != key).map(|(k, v)| (k.clone(), v.clone())).collect();
            let own = self.properties(&name).is_some_and(|all| others.keys().all(|key| all.contains_key(key)));
            if weak && !own {
                return Err("an object without arguments");
            }
            return Ok(Raw { arguments: if own { others } else { Map::new() }, name });
        };
        Ok(Raw { arguments: self.arguments(&name, arguments)?, name })
    }

    /// `{"N": {…}}`
    fn short(&self, map: &Map<String, Value>, weak: bool) -> Result<Raw, &'static str> {
        let Some((name, arguments)) = map.iter().next().filter(|_| map.len() == 1) else {
            return Err("the JSON names no tool");
        };
        if !arguments.is_object() || weak && self.known(name).is_none() {
            return Err("the JSON names no tool");
        }
        let name = self.spelled(name);
        Ok(Raw { arguments: self.arguments(&name, arguments)?, name })
    }

    pub fn arguments(&self, name: &str, value: &Value) -> Result<Map<String, Value>, &'static str> {
        match value {
            Value::Null => Ok(Map::new()),
            Value::Object(map) => {
                let schema = map.get("properties").is_some_and(Value::is_object) && map.contains_key("type");
                if schema && self.properties(name).is_none_or(|own| !own.contains_key("properties")) {
                    return Err("the arguments are the schema, not values: write the values");
                }
                Ok(map.clone())
            }
            Value::String(text) if text.trim().is_empty() => Ok(Map::new()),
            Value::String(text) => match json::lenient(text.trim()) {
                Ok(value @ (Value::Object(_) | Value::String(_) | Value::Null)) => self.arguments(name, &value),
                Ok(_) | Err(_) => match self.only_text(name) {
                    Some(key) => Ok(Map::from_iter([(key.to_owned(), Value::String(text.clone()))])),
                    None => Err("the arguments are no JSON object"),
                },
            },
            Value::Array(list) if list.is_empty() => Ok(Map::new()),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) => Err("the arguments are no JSON object"),
        }
    }
}

/// A name without what servers and models hang on it.
pub fn bare(name: &str) -> &str {
    let mut name = name.trim().trim_matches(['"', '\'', '`', '*', '“', '”', ' ']);
    for prefix in ["functions.", "function.", "default_api.", "tools.", "functions:"] {
        name = name.strip_prefix(prefix).unwrap_or(name);
    }
    match name.rsplit_once(':') {
        Some((head, count)) if !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit()) => head,
        _ => name,
    }
}
