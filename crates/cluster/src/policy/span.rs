//! A span of time in a file: `30s`, `15m`, `8h`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};

/// In seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub u64);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse(&text)
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("{text:?} is no span of time such as 30s, 15m or 8h")))
    }
}

fn parse(text: &str) -> Option<u64> {
    let unit = text.chars().last()?;
    let factor = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let plain = !digits.is_empty() && digits.len() <= 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse::<u64>().ok())?.map(|count| count * factor)
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9]{1,6}[smh]$", "description": "30s, 15m, 8h"})
    }
}

#[cfg(test)]
mod test {
    use super::parse;

    #[test]
    fn spans_have_a_number_and_a_unit() {
        for (text, seconds) in [("30s", Some(30)), ("15m", Some(900)), ("8h", Some(28800)), ("0s", Some(0))] {
            assert_eq!(parse(text), seconds);
        }
        for text in ["", "s", "15", "1.5m", "-1s", "1d", "9999999s", "1 m", "１m"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
