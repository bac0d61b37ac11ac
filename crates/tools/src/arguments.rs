//! Reads a call's arguments. Their types were checked against the tool's schema before.

use serde_json::Value;

use crate::tool::Arguments;
use crate::trouble::Trouble;

/// None also for an empty text: models send `""` where they mean nothing.
pub fn text<'a>(arguments: &'a Arguments, name: &str) -> Option<&'a str> {
    arguments.get(name)?.as_str().map(str::trim).filter(|text| !text.is_empty())
}

pub fn required<'a>(arguments: &'a Arguments, name: &str) -> Result<&'a str, Trouble> {
    text(arguments, name).ok_or_else(|| Trouble::unreadable(name, "it is required"))
}

pub fn flag(arguments: &Arguments, name: &str, default: bool) -> bool {
    arguments.get(name).and_then(Value::as_bool).unwrap_or(default)
}

/// A whole number; `5.0` is one too.
pub fn number(arguments: &Arguments, name: &str) -> Option<u64> {
    let value = arguments.get(name)?;
    value.as_u64().or_else(|| value.as_f64().filter(|number| *number >= 0.0 && number.fract() == 0.0).map(|n| n as u64))
}

/// Where a list goes on: what the answer before called `cursor`.
pub fn cursor(arguments: &Arguments) -> Result<usize, Trouble> {
    let Some(text) = text(arguments, "cursor") else { return Ok(0) };
    text.parse().map_err(|_| Trouble::unreadable("cursor", "give the number that the answer before ended with"))
}
