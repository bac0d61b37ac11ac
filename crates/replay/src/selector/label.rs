//! Label selectors: `a=b`, `a!=b`, `a in (b,c)`, `a notin (b,c)`, `a`, `!a`, `a>1`, `a<1`, joined by commas.

use std::str::FromStr;

use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LabelSelector {
    requirements: Vec<Requirement>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Test {
    In(Vec<String>),
    /// Also true where the label is missing, as in the API server.
    NotIn(Vec<String>),
    Exists,
    Missing,
    Above(i64),
    Below(i64),
}

impl LabelSelector {
    pub fn matches(&self, labels: &Value) -> bool {
        self.requirements.iter().all(|requirement| {
            let value = labels[&requirement.key].as_str();
            let number = || value.and_then(|value| value.parse::<i64>().ok());
            match &requirement.test {
                Test::In(values) => value.is_some_and(|value| values.iter().any(|wanted| wanted == value)),
                Test::NotIn(values) => value.is_none_or(|value| values.iter().all(|unwanted| unwanted != value)),
                Test::Exists => value.is_some(),
                Test::Missing => value.is_none(),
                Test::Above(bound) => number().is_some_and(|number| number > *bound),
                Test::Below(bound) => number().is_some_and(|number| number < *bound),
            }
        })
    }
}

impl FromStr for LabelSelector {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let requirements = split(text)?.into_iter().map(requirement).collect::<Result<_, _>>()?;
        Ok(Self { requirements })
    }
}

/// Cuts at the commas that are not inside a set's parentheses.
fn split(text: &str) -> Result<Vec<&str>, String> {
    let (mut parts, mut start, mut inside) = (Vec::new(), 0, false);
    for (at, character) in text.char_indices() {
        match character {
            '(' if inside => return Err("found '(' inside a set".to_owned()),
            ')' if !inside => return Err("found ')' without '('".to_owned()),
            '(' | ')' => inside = character == '(',
            ',' if !inside => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if inside {
        return Err("expected ')'".to_owned());
    }
    parts.push(&text[start..]);
    Ok(parts)
}

fn requirement(text: &str) -> Result<Requirement, String> {
    let text = text.trim();
    if let Some(key) = text.strip_prefix('!') {
        return Ok(Requirement { key: valid_key(key)?, test: Test::Missing });
    }
    if let Some((head, rest)) = text.split_once('(') {
        let values = rest.strip_suffix(')').ok_or_else(|| format!("unexpected text after ')' in \"{text}\""))?;
        let values: Vec<String> = values.split(',').map(valid_value).collect::<Result<_, _>>()?;
        let (key, operator) = head.trim().split_once(char::is_whitespace).unwrap_or((head.trim(), ""));
        let test = match operator.trim() {
            "in" => Test::In(values),
            "notin" => Test::NotIn(values),
            other => return Err(format!("found '{other}', expected: in, notin")),
        };
        return Ok(Requirement { key: valid_key(key)?, test });
    }
    let Some(at) = text.find(['=', '!', '<', '>']) else {
        return Ok(Requirement { key: valid_key(text)?, test: Test::Exists });
    };
    let (key, rest) = text.split_at(at);
    let number = |value: &str| {
        value
            .trim()
            .parse()
            .map_err(|_| format!("for '<' and '>' the value must be an integer, found '{}'", value.trim()))
    };
    let test = if let Some(value) = rest.strip_prefix("!=") {
        Test::NotIn(vec![valid_value(value)?])
    } else if let Some(value) = rest.strip_prefix("==").or_else(|| rest.strip_prefix('=')) {
        Test::In(vec![valid_value(value)?])
    } else if let Some(value) = rest.strip_prefix('>') {
        Test::Above(number(value)?)
    } else if let Some(value) = rest.strip_prefix('<') {
        Test::Below(number(value)?)
    } else {
        return Err(format!("found '{rest}', expected: =, !=, ==, in, notin, <, >"));
    };
    Ok(Requirement { key: valid_key(key)?, test })
}

fn valid_key(text: &str) -> Result<String, String> {
    let key = text.trim();
    let name = key.rsplit('/').next().unwrap_or_default();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
    if name.is_empty() || !key.chars().all(allowed) || key.matches('/').count() > 1 {
        return Err(format!("invalid label key \"{key}\""));
    }
    Ok(key.to_owned())
}

fn valid_value(text: &str) -> Result<String, String> {
    let value = text.trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if value.len() > 63 || !value.chars().all(allowed) {
        return Err(format!("invalid label value \"{value}\""));
    }
    Ok(value.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_match_as_in_the_api_server() {
        let labels = json!({"app": "cart", "tier": "web", "rank": "3", "empty": ""});
        for (selector, expected) in [
            ("", true),
            ("app=cart", true),
            ("app==cart,tier=web", true),
            ("app=cart,tier=db", false),
            ("app!=cart", false),
            ("missing!=x", true),
            ("app in (cart, shop)", true),
            ("app notin (cart)", false),
            ("missing notin (x)", true),
            ("app", true),
            ("!app", false),
            ("!missing", true),
            ("rank>2", true),
            ("rank<3", false),
            ("empty=", true),
            ("app in (a,b),tier", false),
        ] {
            assert_eq!(selector.parse::<LabelSelector>().unwrap().matches(&labels), expected, "{selector}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for selector in ["a in (b", "a=b)", "a ~ b", "=b", "a in b", "a=b c", "a>x", "(a)", ",", "a/b/c=d"] {
            assert!(selector.parse::<LabelSelector>().is_err(), "{selector}");
        }
    }
}
