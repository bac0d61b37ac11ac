//! The form in which a model answers an investigation: claims that cite evidence, perhaps a cause, things to do.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What the model says. Nothing of it is true before [`super::verify`] looked at it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Claims {
    /// one or two sentences for a reader in a hurry
    pub overview: Claim,
    /// only where the rules named none, or to say the same in other words
    pub cause: Option<Claim>,
    pub claims: Vec<Claim>,
    pub suggestions: Vec<Suggestion>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Claim {
    pub text: String,
    /// ids of evidence: `E3`
    pub evidence: Vec<String>,
    /// words that stand in one of these, letter by letter
    pub quote: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Suggestion {
    pub text: String,
    pub command: Option<String>,
}

impl Claims {
    /// Reads an answer of that form. None where it is another one.
    pub fn read(answer: &Value) -> Option<Self> {
        let claims: Self = serde_json::from_value(answer.clone()).ok()?;
        (claims != Self::default()).then_some(claims)
    }
}

/// The form as a JSON schema, for servers that can enforce one.
pub fn schema() -> Value {
    let claim = json!({
        "type": "object",
        "properties": {
            "text": {"type": "string"},
            "evidence": {"type": "array", "items": {"type": "string"}},
            "quote": {"type": "string"}
        },
        "required": ["text", "evidence", "quote"]
    });
    json!({
        "type": "object",
        "properties": {
            "overview": claim,
            "cause": claim,
            "claims": {"type": "array", "items": claim},
            "suggestions": {"type": "array", "items": {
                "type": "object",
                "properties": {"text": {"type": "string"}, "command": {"type": "string"}},
                "required": ["text"]
            }}
        },
        "required": ["overview", "claims", "suggestions"]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_form_is_no_answer() {
        assert_eq!(Claims::read(&json!("well")), None);
        assert_eq!(Claims::read(&json!({})), None);
        assert_eq!(Claims::read(&json!({"claims": "many"})), None);
    }

    #[test]
    fn what_is_missing_is_empty() {
        let read = Claims::read(&json!({"claims": [{"text": "x"}]})).unwrap();
        assert_eq!(read.claims, [Claim { text: "x".to_owned(), ..Claim::default() }]);
        assert_eq!(read.cause, None);
    }
}
